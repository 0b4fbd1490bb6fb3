"""Finds small faces in large pictures by running a detector on tiles at several scales.

Detectors shrink a picture to about 640 pixels, where a face of 60 pixels out of 4,000 has only 10
left and is lost. For a still there is time to look closer.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

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

_WAITING = 4
"""Tiles of one picture that wait for a thread at once: few, so that the tiles of other pictures
get their turn, and little memory is used."""

_EDGE_PX = 2
"""A face this close to the edge of a tile may be cut off by it."""

_SAME_IOU = 0.3
_SAME_OVERLAP = 0.6
"""Boxes of one face overlap by more than this: relative to their union, or to the smaller box if
one tile shows only part of the face."""

OnProgress = Callable[[float], object]
"""Is called during a long search with the part that is done, 0..1. What it raises ends the
search."""


class Tile(NamedTuple):
    """A part of a picture, in its pixels, that the detector sees ``shrunk`` times smaller."""

    left: int
    top: int
    right: int
    bottom: int
    shrunk: int


def detect_all_sizes(
    detector: FaceDetector, bgr: NDArray[np.uint8], on_progress: OnProgress | None = None
) -> list[Detection]:
    """The faces in a still ``(height, width, 3)`` uint8, BGR, of any size; largest first.

    The detector first sees the whole picture. If that is larger than a tile, the detector then sees
    tiles of it at full scale, at half of it, and so on. The time grows with the number of pixels:
    64 megapixels take 2 to 3.4 s on two idle cores. Their tiles take 40 MB.
    """
    height, width = bgr.shape[:2]
    found = detector.detect(bgr)
    tiles = list(_tiles(width, height))
    for done, faces in enumerate(_in_threads(partial(_in_tile, detector, bgr), tiles), start=1):
        found += faces
        if on_progress is not None:
            on_progress(done / len(tiles))
    return sorted(_distinct(found), key=lambda face: face.box.area, reverse=True)


def _in_threads(
    look: Callable[[Tile], list[Detection]], tiles: Iterable[Tile]
) -> Iterator[list[Detection]]:
    """What ``look`` finds in each tile, in their order."""
    waiting: deque[Future[list[Detection]]] = deque()
    for tile in tiles:
        waiting.append(threads().submit(look, tile))
        if len(waiting) == _WAITING:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _in_tile(detector: FaceDetector, picture: NDArray[np.uint8], tile: Tile) -> list[Detection]:
    """The faces in one tile, except those that another tile shows whole, in pixels of
    ``picture``."""
    height, width = picture.shape[:2]
    part = picture[tile.top : tile.bottom, tile.left : tile.right]
    # Each tile is shrunk for itself: a shrunk copy of the whole picture would take its quarter.
    seen = _shrunk(part, tile.shrunk)
    across, down = part.shape[1] / seen.shape[1], part.shape[0] / seen.shape[0]
    left = _EDGE_PX if tile.left > 0 else 0
    top = _EDGE_PX if tile.top > 0 else 0
    right = seen.shape[1] - (_EDGE_PX if tile.right < width else 0)
    bottom = seen.shape[0] - (_EDGE_PX if tile.bottom < height else 0)
    faces = []
    for face in detector.detect(np.ascontiguousarray(seen)):
        x, y, w, h = face.box.to_list()
        if not (left <= x and top <= y and x + w <= right and y + h <= bottom):
            continue
        moved = tile.left + x * across, tile.top + y * down, w * across, h * down
        box = Box.clipped(*moved, width, height)
        points = tuple((tile.left + px * across, tile.top + py * down) for px, py in face.landmarks)
        if box is not None:
            faces.append(Detection(box, face.score, points))
    return faces


def _shrunk(picture: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """A picture shrunk by a power of two. By halves: OpenCV is fastest at those."""
    while times > 1:
        size = [math.ceil(side / 2) for side in picture.shape[1::-1]]
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        times //= 2
    return picture


def _tiles(width: int, height: int) -> Iterator[Tile]:
    """Tiles that cover a picture at each scale and share ``OVERLAP_PX`` or more, as the detector
    sees them, with their neighbours. None if the picture itself is no larger than a tile."""
    shrunk = 1
    while max(width, height) > TILE_PX * shrunk:
        side = TILE_PX * shrunk
        for top in _starts(height, shrunk):
            for left in _starts(width, shrunk):
                yield Tile(left, top, min(left + side, width), min(top + side, height), shrunk)
        shrunk *= 2


def _starts(length: int, shrunk: int) -> list[int]:
    side, overlap = TILE_PX * shrunk, OVERLAP_PX * shrunk
    if length <= side:
        return [0]
    count = math.ceil((length - overlap) / (side - overlap))
    return [i * (length - side) // (count - 1) for i in range(count)]


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
