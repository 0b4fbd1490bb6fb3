"""Small faces in large pictures."""

from __future__ import annotations

import itertools
import tracemalloc

import cv2
import numpy as np
import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.detectors.pyramid import (
    OVERLAP_PX,
    TILE_PX,
    _starts,
    _tiles,
    detect_all_sizes,
)
from fer_core.models.detectors.scout import ScoutDetector
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.schema import Box, Detection
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel

HEAD = (120, 20, 200, 220)
"""Left, top, width, height of the astronaut's head with its surroundings."""


class Squares:
    """A detector of white squares of 16 to 128 pixels, that shrinks to 640 as others do.

    Of a square that its picture cuts it finds what is to be seen.
    """

    name = "squares"

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def detect(self, bgr):
        height, width = bgr.shape[:2]
        self.seen.append((width, height))
        scale = min(1.0, 640 / max(width, height))
        small = cv2.resize(bgr[:, :, 0], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, _, stats, _ = cv2.connectedComponentsWithStats((small > 128).astype(np.uint8))
        faces = []
        for x, y, w, h, _ in stats[1:].tolist():
            if 16 <= max(w, h) <= 128:
                box = Box.clipped(x / scale, y / scale, w / scale, h / scale, width, height)
                assert box is not None
                faces.append(Detection(box, 0.9, ((box.x, box.y),)))
        return faces


def dotted(width: int, height: int, squares) -> np.ndarray:
    picture = np.zeros((height, width, 3), np.uint8)
    for x, y, side in squares:
        picture[y : y + side, x : x + side] = 255
    return picture


def test_each_square_is_found_once_and_whole_wherever_it_is():
    rng = np.random.default_rng(0)
    squares = []
    for row in range(0, 2700, 300):
        for column in range(0, 3700, 300):
            side = int(rng.integers(20, 250))
            x, y = (int(at + rng.integers(0, 300 - side)) for at in (column, row))
            squares.append((x, y, side))
    found = detect_all_sizes(Squares(), dotted(4000, 3000, squares))
    assert len(found) == len(squares)
    assert [face.box.area for face in found] == sorted((f.box.area for f in found), reverse=True)
    for x, y, side in squares:
        face = max(found, key=lambda each: each.box.iou(Box(x, y, side, side)))
        assert face.box.iou(Box(x, y, side, side)) > 0.75
        assert np.allclose(face.landmarks, [(x, y)], atol=8)


def test_a_square_across_a_corner_of_tiles():
    left, top = _starts(3000, 1)[1], _starts(3000, 1)[2]
    squares = [(left + TILE_PX - 30, top + TILE_PX - 30, 60)]
    [face] = detect_all_sizes(Squares(), dotted(3000, 3000, squares))
    assert face.box.iou(Box(*squares[0][:2], 60, 60)) > 0.9


def test_a_face_at_the_edge_of_the_picture_stays():
    squares = [(0, 0, 40), (2960, 1960, 40)]
    assert len(detect_all_sizes(Squares(), dotted(3000, 2000, squares))) == 2


def test_a_small_picture_is_looked_at_once():
    detector = Squares()
    detect_all_sizes(detector, dotted(640, 480, []))
    assert detector.seen == [(640, 480)]


@pytest.mark.parametrize("size", [(641, 480), (6000, 1500), (500, 9000), (8000, 8000)])
def test_tiles_of_each_scale_cover_the_picture_and_share_enough(size):
    width, height = size
    tiles = list(_tiles(width, height))
    scales = sorted({tile.shrunk for tile in tiles})
    assert scales == [1, 2, 4, 8][: len(scales)]
    assert TILE_PX * scales[-1] < max(size) <= 2 * TILE_PX * scales[-1]
    for shrunk in scales:
        seen = np.zeros((height, width), bool)
        for left, top, right, bottom, _ in (tile for tile in tiles if tile.shrunk == shrunk):
            assert max(right - left, bottom - top) <= TILE_PX * shrunk
            seen[top:bottom, left:right] = True
        assert seen.all()
        for starts in (_starts(width, shrunk), _starts(height, shrunk)):
            steps = [b - a for a, b in itertools.pairwise(starts)]
            assert all(step <= (TILE_PX - OVERLAP_PX) * shrunk for step in steps)


SCOUT = ScoutDetector()
SMALL_HEAD = 44
"""Width of the astronaut's head in pixels with which her face is 24 pixels high."""


def with_head(astronaut, width: int, height: int, left: int, top: int) -> np.ndarray:
    """A grey picture in which the astronaut's face, 24 pixels high, begins there."""
    x, y, w, h = HEAD
    size = (SMALL_HEAD, round(SMALL_HEAD * h / w))  # 44 x 48
    head = cv2.resize(astronaut[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA)
    picture = np.full((height, width, 3), 120, np.uint8)
    picture[top : top + size[1], left : left + size[0]] = head
    return picture


SIDES = 1912, 400
"""Four tiles side by side, and so wide that the face is lost in the whole picture. Three tiles
would cover it as well, but with borders that hardly overlap."""


BORDERS = [(640 - 22, 200), (424 - 22, 0), (0, 0), (SIDES[0] - SMALL_HEAD, SIDES[1] - 48)]
"""Across borders of tiles, and in the corners."""


def test_a_face_of_24_pixels_is_found_nearly_anywhere(astronaut):
    """The same places each time: of 6,000, the network misses her at 3, and frames her too widely
    at 6, none of them across a border of tiles."""
    rng = np.random.default_rng(0)
    anywhere = rng.integers(0, [SIDES[0] - SMALL_HEAD, SIDES[1] - 48], (60, 2), endpoint=True)
    missed = [
        (left, top)
        for left, top in [*BORDERS, *anywhere.tolist()]
        if not is_found(detect_all_sizes(SCOUT, with_head(astronaut, *SIDES, left, top)), left, top)
    ]
    assert missed == []


def test_it_is_found_in_25_megapixels_in_little_memory(astronaut):
    width, height = 5000, 5000
    left = _starts(width, 1)[4] + TILE_PX - 22
    top = _starts(height, 1)[6] + TILE_PX - 24
    picture = with_head(astronaut, width, height, left, top)
    done: list[float] = []
    tracemalloc.start()
    found = detect_all_sizes(SCOUT, picture, done.append)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert is_found(found, left, top)
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert peak < picture.nbytes / 4  # of what a copy with half the sides takes


def test_a_search_ends_when_its_caller_says_so():
    detector = Squares()

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_all_sizes(detector, np.zeros((4000, 4000, 3), np.uint8), stop)
    assert len(detector.seen) < 10


def is_found(found, left: int, top: int) -> bool:
    """Whether a box overlaps the face in the head that begins there as in benchmarks/."""
    return any(face.box.iou(Box(left + 14, top + 9, 19, 24)) > 0.3 for face in found)


def crowd(astronaut, head_px: int, width: int, height: int, count: int) -> np.ndarray:
    """A large picture with copies of a head at different positions in the tiles."""
    x, y, w, h = HEAD
    size = (head_px, round(head_px * h / w))
    head = cv2.resize(astronaut[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA)
    picture = np.full((height, width, 3), 120, np.uint8)
    columns = int(np.ceil(np.sqrt(count * width / height)))
    step = width // columns
    for number in range(count):
        row, column = divmod(number, columns)
        left, top = column * step + 7 * row % 50, row * step + 11 * column % 50
        picture[top : top + size[1], left : left + size[0]] = head
    return picture


@pytest.mark.shared
def test_yunet_finds_sixty_pixels_in_twelve_megapixels(astronaut, shared):
    yunet = YuNetDetector(shared / "weights" / "face_detection_yunet_2023mar.onnx")
    picture = crowd(astronaut, 110, 4000, 3000, 20)
    assert yunet.detect(picture) == []
    result = Analyzer(yunet, "compact").analyze(picture)
    assert len(result.faces) == 20
    assert all(45 <= face.box.h <= 70 for face in result.faces)
    assert {face.dominant for face in result.faces} == {"happy"}


def test_haar_finds_faces_it_would_shrink_away(astronaut):
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    picture = np.tile(small, (1, 9, 1))  # 9 times a face of 60 pixels
    haar = HaarDetector()
    assert len(haar.detect(picture)) == 0
    assert len(Analyzer(haar, "compact").analyze(picture).faces) >= 8


def test_frames_of_a_stream_are_not_searched(astronaut):
    detector = Squares()
    picture = dotted(2000, 1500, [(900, 700, 60)])
    analyzer = Analyzer(detector, FakeEmotionModel(), FakeLandmarkModel())
    assert analyzer.detect(picture) != []
    assert detector.seen == [(2000, 1500)]


def test_two_boxes_of_one_face_are_one():
    boxes = [Box(100, 100, 80, 80), Box(105, 100, 80, 80), Box(110, 110, 40, 40)]
    picture = np.zeros((200, 300, 3), np.uint8)
    assert len(detect_all_sizes(FakeDetector(boxes), picture)) == 1
