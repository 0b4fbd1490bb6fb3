"""Tests of a video file in the camera's place: frame rate, end, and position."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import VideoError
from fer_core.labels import EMOTIONS
from fer_core.live import playback
from fer_core.live.frame_rate import FairFrameRate
from fer_core.live.playback import IDLE_S, LONGEST_PX, RESULT_S, Playback
from fer_core.live.session import LiveCamera
from fer_core.live.slots import CameraSlots
from fer_core.schema import FrameResult
from tests.media.clips import clip, number_of
from tests.waiting import Clock, until

FPS = 10


class Numbers:
    """An analyzer that records the number and time of each frame."""

    labels: tuple[str, ...] = EMOTIONS

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def update(self, frame_bgr: np.ndarray, t_s: float) -> FrameResult:
        self.seen.append((t_s, number_of(frame_bgr)))
        height, width = frame_bgr.shape[:2]
        return FrameResult(width, height, (), "model", "detector", t_s=t_s)


class Cinema:
    """A clip of one second that plays by the test's clock, and the frames that were analysed."""

    def __init__(self, path: Path, slots: CameraSlots | None = None, loop: bool = True) -> None:
        self.analyzer, self.clock, self.ends = Numbers(), Clock(), 0
        self.began_s = self.clock.now_s
        self.session = LiveCamera(self.analyzer, slots)
        self.playback = Playback(path, self.session, loop=loop, ended=self.count, now_s=self.clock)
        self.playback.start()

    def count(self) -> None:
        self.ends += 1

    def play(self, frames: int) -> None:
        """Set the clock forward from one frame to the next, and watch until each is analysed."""
        for number in range(frames):
            # Half a frame later: its own time is a rounding error before or after.
            self.clock.now_s = self.began_s + (number + 0.5) / FPS
            self.playback.next_picture(-1.0)
            until(lambda: len(self.analyzer.seen) > number, f"frame {number}")  # noqa: B023
            assert len(self.analyzer.seen) == number + 1  # none comes before its time


@pytest.fixture(autouse=True)
def _no_other_camera(monkeypatch):
    """Cameras of other tests, which still count for seconds, would have a share of the frames."""
    monkeypatch.setattr(playback, "FRAME_RATE", FairFrameRate())


@pytest.fixture
def film(tmp_path):
    return clip(tmp_path / "clip.mp4", count=FPS, fps=FPS)


@pytest.fixture
def cinema(film):
    cinema = Cinema(film)
    yield cinema
    cinema.playback.stop()


def test_a_clip_keeps_its_own_pace_and_begins_again_at_its_end(cinema):
    cinema.play(FPS + 5)
    times_s = [t_s for t_s, _ in cinema.analyzer.seen]
    # A frame that comes before the last one is analysed takes its place, but here each is awaited.
    assert times_s == pytest.approx([number / FPS for number in range(FPS + 5)])
    assert [number for _, number in cinema.analyzer.seen] == [*range(FPS), *range(5)]


def test_a_picture_is_shown_with_its_own_marks_and_only_once(cinema):
    cinema.play(4)
    # The session has it a moment after the analyzer has seen it.
    until(lambda: cinema.session.stats().processed == 4, "the result")
    shown = cinema.playback.next_picture(-1.0)
    assert shown is not None
    assert shown.result is not None
    assert shown.frame.t_s == shown.result.t_s == pytest.approx(0.3)
    assert number_of(shown.frame.bgr) == 3
    assert cinema.playback.next_picture(shown.frame.t_s) is None


def test_a_large_frame_comes_as_a_camera_would_send_it(tmp_path):
    cinema = Cinema(
        clip(tmp_path / "wide.mp4", count=3, frames=[np.zeros((720, 1280, 3), np.uint8)] * 3)
    )
    shown = until(lambda: cinema.playback.next_picture(-1.0))
    assert shown.frame.bgr.shape == (540, LONGEST_PX, 3)
    cinema.playback.stop()


def test_it_ends_by_itself_once_nobody_watches(cinema):
    cinema.play(2)
    assert cinema.playback.running
    cinema.clock.now_s += IDLE_S + 1.0
    until(lambda: cinema.ends == 1, "the end")
    assert not cinema.playback.running
    assert cinema.session.stopped
    until(lambda: not cinema.playback._thread.is_alive(), "the thread's end")


def test_it_ends_when_it_is_stopped(cinema):
    cinema.play(2)
    cinema.playback.stop()
    assert not cinema.playback.running
    until(lambda: cinema.ends == 1, "the end")


def test_it_ends_with_the_clip_where_it_is_to_play_once(film):
    cinema = Cinema(film, loop=False)
    cinema.clock.now_s += 2.0
    until(lambda: cinema.ends == 1, "the end")
    assert (cinema.playback.running, cinema.playback.problem) == (False, "")


def test_it_begins_when_a_camera_slot_is_free(film):
    slots = CameraSlots(1)
    assert slots.acquire() == ""
    cinema = Cinema(film, slots)
    try:
        until(lambda: cinema.session.error, "the sentence")
        cinema.clock.now_s += RESULT_S * 2
        assert not cinema.analyzer.seen
        slots.release()
        until(lambda: cinema.analyzer.seen, "the first frame")
        # It has waited at its beginning, and not run on.
        assert cinema.analyzer.seen[0] == (0.0, 0)
        assert cinema.session.error is None
    finally:
        cinema.playback.stop()
    until(lambda: slots.acquire() == "", "the slot's return")


def test_pictures_without_results_come_without_marks(film):
    slots = CameraSlots(0)
    cinema = Cinema(film, slots)
    shown = until(lambda: cinema.playback.next_picture(-1.0))
    assert shown.result is None
    cinema.playback.stop()


def test_a_damaged_clip_is_said_to_be_and_not_played_again(film, tmp_path):
    whole = clip(tmp_path / "whole.mkv", count=40, fps=FPS).read_bytes()
    (cut := tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    cinema = Cinema(cut)
    cinema.clock.now_s += 5.0
    until(lambda: cinema.ends == 1, "the end")
    assert "nothing could be read" in cinema.playback.problem


def test_what_is_no_video_is_refused(tmp_path):
    (path := tmp_path / "clip.mp4").write_bytes(b"no video at all")
    with pytest.raises(VideoError, match="not a video"):
        Playback(path, LiveCamera(Numbers()))
