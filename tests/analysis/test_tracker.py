"""Tests of identities: a face keeps its number, and another face never gets it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from fer_core.analysis.detection import DetectedFace
from fer_core.analysis.tracker import MAX_COST, MAX_GAP_S, MEMORY_S, Tracker, _assign, _cost
from fer_core.schema import Box

SHAPE = np.random.default_rng(0).uniform(0.1, 0.9, (68, 2))


def face(x: float, y: float = 100.0, size: float = 100.0, points: bool = True) -> DetectedFace:
    box = Box(round(x), round(y), round(size), round(size))
    return DetectedFace(box, points=SHAPE * size + (x, y) if points else None)


def ids(tracker: Tracker, t_s: float, *faces: DetectedFace) -> list[int]:
    return [track.track_id for track in tracker.update(faces, t_s)]


def uneven(seconds: float) -> list[float]:
    """Frame times with steps of 20 to 200 ms."""
    return list(np.cumsum(np.random.default_rng(5).uniform(0.02, 0.2, int(seconds / 0.11))))


TIMES = {
    "5 fps": [n / 5 for n in range(20)],
    "15 fps": [n / 15 for n in range(60)],
    "30 fps": [n / 30 for n in range(120)],
    "uneven": uneven(4.0),
}


@pytest.fixture(params=TIMES, ids=str)
def times(request: pytest.FixtureRequest) -> list[float]:
    return TIMES[request.param]


@pytest.fixture(params=[True, False], ids=["points", "boxes"])
def points(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_numbers_count_from_1():
    assert ids(Tracker(), 0.0, face(0), face(300)) == [1, 2]


def test_a_moving_face_keeps_its_number(times, points):
    tracker = Tracker()
    for t_s in times:  # a face size and a half a second
        assert ids(tracker, t_s, face(20 + 150 * t_s, points=points)) == [1]


def test_a_face_that_comes_nearer_keeps_its_number(times):
    tracker = Tracker()
    for t_s in times:
        assert ids(tracker, t_s, face(300 - 20 * t_s, 200 - 20 * t_s, 60 + 40 * t_s)) == [1]


def test_two_faces_that_change_places_between_frames_are_not_confused():
    # Far apart: no face flies across the picture from one frame to the next.
    tracker = Tracker()
    assert ids(tracker, 0.0, face(0), face(400)) == [1, 2]
    assert ids(tracker, 0.1, face(400), face(0)) == [2, 1]


def test_a_still_face_may_be_hidden_for_half_a_second(times, points):
    tracker = Tracker()
    hidden = (1.0, 1.0 + MEMORY_S)
    for t_s in times:
        visible = not hidden[0] < t_s <= hidden[1]
        assert ids(tracker, t_s, *[face(100, points=points)] * visible) == [1] * visible


def test_a_moving_face_may_be_hidden_for_half_a_second(times, points):
    tracker = Tracker()
    for t_s in times:
        visible = not 1.0 < t_s <= 1.0 + MEMORY_S
        seen = [face(150 * t_s, points=points)] * visible
        assert ids(tracker, t_s, *seen) == [1] * visible


def test_a_face_that_was_away_longer_is_another_one():
    tracker = Tracker()
    for n in range(10):
        ids(tracker, n / 10, face(100))
    for n in range(10, 17):
        ids(tracker, n / 10)
    assert ids(tracker, 1.7, face(100)) == [2]


def test_a_slow_machine_keeps_identities():
    tracker = Tracker()
    assert [ids(tracker, float(n), face(100)) for n in range(4)] == [[1]] * 4
    ids(tracker, 4.0)
    assert ids(tracker, 5.0, face(100)) == [1]


def crossing(t_s: float, points: bool) -> list[DetectedFace]:
    """Two people walk past each other, one behind the other: who is behind is not seen while less
    than half of the face shows. The nearer one is larger."""
    near, far = face(20 + 120 * t_s, 100, 110, points), face(430 - 120 * t_s, 110, 90, points)
    hidden = abs((near.box.x + 55) - (far.box.x + 45)) < 55
    return [near] if hidden else [near, far]


def test_two_faces_cross(times, points):
    tracker = Tracker()
    widths = {1: 110, 2: 90}
    counts = []
    for t_s in times:
        seen = crossing(t_s, points)
        counts.append(len(seen))
        for track in tracker.update(seen, t_s):
            assert track.seen.box.w == widths[track.track_id]
    assert min(counts) == 1
    assert counts[0] == counts[-1] == 2


def test_a_face_that_goes_behind_another_goes_on_as_fast_as_it_came():
    """Its visible part moves half as fast, and stops at the edge of the other."""
    tracker, edge = Tracker(), 400
    for n in range(1, 41):  # 100 pixels a second, and its whole width 100 pixels
        left = 10.0 * n
        visible = DetectedFace(Box(round(left), 100, min(100, max(10, round(edge - left))), 100))
        assert ids(tracker, n / 10, face(edge, 100, 120, points=False), visible) == [1, 2]
    passing = tracker.tracks[1]
    assert passing.track_id == 2
    assert passing.moved(5.0) == pytest.approx((100.0, 0.0), abs=10.0)


def test_a_face_behind_another_is_known_for_longer(points):
    near, far = face(100, points=points), face(160, points=points)
    tracker = Tracker()
    for n in range(10):
        ids(tracker, n / 10, near, far)
    for n in range(10, 28):
        assert 3 * MEMORY_S < MAX_GAP_S
        assert ids(tracker, n / 10, near) == [1]
    assert ids(tracker, 2.8, near, far) == [1, 2]


def test_two_faces_cross_in_full_view(times):
    # Shapes of one size that pass through each other: only their motion tells them apart.
    tracker = Tracker()
    for t_s in times:
        assert ids(tracker, t_s, face(20 + 120 * t_s), face(400 - 120 * t_s, 130)) == [1, 2]


def test_faces_follow_a_picture_that_changes_its_size(points):
    tracker = Tracker()
    for n in range(5):
        ids(tracker, n / 10, face(100 + 10 * n, points=points), face(400, points=points))
    tracker.rescale(2.0, 2.0)
    large = face(300, 200, 200, points), face(800, 200, 200, points)
    assert ids(tracker, 0.5, *large) == [1, 2]


def test_noise_does_not_send_the_prediction_astray():
    noise = np.random.default_rng(3).normal(0, 3, (30, 2))
    tracker = Tracker()
    for n, (x, y) in enumerate(noise):
        ids(tracker, n / 30, face(100 + x, 100 + y))
    assert ids(tracker, 1.0 + MEMORY_S, face(100)) == [1]


def test_after_a_long_gap_everyone_is_new():
    tracker = Tracker()
    ids(tracker, 0.0, face(100))
    assert ids(tracker, MAX_GAP_S, face(100)) == [1]
    assert ids(tracker, 2.5 * MAX_GAP_S, face(100)) == [2]


@pytest.mark.parametrize("rate", [30.0, 30_000 / 1001, 24_000 / 1001, 15.0])
def test_one_frame_every_two_seconds_is_enough(rate):
    tracker = Tracker()
    every_2_s = {math.ceil(2 * n * rate - 1e-6) / rate for n in range(6)}
    assert [ids(tracker, t_s, face(100)) for t_s in sorted(every_2_s)] == [[1]] * 6


faces = st.lists(
    st.builds(face, st.integers(0, 500), st.integers(0, 300), st.integers(1, 200), st.booleans()),
    max_size=5,
)
streams = st.lists(st.tuples(st.floats(0.0, 1.0), faces), max_size=20)


@given(streams)
def test_a_number_belongs_to_one_face_a_frame_and_is_never_given_again(frames):
    tracker, t_s = Tracker(), 0.0
    last_seen_s: dict[int, float] = {}
    for step_s, seen in frames:
        t_s += step_s
        numbers = ids(tracker, t_s, *seen)
        assert len(numbers) == len(seen) == len(set(numbers))
        for number in numbers:
            if number in last_seen_s:
                assert t_s - last_seen_s[number] <= MAX_GAP_S + 1e-5
            else:
                assert number == len(last_seen_s) + 1
            last_seen_s[number] = t_s
        for track in tracker.tracks:
            assert np.isfinite(track.moved(t_s + 1.0)).all()


@given(streams, st.randoms(use_true_random=False))
def test_the_order_of_detections_does_not_matter(frames, random):
    """Up to the numbers of faces that appear in the same frame."""
    one, other, t_s = Tracker(), Tracker(), 0.0
    same: dict[int, int] = {}
    for step_s, seen in frames:
        if len({each.box for each in seen}) < len(seen):
            continue  # equal faces are told apart by nothing
        t_s += step_s
        order = list(range(len(seen)))
        random.shuffle(order)
        straight = ids(one, t_s, *seen)
        shuffled = ids(other, t_s, *(seen[i] for i in order))
        for place, i in enumerate(order):
            assert same.setdefault(straight[i], shuffled[place]) == shuffled[place]


@given(st.lists(st.permutations([0, 1, 2]), min_size=1, max_size=15))
def test_faces_that_are_far_apart_keep_their_numbers_in_any_order(orders):
    tracker = Tracker()
    assert ids(tracker, 0.0, face(0), face(300), face(600)) == [1, 2, 3]
    for n, order in enumerate(orders, start=1):
        seen = ids(tracker, n / 10, *(face(300 * i) for i in order))
        assert seen == [i + 1 for i in order]


def test_a_face_that_appears_beside_a_missing_one_is_another_one(points):
    tracker = Tracker()
    for n in range(10):
        ids(tracker, n / 10, face(100, points=points))
    assert ids(tracker, 1.0, face(205, points=points)) == [2]


def test_no_pair_is_made_across_the_picture():
    tracker = Tracker()
    for (x, _), n in zip(itertools.permutations([0, 250, 500], 2), range(6), strict=True):
        ids(tracker, n * 10.0, face(x))
        ids(tracker, n * 10.0 + 5.0)
        ids(tracker, n * 10.0 + 9.0)
    assert ids(tracker, 100.0, face(250)) == [7]


def test_a_step_next_to_nothing_does_no_harm():
    tracker = Tracker()
    ids(tracker, 0.0, face(100))
    assert ids(tracker, 5e-324, face(110)) == [1]
    assert ids(tracker, 0.1, face(110)) == [1]


places = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 200)), min_size=1, max_size=8)


@given(before=places, after=places)
def test_the_pairs_cost_as_little_as_those_of_the_hungarian_method(before, after):
    tracker = Tracker()
    tracker.update([face(x, y) for x, y in before], 0.0)
    faces, known = [face(x, y) for x, y in after], tracker.tracks
    costs = np.array([[_cost(seen, track, 0.1) for track in known] for seen in faces])
    capped = np.minimum(costs, 2.0 * MAX_COST)
    pairs = _assign(faces, known, 0.1)
    assert len(set(pairs.values())) == len(pairs)
    # The rest, which is too far away, is paired somehow: together with it nothing is cheaper.
    rest = np.delete(np.delete(capped, list(pairs), 0), list(pairs.values()), 1)
    rest_cost = rest[linear_sum_assignment(rest)].sum()
    least = capped[linear_sum_assignment(capped)].sum()
    assert sum(costs[pair] for pair in pairs.items()) + rest_cost == pytest.approx(least)
