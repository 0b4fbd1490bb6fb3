"""Engines that answer what they are told: for tests of what is built on the real ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema import Box, Detection


class FakeDetector:
    """Finds the same faces in every picture, clipped to it."""

    name = "fake-detector"

    def __init__(self, boxes: Sequence[Box] = (Box(10, 10, 40, 40),), score: float = 0.9) -> None:
        self.boxes = list(boxes)
        self.score = score

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """See ``FaceDetector.detect``."""
        height, width = bgr.shape[:2]
        clipped = (Box.clipped(b.x, b.y, b.w, b.h, width, height) for b in self.boxes)
        return [Detection(box, self.score) for box in clipped if box is not None]


class FakeEmotionModel:
    """Gives ``share`` to one expression and divides the rest evenly."""

    name = "fake-emotion"
    labels: tuple[str, ...] = EMOTIONS

    def __init__(self, dominant: Emotion = Emotion.HAPPY, share: float = 0.7) -> None:
        self.dominant = dominant
        self.share = share

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``EmotionModel.predict``."""
        rest = (1.0 - self.share) / (len(EMOTIONS) - 1)
        row = [self.share if emotion is self.dominant else rest for emotion in EMOTIONS]
        return np.tile(np.array(row, dtype=np.float32), (len(crops), 1))
