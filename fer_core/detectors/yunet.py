"""YuNet, OpenCV's small face detector: finds turned and tilted faces, and five points on each."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.detectors.scaling import RawFace, map_back, shrink
from fer_core.errors import WeightsCorrupt
from fer_core.schema import Detection

LONGEST_PX = 640
SCORE_THRESHOLD = 0.7
NMS_IOU = 0.3
MIN_SIDE_PX = 64
"""Two cells of the network's coarsest grid. On a picture one cell wide, OpenCV 4.14 makes it read
memory that was never written: boxes of infinite size in pictures that are black."""


class YuNetDetector:
    """YuNet (Wu et al., Machine Intelligence Research 2023) through ``cv2.FaceDetectorYN``.

    ``score`` is the network's own confidence, 0..1.
    """

    name = "yunet"

    def __init__(self, path: Path) -> None:
        """``path`` is face_detection_yunet_2023mar.onnx. Raises ``WeightsCorrupt``."""
        self._path = path
        # setInputSize() is state: one network for each thread, of 0.2 MB.
        self._local = threading.local()
        self._network()

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """See ``FaceDetector.detect``."""
        height, width = bgr.shape[:2]
        small, scale = shrink(bgr, LONGEST_PX)
        padded = _at_least(small, MIN_SIDE_PX)
        network = self._network()
        network.setInputSize((padded.shape[1], padded.shape[0]))
        _, rows = network.detect(padded)
        faces = [] if rows is None else [_raw_face(row) for row in rows]
        return map_back(faces, scale, width, height)

    def _network(self) -> cv2.FaceDetectorYN:
        if not hasattr(self._local, "network"):
            try:
                self._local.network = cv2.FaceDetectorYN.create(
                    str(self._path), "", (320, 320), SCORE_THRESHOLD, NMS_IOU
                )
            except cv2.error as error:
                raise WeightsCorrupt(
                    f"{self._path} is not a YuNet network that OpenCV can read. Delete it and run "
                    "`python -m fer_core weights fetch`."
                ) from error
        network: cv2.FaceDetectorYN = self._local.network
        return network


def _at_least(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """``image`` with black to its right and below, where it is narrower than ``side_px``."""
    height, width = image.shape[:2]
    if min(height, width) >= side_px:
        return image
    right, below = max(0, side_px - width), max(0, side_px - height)
    padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(padded, dtype=np.uint8)


def _raw_face(row: NDArray[np.float32]) -> RawFace:
    """One row of YuNet's output: x, y, w, h, five (x, y) points, score."""
    x, y, w, h = (float(value) for value in row[:4])
    points = tuple((float(px), float(py)) for px, py in row[4:14].reshape(5, 2))
    return (x, y, w, h), float(row[14]), points
