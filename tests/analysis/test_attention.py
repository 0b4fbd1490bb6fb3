"""Blinks and attention."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis.attention import MAX_YAW_DEG, MIN_OBSERVED_S, EyeWatch, attends
from fer_core.schema import HeadPose

AHEAD = HeadPose(0.0, 0.0, 0.0)


def watch(
    seconds: float, fps: float, openness: Callable[[float], float], level: float = 0.3
) -> EyeWatch:
    eyes = EyeWatch()
    noise = np.random.default_rng(0).normal(0, 0.01, int(seconds * fps))
    for n, off in enumerate(noise):
        eyes.update(level * openness(n / fps) + off, n / fps)
    return eyes


def blinking(every_s: float, length_s: float) -> Callable[[float], float]:
    return lambda t_s: 0.3 if t_s % every_s < length_s else 1.0


@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize("level", [0.22, 0.3, 0.4])
def test_blinks_are_counted_whatever_the_frame_rate_and_the_eyes(fps, level):
    rate = watch(50, fps, blinking(4.0, 0.2), level).blinks_per_minute
    assert rate == pytest.approx(15, abs=1.5)


def test_only_the_last_minute_counts():
    blinks = blinking(4.0, 0.2)
    assert watch(200, 30, lambda t: blinks(t) if t < 100 else 1.0).blinks_per_minute == 0.0
    assert watch(200, 30, lambda t: blinks(t) if t > 130 else 1.0).blinks_per_minute == (
        pytest.approx(15, abs=1.5)
    )


@pytest.mark.parametrize(("fps", "openness"), [(30, None), (5, 0.3)], ids=["unseen", "few frames"])
def test_a_minute_in_which_no_blink_could_be_seen_has_no_rate(fps, openness):
    eyes = watch(60, 30, blinking(4.0, 0.2))
    assert eyes.blinks_per_minute is not None
    for n in range(60 * fps):
        eyes.update(openness, 60 + n / fps)
    assert eyes.blinks_per_minute is None


@pytest.mark.parametrize("length_s", [0.03, 0.8, 2.0])
def test_too_short_or_too_long_is_no_blink(length_s):
    assert watch(50, 30, blinking(5.0, length_s)).blinks_per_minute == 0.0


def test_half_open_eyes_between_the_thresholds_are_no_series_of_blinks():
    eyes = watch(21, 30, lambda t: 1.0 if t < 20 else (0.66 if int(t * 10) % 2 else 0.75))
    rate = eyes.blinks_per_minute
    assert rate is not None
    assert rate <= 2.0


def test_no_rate_before_there_was_time_for_one():
    assert watch(MIN_OBSERVED_S - 1, 30, blinking(4.0, 0.2)).blinks_per_minute is None


def test_no_rate_where_frames_are_too_far_apart_to_see_a_blink():
    assert watch(100, 5, blinking(4.0, 0.2)).blinks_per_minute is None


def test_a_face_that_was_away_has_not_blinked():
    eyes = EyeWatch()
    for n in range(1000):
        eyes.update(None if n % 90 < 6 else 0.3, n / 30)
    assert eyes.blinks_per_minute == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.none() | st.floats(0.0, 2.0)), max_size=60))
def test_any_frames_give_a_rate_or_none(frames):
    eyes, t_s = EyeWatch(), 0.0
    for step_s, ratio in frames:
        t_s += step_s
        eyes.update(ratio, t_s)
        assert 0.0 <= eyes.closed_s() <= t_s
        rate = eyes.blinks_per_minute
        assert rate is None or 0.0 <= rate <= 60.0 / 0.05


def test_open_eyes_towards_the_camera_attend():
    eyes = watch(5, 30, lambda t: 1.0)
    assert attends(AHEAD, eyes) is True
    assert attends(HeadPose(MAX_YAW_DEG + 1, 0, 0), eyes) is False
    assert attends(HeadPose(-MAX_YAW_DEG - 1, 0, 0), eyes) is False
    assert attends(HeadPose(0, -40, 0), eyes) is False
    assert attends(HeadPose(0, 0, 80), eyes) is True  # a tilted head may well look here
    assert attends(None, eyes) is None


def test_a_blink_is_not_inattention_but_sleep_is():
    assert attends(AHEAD, watch(5.2, 30, lambda t: 1.0 if t < 5 else 0.3)) is True
    assert attends(AHEAD, watch(6, 30, lambda t: 1.0 if t < 5 else 0.3)) is False


@pytest.mark.parametrize("fps", [0.5, 1, 2, 5, 6, 30])
def test_sleep_is_seen_at_any_frame_rate(fps):
    assert attends(AHEAD, watch(10, fps, lambda t: 1.0 if t < 5 else 0.3)) is False
    assert attends(AHEAD, watch(10, fps, lambda t: 0.3 if t < 5 else 1.0)) is True


@pytest.mark.parametrize("fps", [1, 2, 5])
def test_a_blink_in_a_single_frame_is_not_inattention_where_frames_are_far_apart(fps):
    eyes = watch(10, fps, lambda t: 1.0)
    eyes.update(0.1, 10.0)
    assert attends(AHEAD, eyes) is True


def test_eyes_that_were_not_seen_in_between_are_not_known_to_be_closed():
    eyes = watch(5, 30, lambda t: 1.0 if t < 4.8 else 0.3)
    eyes.update(None, 5.0)
    eyes.update(0.1, 6.0)
    assert attends(AHEAD, eyes) is True
