"""YuNet, OpenCV's small face detector: finds turned and tilted faces, and five points on each."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fer_core.media.resize import RawFace, map_back, shrink
from fer_core.models.detectors.contrast import stretched
from fer_core.models.weights.onnx import FETCH_AGAIN, open_session, other_network
from fer_core.schema import Detection

LONGEST_PX = 640
SCORE_THRESHOLD = 0.7
NMS_IOU = 0.3

_STRIDES = (8, 16, 32)
"""Pixels from cell to cell in each of the network's three grids. The sides of its input are
multiples of the last one."""

_OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]

_FIXED_SIZE = bytes.fromhex("0a03088005 0a03088005")
_ANY_SIZE = bytes.fromhex("0a03120168 0a03120177")
"""The input height and width in the file, 640 and 640, and the symbols "h" and "w" that replace
them, both in ONNX's encoding. The graph itself works for pictures of any size."""


class YuNetDetector:
    """YuNet (Wu et al., Machine Intelligence Research 2023) in onnxruntime.

    It finds what ``cv2.FaceDetectorYN`` finds, three times as fast. ``score`` is the network's own
    confidence, 0..1.
    """

    def __init__(self, path: Path, name: str = "yunet") -> None:
        """``path`` is face_detection_yunet_2023mar.onnx, ``name`` its name in results.

        Raises ``WeightsError``.
        """
        self.name = name
        self._session = _open(path)

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """See ``FaceDetector.detect``."""
        height, width = bgr.shape[:2]
        small, scale = shrink(bgr, LONGEST_PX)
        planes = _planes(stretched(small))
        maps = self._session.run(_OUTPUTS, {"input": planes[np.newaxis]})
        faces = _decode([each[0] for each in maps], columns=planes.shape[2] // _STRIDES[-1])
        return map_back(faces, scale, width, height)


def _planes(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture as the network's input: ``(3, height, width)`` float32, blue first, 0..255, padded
    with black on the right and below to multiples of 32."""
    height, width = (-(-side // _STRIDES[-1]) * _STRIDES[-1] for side in bgr.shape[:2])
    planes = np.zeros((3, height, width), np.float32)
    for plane, channel in zip(planes, cv2.split(bgr), strict=True):
        plane[: bgr.shape[0], : bgr.shape[1]] = channel
    return planes


def _decode(maps: list[NDArray[np.float32]], columns: int) -> list[RawFace]:
    """The faces in the outputs ``_OUTPUTS``, each ``(cells, k)``; ``columns`` of the coarsest grid.

    For a cell with a face, ``bbox`` is the centre relative to the cell's corner and the logarithms
    of the sides, ``kps`` five points relative to that corner, all in strides. Its score is the
    geometric mean of ``cls``, the class score, and ``obj``, how well the box fits. Of overlapping
    boxes the one with the highest score is kept. All as in OpenCV's ``FaceDetectorYN``.
    """
    boxes, points, scores = [], [], []
    for level, stride in enumerate(_STRIDES):
        cls, obj, bbox, kps = maps[level :: len(_STRIDES)]
        score = np.sqrt(np.clip(cls[:, 0], 0.0, 1.0) * np.clip(obj[:, 0], 0.0, 1.0))
        sure = np.flatnonzero(score >= SCORE_THRESHOLD)
        row, column = np.divmod(sure, columns * _STRIDES[-1] // stride)
        corner = np.column_stack([column, row]).astype(np.float32)
        sides = np.exp(bbox[sure, 2:])
        boxes.append(np.hstack([corner + bbox[sure, :2] - sides / 2.0, sides]) * stride)
        points.append((kps[sure].reshape(-1, 5, 2) + corner[:, np.newaxis]) * stride)
        scores.append(score[sure])
    box, point, score = np.concatenate(boxes), np.concatenate(points), np.concatenate(scores)
    # OpenCV compares whole pixels.
    kept = cv2.dnn.NMSBoxes(np.trunc(box).tolist(), score.tolist(), SCORE_THRESHOLD, NMS_IOU)
    return [_raw_face(box[each], float(score[each]), point[each]) for each in kept]


def _raw_face(box: NDArray[np.float32], score: float, points: NDArray[np.float32]) -> RawFace:
    x, y, w, h = box.tolist()
    return (x, y, w, h), score, tuple((px, py) for px, py in points.tolist())


def _open(path: Path) -> onnxruntime.InferenceSession:
    # The file still declares the number of cells for 640x640; open_session silences onnxruntime's
    # warning about every other size.
    session = open_session(path, FETCH_AGAIN, lambda net: net.replace(_FIXED_SIZE, _ANY_SIZE, 1))
    inputs = [(value.name, value.shape) for value in session.get_inputs()]
    names = {value.name for value in session.get_outputs()}
    if inputs != [("input", [1, 3, "h", "w"])] or names != set(_OUTPUTS):
        raise other_network(path, FETCH_AGAIN)
    return session
