"""Tests of the fair frame rate, on simulated computers of different speeds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.live import frame_rate
from fer_core.live.frame_rate import (
    EARLY_S,
    FASTEST_FPS,
    LATE_S,
    SLOWEST_FPS,
    CameraFrameRate,
    FairFrameRate,
    usable_cores,
)

CAMERA_S = 1 / 30
BUSY_S, IDLE_S = 2 * LATE_S, 0.5 * EARLY_S


class Computer:
    """Cameras before a computer that can do so many frames a second of all of them together, and
    makes work wait when it is asked for more."""

    def __init__(self, cores: int = 2, can_do_fps: float = 1000.0) -> None:
        self.now_s = 0.0
        self.can_do_fps = can_do_fps
        self.pace = FairFrameRate(cores, lambda: self.now_s)
        self.cameras: list[CameraFrameRate] = []

    def join(self) -> None:
        self.cameras.append(self.pace.camera())

    def run(self, span_s: float) -> list[float]:
        """Let every camera give its frames; the frames a second of each that were worked on."""
        worked = [0] * len(self.cameras)
        recent: list[float] = []
        for _ in range(round(span_s / CAMERA_S)):
            for i, camera in enumerate(self.cameras):
                if camera.due(self.now_s):
                    worked[i] += 1
                    recent.append(self.now_s)
                    recent = [t_s for t_s in recent if t_s > self.now_s - 1.0]
                    camera.report_wait(BUSY_S if len(recent) > self.can_do_fps else IDLE_S)
            self.now_s += CAMERA_S
        return [count / span_s for count in worked]


def test_a_camera_alone_has_every_frame():
    computer = Computer()
    computer.join()
    assert computer.run(20.0) == [pytest.approx(FASTEST_FPS, abs=0.1)]
    assert computer.pace.cameras == 1


def test_one_more_camera_starts_with_its_share_and_not_with_a_fight():
    computer = Computer(cores=2)
    for _ in range(4):
        computer.join()
    computer.run(0.5)
    assert computer.pace.fps == pytest.approx(2 * frame_rate.FPS_OF_A_CORE / 4)
    assert computer.pace.cameras == 4


def test_a_large_computer_slows_nobody_down():
    computer = Computer(cores=16)
    for _ in range(8):
        computer.join()
    assert computer.run(10.0) == [pytest.approx(FASTEST_FPS, abs=0.2)] * 8


@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize("can_do_fps", [45.0, 60.0, 90.0])
def test_all_get_the_same_and_about_what_can_be_done(count, can_do_fps):
    computer = Computer(can_do_fps=can_do_fps)
    for _ in range(count):
        computer.join()
    computer.run(60.0)
    rates = computer.run(60.0)
    assert max(rates) - min(rates) < 0.5
    could_fps = min(max(can_do_fps, SLOWEST_FPS * count), FASTEST_FPS * count)
    assert 0.75 * could_fps < sum(rates) < 1.1 * could_fps


def test_what_others_use_of_the_computer_counts_too():
    computer = Computer(cores=16, can_do_fps=20.0)
    computer.join()
    computer.run(30.0)
    slowed = computer.run(30.0)[0]
    assert 15.0 < slowed < 22.0
    computer.can_do_fps = 1000.0
    computer.run(60.0)
    assert computer.run(5.0) == [pytest.approx(FASTEST_FPS, abs=0.3)]


def test_who_has_left_leaves_the_time_to_the_others():
    computer = Computer(cores=1)
    for _ in range(3):
        computer.join()
    computer.run(5.0)
    del computer.cameras[1:]
    computer.run(4.0)
    assert computer.pace.cameras == 1
    assert computer.pace.fps >= frame_rate.FPS_OF_A_CORE


def test_nobody_is_slowed_down_without_end():
    computer = Computer(can_do_fps=0.0)
    for _ in range(3):
        computer.join()
    computer.run(60.0)
    assert computer.run(10.0) == [pytest.approx(SLOWEST_FPS, abs=0.3)] * 3


@given(
    st.lists(st.floats(0.0, 0.15), min_size=200, max_size=400),
    st.floats(SLOWEST_FPS, FASTEST_FPS - 1.0),
)
@settings(max_examples=50)
def test_frames_however_uneven_are_not_worked_on_more_often_than_the_pace(steps_s, fps):
    camera = paced(fps)
    times_s = list(itertools.accumulate(steps_s))
    worked = [t_s for t_s in times_s if camera.due(t_s)]
    assert len(worked) <= (times_s[-1] - times_s[0]) * fps + 3


def paced(fps: float) -> CameraFrameRate:
    """A camera whose pace stays as it is, for its clock stands still."""
    still = FairFrameRate(1, lambda: 0.0)
    still._fps = fps
    camera = still.camera()
    still._heard_s[camera] = 0.0
    return camera


@pytest.mark.parametrize("fps", [7.0, 10.0, 12.5, 15.0])
def test_a_browser_that_keeps_to_the_pace_loses_no_frame(fps):
    camera = paced(fps)
    # Every second picture comes a little early.
    times_s = [(number - 0.2 * (number % 2)) / fps for number in range(200)]
    assert all(camera.due(t_s) for t_s in times_s)


def test_after_a_pause_there_is_nothing_to_make_up_for():
    camera = paced(10.0)
    assert camera.due(0.0)
    burst_s = [5.0 + number * CAMERA_S for number in range(30)]
    assert sum(camera.due(t_s) for t_s in burst_s) <= 11


def test_the_usable_processors_are_counted():
    assert usable_cores() >= 1
