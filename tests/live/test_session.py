"""Tests of one live camera: mailbox, worker thread, numbers, and the end."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from prometheus_client import REGISTRY

from fer_core.errors import WeightsMissing
from fer_core.labels import EMOTIONS
from fer_core.live import session
from fer_core.live.session import LiveCamera
from fer_core.live.slots import CameraSlots
from fer_core.schema import FrameResult
from fer_core.timeline.table import Timeline
from tests.waiting import DEADLINE_S, Clock, until


def processed(camera: LiveCamera, frames: int) -> bool:
    return camera.stats().processed == frames


def can_take(slots: CameraSlots) -> bool:
    return slots.acquire() == ""


def picture() -> np.ndarray:
    return np.zeros((48, 64, 3), np.uint8)


class Gate:
    """An analyzer that waits in each frame until the test releases it."""

    labels: tuple[str, ...] = EMOTIONS

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.seen: list[float] = []

    def update(self, frame_bgr: np.ndarray, t_s: float) -> FrameResult:
        self.seen.append(t_s)
        self.entered.release()
        assert self.open.acquire(timeout=DEADLINE_S)
        return FrameResult(64, 48, (), "model", "detector", t_s=t_s)


class Quick:
    """An analyzer that answers at once, or fails if the test says so."""

    labels: tuple[str, ...] = EMOTIONS

    def __init__(self, failures: dict[float, Exception] | None = None) -> None:
        self.failures = failures or {}

    def update(self, frame_bgr: np.ndarray, t_s: float) -> FrameResult:
        if t_s in self.failures:
            raise self.failures[t_s]
        return FrameResult(64, 48, (), "model", "detector", t_s=t_s)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.release(100)


def test_before_the_first_frame():
    camera = LiveCamera(Quick())
    assert not camera.started
    assert camera.latest is None
    assert camera.error is None
    stats = camera.stats()
    assert (stats.processed, stats.dropped, stats.fps, stats.latency_median_ms) == (0, 0, 0.0, None)
    camera.close()
    assert camera.stopped


def test_frames_are_analysed_in_order_and_kept_as_numbers():
    camera = LiveCamera(Quick())
    for number in range(5):
        camera.submit(picture(), number / 10)
        until(partial(processed, camera, number + 1))
    assert camera.started
    assert camera.latest is not None
    assert camera.latest.t_s == 0.4
    assert list(camera.timeline.to_frame()["t_s"]) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert camera.stats().dropped == 0
    camera.close()


def test_a_slow_analyzer_gets_the_newest_frame_only(gate):
    camera = LiveCamera(gate)
    camera.submit(picture(), 0.0)
    assert gate.entered.acquire(timeout=DEADLINE_S)
    for number in range(1, 10):
        camera.submit(picture(), number / 10)
    gate.open.release(2)
    until(lambda: camera.stats().processed == 2)
    assert gate.seen == [0.0, 0.9]
    assert camera.stats().dropped == 8
    camera.close()


def test_submit_never_waits(gate):
    camera = LiveCamera(gate)
    camera.submit(picture(), 0.0)
    assert gate.entered.acquire(timeout=DEADLINE_S)
    for number in range(1, 1000):
        camera.submit(picture(), float(number))
    assert gate.seen == [0.0]  # which is still being analysed
    camera.stop()


def test_a_frame_that_is_not_newer_is_not_analysed(gate):
    camera = LiveCamera(gate)
    gate.open.release(100)
    for t_s in (0.5, 0.5, 0.2, 0.6):
        camera.submit(picture(), t_s)
    until(lambda: camera.latest is not None and camera.latest.t_s == 0.6)
    assert 0.2 not in gate.seen
    assert gate.seen.count(0.5) <= 1
    camera.close()


def test_the_latency_runs_from_submit_to_result(gate, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=clock))
    camera = LiveCamera(gate)
    camera.submit(picture(), 0.0)
    assert gate.entered.acquire(timeout=DEADLINE_S)
    clock.now_s += 0.25
    gate.open.release()
    until(lambda: camera.stats().processed == 1)
    stats = camera.stats()
    assert stats.latency_median_ms == pytest.approx(250.0)
    assert stats.latency_p95_ms == pytest.approx(250.0)
    camera.close()


def test_frames_a_second_follow_the_clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=clock))
    camera = LiveCamera(Quick())
    seen = []
    for number in range(100):
        camera.submit(picture(), number / 10)
        until(partial(processed, camera, number + 1))
        seen.append(camera.stats().fps)
        clock.now_s += 0.1
    assert seen[0] == 0.0
    assert seen[10] == pytest.approx(10.0, rel=0.05)
    assert seen[-1] == pytest.approx(10.0, rel=0.05)
    clock.now_s += 60.0
    assert camera.stats().fps == 0.0
    assert camera.stats().latency_median_ms is None
    camera.stop()


def test_a_frame_that_comes_as_soon_as_the_table_was_read_is_kept():
    """A view of the array that outlived the lock prevented the array from growing."""
    timeline = Timeline()
    timeline.append(FrameResult(64, 48, (), "model", "detector", t_s=0.0))
    lock = timeline._lock

    class Waited:
        """A lock for which the camera's thread is waiting."""

        def __enter__(self) -> None:
            lock.acquire()

        def __exit__(self, *_error: object) -> None:
            lock.release()
            timeline._lock = lock
            timeline.append(FrameResult(64, 48, (), "model", "detector", t_s=0.1))

    timeline._lock = Waited()  # type: ignore[assignment]
    assert len(timeline.to_frame()) == 1
    assert len(timeline) == 2


def test_an_error_is_kept_as_a_sentence_and_the_stream_goes_on():
    camera = LiveCamera(Quick({0.1: RuntimeError("no memory"), 0.2: WeightsMissing("Fetch it.")}))
    camera.submit(picture(), 0.1)
    sentence = "A frame could not be analysed (RuntimeError: no memory)."
    until(lambda: camera.error == sentence)
    camera.submit(picture(), 0.2)
    until(lambda: camera.error == "Fetch it.")
    camera.submit(picture(), 0.3)
    until(lambda: camera.error is None)
    assert len(camera.timeline) == camera.stats().processed == 1
    camera.close()


def test_close_ends_the_thread_within_a_second():
    before = threading.active_count()
    camera = LiveCamera(Quick())
    camera.submit(picture(), 0.0)
    until(lambda: camera.stats().processed == 1)
    camera.close()
    assert threading.active_count() == before
    camera.submit(picture(), 1.0)
    assert len(camera.timeline) == 1


def test_close_does_not_wait_for_a_stuck_analyzer_and_drops_its_result(gate):
    before = set(threading.enumerate())
    camera = LiveCamera(gate)
    camera.submit(picture(), 0.0)
    assert gate.entered.acquire(timeout=DEADLINE_S)
    (worker,) = {t for t in set(threading.enumerate()) - before if t.name == "live"}
    camera.close()
    assert worker.is_alive()  # in a frame that nobody has let it finish
    gate.open.release()
    until(lambda: not worker.is_alive())
    assert len(camera.timeline) == 0
    assert camera.latest is None


def test_frames_are_not_kept():
    camera = LiveCamera(Quick())
    frame = picture()
    gone = weakref.ref(frame)
    camera.submit(frame, 0.0)
    del frame
    camera.submit(picture(), 1.0)
    until(lambda: camera.latest is not None and camera.latest.t_s == 1.0)
    camera.close()
    gc.collect()
    assert gone() is None


def test_a_session_without_a_place_waits_for_one() -> None:
    slots = CameraSlots(1)
    first, second = LiveCamera(Quick(), slots), LiveCamera(Quick(), slots)
    first.submit(picture(), 0.0)
    second.submit(picture(), 0.0)
    assert "This server runs at most 1 live camera at once" in (second.error or "")
    assert second.stats().processed == 0
    first.stop()
    first.stop()  # gives its place back once
    second.submit(picture(), 1.0)
    until(partial(processed, second, 1))
    assert second.error is None
    third = LiveCamera(Quick(), slots)
    third.submit(picture(), 0.0)
    assert not third.started
    second.close()


def test_a_silent_camera_leaves_its_place_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.live.session.SILENT_S", 0.05)
    slots = CameraSlots(1)
    first, second = LiveCamera(Quick(), slots), LiveCamera(Quick(), slots)
    first.submit(picture(), 0.0)
    until(partial(can_take, slots))
    first.submit(picture(), 1.0)
    assert "This server runs at most" in (first.error or "")
    slots.release()
    second.submit(picture(), 0.0)
    until(partial(processed, second, 1))
    first.stop()  # has no slot to release
    second.stop()
    until(partial(can_take, slots))
    assert not can_take(slots)


def test_a_session_that_never_had_a_place_gives_none_back() -> None:
    slots = CameraSlots(1)
    LiveCamera(Quick(), slots).stop()
    assert slots.acquire() == ""
    assert slots.acquire()
    slots.release()
    with pytest.raises(ValueError, match="no slot"):
        slots.release()


def test_a_user_has_some_of_the_places() -> None:
    slots = CameraSlots(3)
    ada, bob = slots.of("ada", 2), slots.of("bob", 2)
    first, second = LiveCamera(Quick(), ada), LiveCamera(Quick(), ada)
    third = LiveCamera(Quick(), ada)
    for camera in (first, second, third):
        camera.submit(picture(), 0.0)
    assert "One account runs at most 2 live cameras" in (third.error or "")
    assert bob.acquire() == ""
    assert "at most 3 live cameras" in bob.acquire()
    first.stop()
    third.submit(picture(), 1.0)
    assert third.started
    assert third.error is None
    for camera in (second, third):
        camera.close()


def test_skipped_frames_are_counted_while_they_are_recent() -> None:
    gate = Gate()
    camera = LiveCamera(gate)
    for number in range(5):
        camera.submit(picture(), float(number))
        if number == 0:
            assert gate.entered.acquire(timeout=5)
    assert camera.stats().dropped == 3
    assert camera.stats().skipped_share == 1.0
    gate.open.release(5)
    camera.close()


def test_what_a_camera_does_is_counted():
    def value(name: str) -> float:
        return REGISTRY.get_sample_value(name) or 0.0

    frames, streams = value("fer_frames_total"), value("fer_live_streams")
    camera = LiveCamera(Quick())
    camera.submit(picture(), 0.1)
    until(lambda: camera.latest is not None)
    assert value("fer_frames_total") == frames + 1
    assert value("fer_live_streams") == streams + 1
    camera.close()
    camera.stop()
    assert value("fer_live_streams") == streams


def test_a_silent_camera_is_not_counted_as_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed tab says nothing, and its session may last for ten minutes."""

    def streams() -> float:
        return REGISTRY.get_sample_value("fer_live_streams") or 0.0

    monkeypatch.setattr("fer_core.live.session.SILENT_S", 0.05)
    before = streams()
    camera = LiveCamera(Quick())
    camera.submit(picture(), 0.1)
    until(lambda: streams() == before)
    monkeypatch.setattr("fer_core.live.session.SILENT_S", 60.0)
    camera.submit(picture(), 0.2)
    assert streams() == before + 1
    camera.close()
    assert streams() == before
