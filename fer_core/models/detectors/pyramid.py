"""Finds small faces in large pictures by running a detector on tiles at several scales.

Detectors shrink a picture to about 640 pixels, where a face of 60 pixels out of 4,000 has only 10
left and is lost. For a still there is time to look closer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.models.detectors import FaceDetector
from fer_core.models.threads import threads
from fer_core.schema import Box, Detection

TILE_PX = 640
"""Side of the tiles: no detector shrinks a picture of this size."""

OVERLAP_PX = 96
"""The overlap of neighbouring tiles. Larger faces are found at half the scale, where they fit."""

SMALLEST_PX = 24
"""Longer edge of the smallest face that is found reliably."""

MOST_PIXELS = 16_000_000
"""Larger pictures are searched at this size, which limits the time."""

_EDGE_PX = 2
"""A face this close to the edge of a tile may be cut off by it."""

_SAME_IOU = 0.3
_SAME_OVERLAP = 0.6
"""Boxes of one face overlap by more than this: relative to their union, or to the smaller box if
one tile shows only part of the face."""

Tile = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


def smallest_face_px(width: int, height: int) -> int:
    """Longer edge of the smallest faces that ``detect_all_sizes`` looks for in such a picture."""
    return math.ceil(SMALLEST_PX / _finest(width, height))


def detect_all_sizes(detector: FaceDetector, bgr: NDArray[np.uint8]) -> list[Detection]:
    """The faces in a still ``(height, width, 3)`` uint8, BGR, of any size; largest first.

    The detector first sees the whole picture. If that is larger than a tile, the detector then sees
    tiles of it at full scale, at half of it, and so on.
    """
    height, width = bgr.shape[:2]
    found = detector.detect(bgr)
    scale = _finest(width, height)
    while max(width, height) * scale > TILE_PX:
        found += _level(detector, bgr, scale)
        scale /= 2.0
    return sorted(_distinct(found), key=lambda face: face.box.area, reverse=True)


def _finest(width: int, height: int) -> float:
    return min(1.0, math.sqrt(MOST_PIXELS / (width * height)))


def _level(detector: FaceDetector, bgr: NDArray[np.uint8], scale: float) -> list[Detection]:
    """The faces in the tiles of the picture at one scale, in pixels of the picture."""
    size = [max(1, round(side * scale)) for side in bgr.shape[1::-1]]
    scaled = bgr if scale == 1.0 else cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    width, height = size
    look = partial(_in_tile, detector, np.asarray(scaled, np.uint8))
    tiles = list(_tiles(width, height))
    across, down = bgr.shape[1] / width, bgr.shape[0] / height
    return [
        _scaled(face, across, down, bgr.shape[1], bgr.shape[0])
        for faces in threads().map(look, tiles)
        for face in faces
    ]


def _in_tile(detector: FaceDetector, picture: NDArray[np.uint8], tile: Tile) -> list[Detection]:
    """The faces in one tile, except those that another tile shows whole, in pixels of
    ``picture``."""
    left, top, right, bottom = tile
    height, width = picture.shape[:2]
    inner = (
        left + _EDGE_PX if left > 0 else 0,
        top + _EDGE_PX if top > 0 else 0,
        right - _EDGE_PX if right < width else width,
        bottom - _EDGE_PX if bottom < height else height,
    )
    faces = []
    for face in detector.detect(np.ascontiguousarray(picture[top:bottom, left:right])):
        x, y, w, h = face.box.to_list()
        x, y = x + left, y + top
        whole = x >= inner[0] and y >= inner[1] and x + w <= inner[2] and y + h <= inner[3]
        if whole:
            points = tuple((px + left, py + top) for px, py in face.landmarks)
            faces.append(Detection(Box(x, y, w, h), face.score, points))
    return faces


def _tiles(width: int, height: int) -> Iterator[Tile]:
    """Tiles that cover a picture and share ``OVERLAP_PX`` or more with their neighbours."""
    for top in _starts(height):
        for left in _starts(width):
            yield left, top, min(left + TILE_PX, width), min(top + TILE_PX, height)


def _starts(length: int) -> list[int]:
    if length <= TILE_PX:
        return [0]
    count = math.ceil((length - OVERLAP_PX) / (TILE_PX - OVERLAP_PX))
    return [round(i * (length - TILE_PX) / (count - 1)) for i in range(count)]


def _scaled(face: Detection, across: float, down: float, width: int, height: int) -> Detection:
    x, y, w, h = face.box.to_list()
    box = Box.clipped(x * across, y * down, w * across, h * down, width, height)
    points = tuple((px * across, py * down) for px, py in face.landmarks)
    return Detection(box or face.box, face.score, points)


def _distinct(faces: Sequence[Detection]) -> list[Detection]:
    """Each face once, with its highest-scoring box (greedy non-maximum suppression)."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda each: each.score, reverse=True):
        if not any(
            face.box.iou(other.box) > _SAME_IOU or face.box.overlap(other.box) > _SAME_OVERLAP
            for other in kept
        ):
            kept.append(face)
    return kept
