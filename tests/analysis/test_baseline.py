"""Tests of the resting expression, and of expressions relative to it."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.baseline import (
    MIN_FRAMES,
    MIN_SEEN_S,
    REST_SHARE,
    SMOOTHING,
    RestingExpression,
    above_rest,
    rest_progress,
)
from fer_core.errors import RestNotMeasured
from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema import Box, Face, Gaze
from fer_core.schema.action_units import MOVEMENTS, derive_action_units
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel

NEUTRAL = EMOTIONS.index(Emotion.NEUTRAL)
SAD = EMOTIONS.index(Emotion.SAD)
TIMES = np.arange(0.0, 3.0, 0.1)

shares = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).map(
    lambda values: (np.array(values) + 1e-4) / (np.array(values) + 1e-4).sum()
)


def at_rest(row: np.ndarray) -> RestingExpression:
    return RestingExpression.measure(EMOTIONS, TIMES, np.tile(row, (len(TIMES), 1)))


@given(shares)
def test_rest_itself_is_no_change_and_reads_as_neutral(row):
    rest = at_rest(row)
    shares = np.array(rest.shares)
    assert shares.sum() == pytest.approx(1.0)
    assert shares == pytest.approx(row, abs=0.02)
    assert rest.change(row) == pytest.approx(np.zeros(7))
    corrected = rest.corrected(row)
    assert corrected.argmax() == NEUTRAL
    assert np.delete(corrected, NEUTRAL).max() <= REST_SHARE + 1e-9


@given(shares, shares)
def test_changes_sum_to_0_and_corrected_shares_to_1(row, seen):
    rest = at_rest(row)
    assert rest.change(seen).sum() == pytest.approx(0.0, abs=1e-9)
    corrected = rest.corrected(seen)
    assert corrected.sum() == pytest.approx(1.0)
    assert corrected.min() >= 0.0


@given(shares)
def test_a_face_that_reads_as_neutral_at_rest_is_left_nearly_alone(seen):
    row = np.full(7, 0.05)
    row[NEUTRAL] = 0.7
    assert at_rest(row).corrected(seen) == pytest.approx(seen, abs=SMOOTHING)


def test_a_sad_face_at_rest_can_still_look_sad():
    row = np.full(7, 0.02)
    row[SAD], row[NEUTRAL] = 0.5, 0.4
    rest = at_rest(row)
    assert rest.corrected(row).argmax() == NEUTRAL
    sadder = np.full(7, 0.005)
    sadder[SAD], sadder[NEUTRAL] = 0.95, 0.025
    assert rest.corrected(sadder).argmax() == SAD
    happy = np.full(7, 0.05)
    happy[EMOTIONS.index(Emotion.HAPPY)] = 0.7
    assert rest.corrected(happy).argmax() == EMOTIONS.index(Emotion.HAPPY)


@given(shares, shares)
def test_a_table_is_corrected_row_by_row(one, other):
    rest = at_rest(np.full(7, 1 / 7))
    both = rest.corrected(np.stack([one, other]))
    assert both[0] == pytest.approx(rest.corrected(one))
    assert both[1] == pytest.approx(rest.corrected(other))


def test_the_mean_is_over_time_not_over_frames():
    # Sad for two seconds in few frames, neutral for one second in many.
    times = np.concatenate([np.arange(0.0, 2.0, 0.25), np.arange(2.0, 3.0, 0.02)])
    rows = np.zeros((len(times), 7))
    rows[times < 2.0, SAD] = rows[times >= 2.0, NEUTRAL] = 1.0
    rest = RestingExpression.measure(EMOTIONS, times, rows)
    assert rest.shares[SAD] == pytest.approx(2 / 3, abs=0.06)


@pytest.mark.parametrize(
    "times",
    [
        np.array([]),
        np.array([1.0]),
        np.arange(0.0, 2.4, 0.1),  # too short
        np.linspace(0.0, 3.0, MIN_FRAMES - 1),  # too few frames
        np.append(np.arange(0.0, 1.0, 0.1), np.arange(2.1, 3.1, 0.1)),  # away in between
    ],
)
def test_too_little_of_the_face_is_a_sentence(times):
    rows = np.full((len(times), 7), 1 / 7)
    with pytest.raises(RestNotMeasured, match="Face the camera"):
        RestingExpression.measure(EMOTIONS, times, rows)


def test_two_frames_a_second_are_enough_after_ten():
    times = np.arange(0.0, 5.0, 0.5)
    assert rest_progress(times[:9]) == pytest.approx(0.9)
    assert rest_progress(times) == 1.0
    RestingExpression.measure(EMOTIONS, times, np.full((10, 7), 1 / 7))


@given(st.lists(st.floats(0.0, 3.0), max_size=40))
def test_progress_never_falls_and_is_1_when_a_rest_can_be_measured(steps):
    times = np.cumsum(steps)
    so_far = [rest_progress(times[:number]) for number in range(len(times) + 1)]
    assert so_far == sorted(so_far)
    assert so_far[0] == 0.0
    assert so_far[-1] <= 1.0
    rows = np.full((len(times), 7), 1 / 7)
    if so_far[-1] == 1.0:
        assert times[-1] - times[0] >= MIN_SEEN_S - 1e-9
        RestingExpression.measure(EMOTIONS, times, rows)
    else:
        with pytest.raises(RestNotMeasured):
            RestingExpression.measure(EMOTIONS, times, rows)


def test_labels_without_neutral_have_changes_only():
    rest = RestingExpression(("calm", "tense"), (0.6, 0.4))
    assert rest.change(np.array([0.1, 0.9])) == pytest.approx([-0.5, 0.5], abs=SMOOTHING)
    with pytest.raises(ValueError, match="not in tuple"):
        rest.corrected(np.array([0.1, 0.9]))


EVEN = np.full((len(TIMES), 7), 1 / 7)
GAZES = np.tile([2.0, -6.0, 4.0, -10.0], (len(TIMES), 1))
unit = st.floats(0.0, 1.0)


def moving(**shown: float) -> Face:
    """A face with these movements, from the analysis of a picture."""
    landmarks = FakeLandmarkModel(movements=shown)
    analyzer = Analyzer(FakeDetector([Box(100, 50, 100, 120)]), FakeEmotionModel(), landmarks)
    [face] = analyzer.analyze(np.zeros((240, 320, 3), np.uint8)).faces
    return face


def rest_of(face: Face) -> RestingExpression:
    movements = np.tile(np.array(face.coefficients), (len(TIMES), 1))
    return RestingExpression.measure(EMOTIONS, TIMES, EVEN, movements, GAZES)


def test_brows_that_are_always_low_show_no_action_unit_until_they_go_lower():
    rest = rest_of(moving(browDownLeft=0.6, browDownRight=0.2))
    assert rest.action_units["AU04"] == pytest.approx(0.4)
    same = moving(browDownLeft=0.6, browDownRight=0.2, mouthSmileLeft=0.3, mouthSmileRight=0.3)
    seen = rest.corrected_movements(same.action_units)
    assert (seen["AU04"], seen["AU04_left"], seen["AU04_right"]) == (0.0, 0.0, 0.0)
    assert seen["AU12"] == pytest.approx(0.3)  # does not show at rest: as it is
    lower = rest.corrected_movements(moving(browDownLeft=0.8, browDownRight=1.0).action_units)
    assert (lower["AU04_left"], lower["AU04_right"]) == pytest.approx((0.5, 1.0))
    movements = rest.corrected_movements(moving(browDownLeft=0.8).movements)
    assert (movements["browDownLeft"], movements["browDownRight"]) == pytest.approx((0.5, 0.0))


@given(unit, unit, unit)
def test_a_movement_against_rest_stays_between_0_and_1_and_in_order(rest, one, other):
    low, high = sorted((one, other))
    assert 0.0 <= above_rest(low, rest) <= above_rest(high, rest) <= 1.0 + 1e-9
    assert above_rest(rest, rest) == 0.0
    assert above_rest(high, 0.0) == high
    if rest < 0.999:
        assert above_rest(1.0, rest) == pytest.approx(1.0)


def test_the_rest_of_movements_and_gaze_is_a_mean_over_time_without_what_is_unknown():
    times = np.concatenate([np.arange(0.0, 2.0, 0.1), np.arange(2.0, 3.0, 0.02)])
    rows = np.where(times[:, np.newaxis] < 2.0, 0.6, 0.3) * np.ones(len(MOVEMENTS))
    gaze = np.tile([1.0, 2.0, 3.0, 4.0], (len(times), 1))
    rows[3:6], gaze[3:6] = np.nan, np.nan  # a blink
    shares = np.full((len(times), 7), 1 / 7)
    rest = RestingExpression.measure(EMOTIONS, times, shares, rows, gaze)
    assert rest.movements == pytest.approx((0.5,) * len(MOVEMENTS), abs=0.02)
    assert rest.gaze is not None
    assert astuple(rest.gaze) == pytest.approx((1.0, 2.0, 3.0, 4.0))


def test_the_gaze_is_relative_to_that_at_rest():
    rest = rest_of(moving())
    same = rest.corrected_gaze(Gaze(2.0, -6.0, 4.0, -10.0))
    assert astuple(same) == pytest.approx((0.0, 0.0, 0.0, 0.0))
    aside = rest.corrected_gaze(Gaze(-18.0, 4.0, 4.0, 5.0))
    assert astuple(aside) == pytest.approx((-20.0, 10.0, 0.0, 15.0))


@pytest.mark.parametrize(
    "rest",
    [
        RestingExpression(EMOTIONS, (1 / 7,) * 7),  # by a version before there were movements
        RestingExpression.measure(
            EMOTIONS, TIMES, EVEN, np.full((len(TIMES), 52), np.nan), np.full_like(GAZES, np.nan)
        ),
    ],
)
def test_a_rest_without_movements_changes_none(rest):
    assert (rest.movements, rest.action_units, rest.gaze) == ((), {}, None)
    units = derive_action_units(dict.fromkeys(MOVEMENTS, 0.4))
    assert rest.corrected_movements(units) == units
    assert rest.corrected_gaze(Gaze(1.0, 2.0, 3.0, 4.0)) == Gaze(1.0, 2.0, 3.0, 4.0)


def test_what_was_known_only_in_frames_far_from_all_others_is_left_out():
    times = np.concatenate([TIMES, 5.0 + 1.1 * np.arange(MIN_FRAMES)])
    gaze = np.full((len(times), 4), np.nan)
    gaze[len(TIMES) :] = 1.0
    even = np.full((len(times), 7), 1 / 7)
    rest = RestingExpression.measure(EMOTIONS, times, even, gaze=gaze)
    assert rest.gaze is None
    assert rest.shares == pytest.approx([1 / 7] * 7)
