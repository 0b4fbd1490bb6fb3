"""One picture in, one ``FrameResult`` out."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.detectors import FaceDetector, load_detector
from fer_core.emotion import EmotionModel, load_emotion_model
from fer_core.engines import DEFAULT_WAIT_S, Choice, choose_detector, choose_emotion_model
from fer_core.schema import Box, Detection, Face, FrameResult


class Analyzer:
    """A detector and an emotion model, put together. May be used from several threads at once."""

    def __init__(
        self,
        detector: str | FaceDetector = "auto",
        emotion: str | EmotionModel = "auto",
        wait_s: float = DEFAULT_WAIT_S,
    ) -> None:
        """Engines by name or as objects. ``auto`` waits up to ``wait_s`` for a download.

        Raises ``UnknownEngine`` or ``WeightsError``.
        """
        self.detector_choice: Choice
        self.emotion_choice: Choice
        if isinstance(detector, str):
            self.detector_choice = choose_detector(detector, wait_s=wait_s)
            self.detector = load_detector(self.detector_choice.name)
        else:
            self.detector_choice = Choice(detector.name, "It was handed over.")
            self.detector = detector
        if isinstance(emotion, str):
            self.emotion_choice = choose_emotion_model(emotion, wait_s=wait_s)
            self.emotion = load_emotion_model(self.emotion_choice.name)
        else:
            self.emotion_choice = Choice(emotion.name, "It was handed over.")
            self.emotion = emotion

    @property
    def labels(self) -> tuple[str, ...]:
        """The expressions that the faces of its results can show."""
        return self.emotion.labels

    def analyze(self, bgr: NDArray[np.uint8], t_s: float = 0.0) -> FrameResult:
        """Find every face in a picture ``(height, width, 3)`` uint8, BGR, and classify it.

        ``t_s`` is the frame's own time in seconds, handed through to the result.
        Raises ``ValueError`` for an array of another shape or type.
        """
        if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8 or 0 in bgr.shape:
            raise ValueError(f"a picture is (height, width, 3) uint8, not {bgr.shape} {bgr.dtype}")
        started = time.perf_counter()
        faces = self._classify(bgr, self.detector.detect(bgr))
        return FrameResult(
            width=bgr.shape[1],
            height=bgr.shape[0],
            faces=faces,
            model=self.emotion.name,
            detector=self.detector.name,
            t_s=t_s,
            latency_ms=(time.perf_counter() - started) * 1e3,
        )

    def _classify(self, bgr: NDArray[np.uint8], detections: list[Detection]) -> tuple[Face, ...]:
        """All faces of the picture in one batch."""
        if not detections:
            return ()
        crops = np.stack([face_crop(bgr, detection.box) for detection in detections])
        return tuple(
            Face(
                box=detection.box,
                score=detection.score,
                landmarks=detection.landmarks,
                probabilities=tuple(float(share) for share in row / row.sum()),
                labels=self.emotion.labels,
            )
            for detection, row in zip(
                detections, self.emotion.predict(crops).astype(np.float64), strict=True
            )
        )


CROP_PX = 96
"""Side of the crops handed to the emotion model: twice its native 48, so that the network's own
resampling decides what is kept, and every face of a frame fits in one batch."""


def face_crop(bgr: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The square around a box, grey, ``(CROP_PX, CROP_PX)`` uint8.

    The square has the side of the box's longer edge and the box's centre, as the tiles of FER2013
    that the networks learned from: on 750 of them their side is 1.01 times the longer edge of
    YuNet's box and 1.03 times Haar's (medians). Where the square leaves the picture the edge pixels
    are repeated: a black bar would look like an occlusion to the network.
    """
    side = max(box.w, box.h)
    left = box.x + (box.w - side) // 2
    top = box.y + (box.h - side) // 2
    height, width = bgr.shape[:2]
    inside = bgr[max(0, top) : min(height, top + side), max(0, left) : min(width, left + side)]
    square = cv2.copyMakeBorder(
        inside,
        max(0, -top),
        max(0, top + side - height),
        max(0, -left),
        max(0, left + side - width),
        cv2.BORDER_REPLICATE,
    )
    grey = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY)
    shrinking = side > CROP_PX
    resampling = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (CROP_PX, CROP_PX), interpolation=resampling), np.uint8)
