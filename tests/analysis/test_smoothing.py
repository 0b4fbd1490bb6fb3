"""Tests of smoothing: the result does not depend on the frame rate, and consists of shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis.smoothing import (
    SHARES_TAU_S,
    SWITCH_AFTER_S,
    ExponentialSmoother,
    PointFilter,
    SteadyLabel,
    gain,
)

steps_s = st.lists(st.floats(1e-4, 5.0), min_size=1, max_size=30)
shares = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).map(
    lambda values: (np.array(values) + 1e-3) / (np.array(values) + 1e-3).sum()
)


@given(st.lists(st.tuples(st.floats(1e-4, 5.0), shares), min_size=1, max_size=30))
def test_smoothed_shares_are_shares(frames):
    smoother, t_s = ExponentialSmoother(), 0.0
    for step_s, row in frames:
        t_s += step_s
        smoothed = smoother.update(row, t_s)
        assert smoothed.sum() == pytest.approx(1.0)
        assert smoothed.min() >= 0.0
        assert smoothed.max() <= 1.0


@given(st.lists(st.tuples(st.floats(1e-4, 5.0), shares), min_size=1, max_size=30))
def test_smoothed_shares_are_no_surer_than_the_frames(frames):
    smoother, sureness, t_s = ExponentialSmoother(), ExponentialSmoother(), 0.0
    for step_s, row in frames:
        t_s += step_s
        mean_of_largest = sureness.update(np.array([row.max()]), t_s)
        assert smoother.update(row, t_s).max() <= mean_of_largest[0] + 1e-9


@given(st.floats(1e-4, 5.0), shares, shares)
def test_two_half_steps_are_a_whole_one(step_s, before, after):
    whole, halves = ExponentialSmoother(), ExponentialSmoother()
    whole.update(before, 0.0)
    halves.update(before, 0.0)
    halves.update(after, step_s / 2)
    assert halves.update(after, step_s) == pytest.approx(whole.update(after, step_s))


@given(st.integers(1, 60))
def test_a_jump_is_followed_to_63_percent_after_tau_at_any_frame_rate(frames):
    smoother = ExponentialSmoother()
    smoother.update(np.zeros(1), 0.0)
    for number in range(1, frames + 1):
        value = smoother.update(np.ones(1), SHARES_TAU_S * number / frames)
    assert value[0] == pytest.approx(1 - 1 / math.e)


@pytest.mark.parametrize("t_s", [1.0, 0.5, -3.0])
def test_a_frame_that_is_no_later_weighs_nothing(t_s):
    smoother = ExponentialSmoother()
    smoother.update(np.zeros(1), 1.0)
    assert smoother.update(np.ones(1), t_s)[0] == 0.0


@given(st.floats(-10, 1e6), st.floats(1e-3, 100))
def test_a_gain_is_a_weight(step_s, tau_s):
    assert 0.0 <= gain(step_s, tau_s) <= 1.0


def two(lead: float) -> np.ndarray:
    """Shares of which the second leads the first by ``lead``."""
    return np.array([0.5 - lead / 2, 0.5 + lead / 2])


def test_a_label_stays_while_another_is_hardly_ahead():
    label = SteadyLabel()
    assert label.update(two(-0.2), 0.0) == 0
    # To and fro around a tie, fifteen times a second: without hysteresis, a switch a frame.
    seen = {label.update(two(0.05 * (-1) ** n), n / 15) for n in range(1, 60)}
    assert seen == {0}


def test_a_label_gives_way_to_a_clear_lead_at_once():
    label = SteadyLabel()
    label.update(two(-0.2), 0.0)
    assert label.update(two(0.2), 0.01) == 1


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_label_gives_way_to_a_small_lead_in_time(fps):
    label = SteadyLabel()
    label.update(two(-0.2), 0.0)
    times = [n / fps for n in range(1, 2 * fps)]
    first = next(t for t in times if label.update(two(0.05), t) == 1)
    assert first - times[0] == pytest.approx(SWITCH_AFTER_S, abs=1 / fps)


def test_a_rival_that_falls_back_starts_again():
    label = SteadyLabel()
    label.update(np.array([0.4, 0.3, 0.3]), 0.0)
    assert label.update(np.array([0.33, 0.35, 0.32]), 0.1) == 0
    assert label.update(np.array([0.33, 0.32, 0.35]), 0.5) == 0  # another rival
    assert label.update(np.array([0.33, 0.32, 0.35]), 0.9) == 0
    assert label.update(np.array([0.33, 0.32, 0.35]), 1.0) == 2


@given(st.lists(st.tuples(st.floats(0.0, 2.0), shares), min_size=1, max_size=30))
def test_a_steady_label_switches_at_most_as_often_as_the_leader(frames):
    label, t_s, shown, leaders = SteadyLabel(), 0.0, [], []
    for step_s, row in frames:
        t_s += step_s
        shown.append(label.update(row, t_s))
        leaders.append(int(row.argmax()))
        assert row[leaders[-1]] - row[shown[-1]] < 0.1
    assert np.count_nonzero(np.diff(shown)) <= np.count_nonzero(np.diff(leaders))


FACE = np.random.default_rng(0).uniform(100, 200, (68, 2))


def test_a_face_at_rest_stands_still():
    noise = np.random.default_rng(1).normal(0, 0.5, (90, 68, 2))
    points = PointFilter()
    filtered = np.array([points.update(FACE + noise[n], 100.0, n / 30) for n in range(90)])
    assert filtered[30:].std(axis=0).mean() < 0.5 * noise[30:].std(axis=0).mean()


def test_a_moving_face_does_not_lag():
    points = PointFilter()
    for n in range(31):  # one face width a second
        moved = FACE + np.array([100.0 * n / 30, 0.0])
        filtered = points.update(moved, 100.0, n / 30)
    assert np.abs(moved - filtered).max() < 3.0  # of 100 pixels


@given(steps_s, st.floats(0.01, 50.0))
def test_small_and_large_faces_are_filtered_alike(steps, scale):
    noise = np.random.default_rng(2).normal(0, 5.0, (len(steps), 68, 2))
    small, large, t_s = PointFilter(), PointFilter(), 0.0
    for step_s, each in zip(steps, noise, strict=True):
        t_s += step_s
        one = small.update(FACE + each, 100.0, t_s)
        other = large.update(scale * (FACE + each), scale * 100.0, t_s)
        assert np.isfinite(one).all()
        assert other == pytest.approx(scale * one, rel=1e-9)


@given(steps_s)
def test_filtered_points_lie_between_the_last_ones_and_the_new(steps):
    rng = np.random.default_rng(3)
    points, t_s = PointFilter(), 0.0
    last = points.update(FACE, 100.0, t_s)
    for step_s in steps:
        t_s += step_s
        new = FACE + rng.normal(0, 20.0, FACE.shape)
        filtered = points.update(new, 100.0, t_s)
        assert (filtered >= np.minimum(last, new) - 1e-9).all()
        assert (filtered <= np.maximum(last, new) + 1e-9).all()
        last = filtered


def test_a_step_of_no_time_changes_no_point():
    points = PointFilter()
    points.update(FACE, 100.0, 1.0)
    assert np.array_equal(points.update(FACE + 9.0, 100.0, 1.0), FACE)
    assert np.array_equal(points.update(FACE + 9.0, 100.0, 0.5), FACE)


@pytest.mark.parametrize("step_s", [5e-324, 1e-300, 1e-12])
def test_a_step_next_to_nothing_does_no_harm(step_s):
    points = PointFilter()
    points.update(FACE, 100.0, 0.0)
    assert points.update(FACE + 9.0, 100.0, step_s) == pytest.approx(FACE, abs=1e-6)
    assert np.isfinite(points.update(FACE + 9.0, 100.0, 0.1)).all()


def test_points_follow_a_picture_that_changes_its_size():
    points = PointFilter()
    points.update(FACE, 100.0, 0.0)
    points.rescale(2.0, 0.5)
    now = FACE * (2.0, 0.5)
    assert points.update(now, 200.0, 0.0) == pytest.approx(now)  # before a new point weighs
    assert points.update(now, 200.0, 0.1) == pytest.approx(now)
