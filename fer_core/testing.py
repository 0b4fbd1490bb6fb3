"""Models with fixed answers, for tests of the code that uses models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS, Emotion
from fer_core.models.landmarks import Landmarks
from fer_core.models.landmarks.crops import face_box
from fer_core.models.landmarks.geometry import MODEL_POINTS
from fer_core.schema import Box, Detection
from fer_core.schema.action_units import MOVEMENTS


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
    """Gives ``share`` to one expression and divides the rest evenly among the others."""

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


class FakeLandmarkModel:
    """Finds the faces in the given boxes wherever it is asked to look near one of them.

    Without boxes, it finds a face in every box it is asked about. ``face_box`` of its points is
    the box, and ``eyes`` their aspect ratio.
    With ``movements`` (name -> 0..1, the others 0), it tells these too, and irises in the middle of
    the eyes, or ``aside`` of it by that many pixels (right and down in the picture).
    """

    name = "fake-landmarks"

    def __init__(
        self,
        boxes: Sequence[Box] | None = None,
        presence: float = 1.0,
        movements: Mapping[str, float] | None = None,
    ) -> None:
        self.boxes = boxes
        self.presence = presence
        self.movements = movements
        self.aside = (0.0, 0.0)
        self.eyes = 0.3

    def locate(
        self,
        bgr: NDArray[np.uint8],  # noqa: ARG002 - a fake does not look
        boxes: Sequence[Box],
    ) -> list[Landmarks]:
        """See ``LandmarkModel.locate``."""
        return [self._locate(box) for box in boxes]

    def _locate(self, box: Box) -> Landmarks:
        known = [box] if self.boxes is None else list(self.boxes)
        nearest = max(known, key=box.iou, default=box)
        if not known or box.iou(nearest) < 0.3:
            return Landmarks(face_points(box), presence=0.0)
        points = face_points(nearest, self.eyes)
        if self.movements is None:
            return Landmarks(points, self.presence)
        moved = np.array([self.movements.get(name, 0.0) for name in MOVEMENTS], np.float32)
        irises = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])
        irises += np.array(self.aside, np.float32)
        return Landmarks(points, self.presence, moved, irises)


def face_points(box: Box, eyes: float = 0.3) -> NDArray[np.float32]:
    """The 68 points of a face looking into the camera, whose ``face_box`` has the box's height and
    centre (and its width, if the box has a face's proportions). ``eyes`` is their aspect ratio."""
    shape = _shape(eyes)
    frame = face_box(shape)
    scale = box.h / frame.h
    middle = np.array([frame.x + frame.w / 2.0, frame.y + frame.h / 2.0])
    centre = np.array([box.x + box.w / 2.0, box.y + box.h / 2.0])
    # face_box counts the half pixel by which a pixel's centre lies inside it.
    return np.asarray((shape - middle + 0.5) * scale + centre - 0.5, np.float32)


def _shape(eyes: float) -> NDArray[np.float32]:
    """A face of simple curves through ``MODEL_POINTS``, in centimetres, y down."""
    points = np.zeros((68, 2))
    turn = np.linspace(np.pi, 0.0, 17)
    points[:17] = np.stack([7.2 * np.cos(turn), 11.7 * np.sin(turn) - 2.3], axis=1)
    points[17:22] = np.stack([np.linspace(-6.0, -1.2, 5), np.full(5, -4.6)], axis=1)
    points[22:27] = np.stack([np.linspace(1.2, 6.0, 5), np.full(5, -4.6)], axis=1)
    points[27:31] = np.stack([np.zeros(4), np.linspace(-2.473, 1.127, 4)], axis=1)
    points[31:36] = np.stack([np.linspace(-1.4, 1.4, 5), [1.7, 1.9, 2.1, 1.9, 1.7]], axis=1)
    lids = eyes * 1.295 / np.sin(np.pi / 3.0)
    points[36:42] = _ellipse(6, (-3.15, -2.62), (1.295, lids))
    points[42:48] = _ellipse(6, (3.15, -2.62), (1.295, lids))
    points[48:60] = _ellipse(12, (0.0, 4.34), (2.456, 1.0))
    points[60:68] = _ellipse(8, (0.0, 4.34), (2.0, 0.1))
    for number, (x, y, _) in MODEL_POINTS.items():
        points[number] = x, -y
    return np.asarray(points, np.float32)


def _ellipse(
    count: int, centre: tuple[float, float], radii: tuple[float, float]
) -> NDArray[np.float64]:
    """Points of a closed curve, from its left end over the top."""
    turn = np.pi + 2.0 * np.pi * np.arange(count) / count
    return np.stack([np.cos(turn), np.sin(turn)], axis=1) * radii + centre
