"""Identities: the same face keeps its number, another one never gets it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analyzer import Analyzer
from fer_core.fakes import FakeDetector, FakeEmotionModel
from fer_core.schema import Box
from fer_core.stream import MEMORY_S, MIN_IOU, StreamAnalyzer, match_boxes

FRAME = np.zeros((240, 320, 3), np.uint8)
LEFT, RIGHT = Box(20, 40, 80, 80), Box(200, 40, 80, 80)


class Scene:
    """A stream whose faces the test puts where it likes."""

    def __init__(self) -> None:
        self.detector = FakeDetector([])
        self.stream = StreamAnalyzer(Analyzer(self.detector, FakeEmotionModel()))

    def show(self, t_s: float, *boxes: Box, frame: np.ndarray = FRAME) -> list[int | None]:
        self.detector.boxes = list(boxes)
        return [face.track_id for face in self.stream.update(frame, t_s).faces]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_result_is_the_analyzers(scene):
    scene.detector.boxes = [LEFT]
    result = scene.stream.update(FRAME, 1.5)
    assert (result.t_s, result.width, result.height) == (1.5, 320, 240)
    assert result.faces[0].box == LEFT
    assert result.faces[0].dominant == "happy"


def test_a_moving_face_keeps_its_number(scene):
    ids = [scene.show(t / 10, Box(20 + 10 * t, 40, 80, 80)) for t in range(15)]
    assert ids == [[1]] * 15


def test_two_faces_are_told_apart_whatever_their_order(scene):
    assert scene.show(0.0, LEFT, RIGHT) == [1, 2]
    assert scene.show(0.1, RIGHT, LEFT) == [2, 1]


def test_a_missed_frame_is_forgiven_for_half_a_second(scene):
    scene.show(0.0, LEFT)
    scene.show(0.2)
    assert scene.show(MEMORY_S, LEFT) == [1]


def test_a_face_that_was_away_longer_is_a_new_one(scene):
    scene.show(0.0, LEFT)
    scene.show(0.2)
    assert scene.show(MEMORY_S + 0.1, LEFT) == [2]


def test_a_number_is_never_given_again(scene):
    ids = [scene.show(float(t), RIGHT if t % 2 else LEFT)[0] for t in range(6)]
    assert ids == [1, 2, 3, 4, 5, 6]


def test_a_slow_machine_keeps_identities(scene):
    assert [scene.show(2.0 * t, LEFT) for t in range(4)] == [[1]] * 4


def test_the_picture_may_change_its_size(scene):
    assert scene.show(0.0, Box(100, 50, 60, 60), frame=np.zeros((240, 320, 3), np.uint8)) == [1]
    assert scene.show(0.1, Box(200, 100, 120, 120), frame=np.zeros((480, 640, 3), np.uint8)) == [1]


def test_the_better_overlap_wins():
    known = [Box(0, 0, 100, 100), Box(30, 0, 100, 100)]
    assert match_boxes([Box(25, 0, 100, 100)], known) == {0: 1}
    assert match_boxes([Box(10, 0, 100, 100), Box(0, 0, 100, 100)], known) == {1: 0, 0: 1}


boxes = st.lists(
    st.builds(Box, st.integers(0, 99), st.integers(0, 99), st.integers(1, 99), st.integers(1, 99)),
    max_size=6,
)


@given(boxes, boxes)
def test_pairs_are_one_to_one_and_overlap(new, known):
    pairs = match_boxes(new, known)
    assert len(set(pairs.values())) == len(pairs)
    assert all(new[i].iou(known[j]) >= MIN_IOU for i, j in pairs.items())
    free = [j for j in range(len(known)) if j not in pairs.values()]
    alone = [i for i in range(len(new)) if i not in pairs]
    assert all(new[i].iou(known[j]) < MIN_IOU for i in alone for j in free)
