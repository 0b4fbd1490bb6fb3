"""Scout, the detector this project trains from scratch and ships (models/face_detector.md).

Anchor-free and single-shot in the manner of YuNet, on grey pictures.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.media.resize import map_back, shrink
from fer_core.models.detectors.contrast import stretched
from fer_core.models.registry import MODELS
from fer_core.models.weights.files import SHIPPED
from fer_core.models.weights.onnx import RESTORE, open_session, other_network
from fer_core.schema import Detection

STRIDES = (8, 16, 32)
"""Pixels from cell to cell in each of the network's three grids. The sides of its input are
multiples of the last one."""

POINTS = 5
"""Right eye, left eye, nose tip, right and left corner of the mouth, like YuNet's: the person's own
right and left."""

LONGEST_PX = 640
NMS_IOU = 0.4
MOST_BOXES = 400
"""Only this many boxes with the highest scores are kept: comparing all would take seconds."""

SHIPPED_WEIGHTS = SHIPPED / MODELS["scout"].file_name

INPUT, OUTPUTS, THRESHOLD_NOTE = "picture", ["scores", "boxes", "points"], "threshold"

Boxes = NDArray[np.float32]
"""``(n, 4)``: left, top, right, bottom in pixels."""


class ScoutDetector:
    """A network made by ``train-detector``. ``score`` is its own confidence, 0..1.

    One instance may serve many threads.
    """

    least_presence = 0.99
    """The face network must be surer than of other detectors' boxes: from 0.95 on, 7 false alarms
    are left in 1,250 pictures without a face, from 0.99 on none. One of 120 upright faces is
    lost by that, and 19 of 120 masked ones, compared with 0.6 (models/face_detector.md)."""

    def __init__(self, path: Path = SHIPPED_WEIGHTS, name: str = "scout") -> None:
        """``name`` is its name in results.

        Raises ``WeightsError`` if the file is missing, damaged or another network.
        """
        self.name = name
        self._session = open_session(path, RESTORE)
        names = [value.name for value in self._session.get_outputs()]
        notes = self._session.get_modelmeta().custom_metadata_map
        if names != OUTPUTS or THRESHOLD_NOTE not in notes:
            raise other_network(path, RESTORE)
        self.threshold = float(notes[THRESHOLD_NOTE])

    def predict(self, plane: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Scores ``(cells,)``, boxes ``(cells, 4)`` and points ``(cells, 5, 2)`` of a picture
        ``(height, width)`` uint8, grey, whose sides are multiples of 32."""
        return tuple(self._session.run(OUTPUTS, {INPUT: plane[np.newaxis, np.newaxis]}))

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """See ``FaceDetector.detect``."""
        height, width = bgr.shape[:2]
        small, scale = shrink(bgr, LONGEST_PX)
        scores, boxes, points = self.predict(as_plane(stretched(small)))
        faces = []
        for i in suppress(boxes, scores, self.threshold):
            left, top, right, bottom = boxes[i].tolist()
            marks = tuple((x, y) for x, y in points[i].tolist())
            faces.append(((left, top, right - left, bottom - top), float(scores[i]), marks))
        return map_back(faces, scale, width, height)


def as_plane(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as the network's input: grey, padded with black on the right and below to multiples
    of 32."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    down, across = (-side % STRIDES[-1] for side in grey.shape)
    return np.asarray(cv2.copyMakeBorder(grey, 0, down, 0, across, cv2.BORDER_CONSTANT), np.uint8)


def suppress(boxes: Boxes, scores: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Non-maximum suppression: rows of the kept boxes, highest score first."""
    sure = np.flatnonzero(scores >= threshold)
    sure = sure[np.argsort(-scores[sure], kind="stable")[:MOST_BOXES]]
    corner, far = boxes[sure, :2], boxes[sure, 2:]
    # As doubles, because half pixels matter for faces of ten pixels.
    rectangles = np.hstack([corner, far - corner]).astype(np.float64)
    kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores[sure].tolist(), threshold, NMS_IOU)
    return np.asarray(sure[np.asarray(kept, np.int64).ravel()], np.int64)
