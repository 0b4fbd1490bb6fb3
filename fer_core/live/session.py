"""One live camera: frames go in as they come, and the latest result is always available.

The camera's thread only calls ``submit``, which puts the frame into a mailbox with one slot and
returns. A worker thread takes it out and analyses it. A newer frame replaces one that is still
waiting, so a slow machine shows fewer frames, never older ones. Frames are never stored, only the
``Timeline``, which holds numbers.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core import telemetry
from fer_core.errors import FerError
from fer_core.live.recent_movements import RecentMovements
from fer_core.live.slots import CameraSlots, UserSlots
from fer_core.schema import FrameResult
from fer_core.timeline.table import Timeline

RECENT_S = 3.0
"""The span over which frame rate and latency are measured."""

SILENT_S = 5.0
"""A camera without a frame for this long releases its slot, because a closed tab says nothing."""

CLOSE_S = 1.0
"""How long ``close`` waits for the frame that is being analysed."""


class FrameAnalyzer(Protocol):
    """What ``LiveCamera`` needs: a ``StreamAnalyzer``, or a test's stand-in."""

    @property
    def labels(self) -> tuple[str, ...]:
        """See ``StreamAnalyzer.labels``."""
        ...

    def update(self, frame_bgr: NDArray[np.uint8], t_s: float) -> FrameResult:
        """See ``StreamAnalyzer.update``."""
        ...


class Sink(Protocol):
    """A further receiver of results: ``fer_core.history.LiveRecording``."""

    def add(self, result: FrameResult) -> None:
        """Take the next result without waiting."""
        ...

    def close(self) -> None:
        """End: no more results will come. May take a while."""
        ...


@dataclass(frozen=True, slots=True)
class LiveStats:
    """Statistics of a live camera.

    ``processed`` and ``dropped`` count frames since the start. Over the last ``RECENT_S``, ``fps``
    is the processed frames per second, ``skipped_share`` the share of frames that were dropped,
    0..1, and the latencies are from ``submit`` to the result (None without a result).
    """

    processed: int
    dropped: int
    fps: float
    latency_median_ms: float | None
    latency_p95_ms: float | None
    skipped_share: float = 0.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame in the mailbox."""

    frame_bgr: NDArray[np.uint8]
    t_s: float
    submitted_s: float


@dataclass(frozen=True, slots=True)
class _Done:
    """When a frame was finished (monotonic clock) and how long that took."""

    at_s: float
    latency_ms: float


class LiveCamera:
    """One session of a live camera, from its first frame to ``stop``. Thread-safe.

    It acquires one of ``slots`` with its first frame and releases it at the end, or after
    ``SILENT_S`` without frames. While no slot is free, ``error`` says so, and each later frame
    tries again.
    """

    def __init__(
        self, analyzer: FrameAnalyzer, slots: CameraSlots | UserSlots | None = None
    ) -> None:
        self._slots = slots
        self._has_slot = False
        self.timeline = Timeline(analyzer.labels)
        self.movements = RecentMovements()
        self._analyzer = analyzer
        self._changed = threading.Condition()
        self._waiting: _Waiting | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._submitted_s = -np.inf
        self._latest: FrameResult | None = None
        self._error: str | None = None
        self._sink: Sink | None = None
        self._processed = 0
        self._dropped = 0
        self._recent: deque[_Done] = deque()
        self._recent_drops: deque[float] = deque()

    def submit(self, frame_bgr: NDArray[np.uint8], t_s: float) -> None:
        """Submit the newest frame ``(height, width, 3)`` uint8, BGR, shown at ``t_s`` seconds.

        Never waits. It replaces a frame that is still waiting. A frame that is no later than the
        last one is dropped, and after ``stop`` every frame. The caller must not change the array
        afterwards.
        """
        with self._changed:
            if self._stopped or t_s <= self._submitted_s or not self._acquire_slot():
                return
            self._submitted_s = t_s
            if self._waiting is not None:
                self._dropped += 1
                telemetry.FRAMES_DROPPED.inc()
                self._recent_drops.append(time.monotonic())
            self._waiting = _Waiting(frame_bgr, t_s, time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="live", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def started(self) -> bool:
        """Whether a frame was ever submitted."""
        with self._changed:
            return self._thread is not None

    @property
    def stopped(self) -> bool:
        """Whether the session is over."""
        with self._changed:
            return self._stopped

    @property
    def latest(self) -> FrameResult | None:
        """The result of the newest analysed frame, or None before the first."""
        with self._changed:
            return self._latest

    @property
    def error(self) -> str | None:
        """A sentence about the newest frame that could not be analysed.

        None as soon as a later frame was analysed.
        """
        with self._changed:
            return self._error

    def report(self, error: Exception) -> None:
        """Store an error to show to the user; the stream goes on."""
        sentence = str(error)
        if not isinstance(error, FerError):
            sentence = f"A frame could not be analysed ({type(error).__name__}: {error})."
        telemetry.ERRORS.labels("live").inc()
        with self._changed:
            self._error = sentence

    def stats(self) -> LiveStats:
        """The statistics right now."""
        now = time.monotonic()
        with self._changed:
            self._forget(now)
            done = tuple(self._recent)
            processed, dropped, skipped = self._processed, self._dropped, len(self._recent_drops)
        latencies = [frame.latency_ms for frame in done]
        return LiveStats(
            processed=processed,
            dropped=dropped,
            # The first frame starts the span and is not counted, or the first second would show
            # too high a rate.
            fps=_rate(done, now, whole=processed > len(done)),
            latency_median_ms=float(np.median(latencies)) if latencies else None,
            latency_p95_ms=float(np.percentile(latencies, 95)) if latencies else None,
            skipped_share=skipped / max(skipped + len(done), 1),
        )

    def send_to(self, sink: Sink | None) -> pd.DataFrame:
        """Pass every further result to ``sink`` as well; return the table of earlier ones.

        The end of the session closes it; if the session is over, it is closed at once.
        """
        with self._changed:
            self._sink = sink
            table = self.timeline.to_frame()
            if self._stopped:
                self._close_sink()
        return table

    def stop(self) -> None:
        """End the session without waiting; a frame being analysed is discarded."""
        with self._changed:
            self._release_slot()
            self._stopped = True
            self._waiting = None
            self._close_sink()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, and wait at most ``CLOSE_S`` seconds for the worker thread."""
        self.stop()
        with self._changed:
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_S)

    def _close_sink(self) -> None:
        """In a thread, because the connection's event loop, which ends a session, must not wait."""
        sink, self._sink = self._sink, None
        if sink is not None:
            threading.Thread(target=sink.close, name="live-sink", daemon=True).start()

    def _acquire_slot(self) -> bool:
        if not self._has_slot:
            self._error = (self._slots.acquire() if self._slots else "") or None
            self._has_slot = self._error is None
            if self._has_slot:
                telemetry.LIVE_STREAMS.inc()
        return self._has_slot

    def _release_slot(self) -> None:
        if self._has_slot:
            self._has_slot = False
            telemetry.LIVE_STREAMS.dec()
            if self._slots:
                self._slots.release()

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            try:
                result = self._analyzer.update(waiting.frame_bgr, waiting.t_s)
                self._keep(result, waiting.submitted_s)
            # Whatever a model throws at one frame must not end the session.
            except Exception as error:
                self.report(error)

    def _next(self) -> _Waiting | None:
        """Wait for a frame; None when the session is over."""
        with self._changed:
            while not self._changed.wait_for(
                lambda: self._stopped or self._waiting is not None, SILENT_S
            ):
                self._release_slot()
            waiting, self._waiting = self._waiting, None
            return waiting

    def _keep(self, result: FrameResult, submitted_s: float) -> None:
        now = time.monotonic()
        with self._changed:
            if self._stopped:
                return
            self.timeline.append(result)
            self.movements.add(result)
            self._latest = result
            if self._sink is not None:
                self._sink.add(result)
            self._error = None
            self._processed += 1
            telemetry.count_frame(result)
            self._recent.append(_Done(now, (now - submitted_s) * 1e3))
            self._forget(now)

    def _forget(self, now: float) -> None:
        while self._recent and now - self._recent[0].at_s > RECENT_S:
            self._recent.popleft()
        while self._recent_drops and now - self._recent_drops[0] > RECENT_S:
            self._recent_drops.popleft()


def _rate(done: tuple[_Done, ...], now: float, *, whole: bool) -> float:
    """Frames per second: over the whole span once it is full, else since the first frame."""
    if whole:
        return len(done) / RECENT_S
    if len(done) < 2:
        return 0.0
    return (len(done) - 1) / (now - done[0].at_s)
