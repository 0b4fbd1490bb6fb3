"""Shares the computer fairly between live cameras by limiting their frame rate.

If there is not enough time for all frames of all cameras, queues and the scheduler would decide:
some cameras would run and others starve. Here all get the same rate, as high as possible without
waiting.

The measure is how long the work on a frame waits for the processor. It includes everything else
that keeps the computer busy, such as browsers, and hardly depends on the computer's speed: with
time to spare there is almost no waiting.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable

FASTEST_FPS, SLOWEST_FPS = 30.0, 8.0
"""The rate requested from the camera, and the lowest rate at which expressions can be followed."""

FPS_OF_A_CORE = 24.0
"""The assumed rate per core before there are measurements; a new camera starts with its share."""

SPAN_S = 1.0
"""The shortest time between two changes of the rate."""

LATE_S, EARLY_S = 0.012, 0.006
"""A longer median wait slows the cameras down, a shorter one lets them go faster. The median
ignores short hitches, which are over before a change could help."""

SLOW_DOWN, SPEED_UP_FPS = 0.85, 1.0
"""Multiplicative decrease and additive increase converge to equal shares near the capacity (Chiu
and Jain, 1989)."""

SILENT_S = 2.0
"""A camera without a frame for this long has no share."""


class FairFrameRate:
    """The frame rate of all cameras of this process. Thread-safe; ``now_s`` is a monotonic clock in
    seconds."""

    def __init__(
        self, cores: int | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._expected_fps = FPS_OF_A_CORE * (cores or usable_cores())
        self._now_s = now_s
        self._lock = threading.Lock()
        self._heard_s: dict[CameraFrameRate, float] = {}
        self._fps = FASTEST_FPS
        self._cameras = 0
        self._since_s = now_s()
        self._waits_s: list[float] = []

    @property
    def fps(self) -> float:
        """The current rate of each camera, from ``SLOWEST_FPS`` to ``FASTEST_FPS``."""
        return self._fps

    @property
    def cameras(self) -> int:
        """How many cameras share the computer now."""
        return self._cameras

    def camera(self) -> CameraFrameRate:
        """Add a camera. It counts while it has frames."""
        return CameraFrameRate(self)

    def report_wait(self, wait_s: float) -> None:
        """Note how long the work on one frame waited for the processor."""
        with self._lock:
            self._waits_s.append(wait_s)

    def touch(self, camera: CameraFrameRate) -> None:
        """Note that a camera has a frame."""
        now_s = self._now_s()
        with self._lock:
            joins = camera not in self._heard_s
            self._heard_s[camera] = now_s
            if joins or now_s - self._since_s >= SPAN_S:
                self._adjust(now_s)

    def _adjust(self, now_s: float) -> None:
        for camera in [c for c, at_s in self._heard_s.items() if now_s - at_s > SILENT_S]:
            del self._heard_s[camera]
        before, self._cameras = self._cameras, len(self._heard_s)
        waits_s, self._waits_s = self._waits_s, []
        self._since_s = now_s
        share_fps = self._expected_fps / self._cameras
        fps = self._fps
        if self._cameras > before:
            fps = min(fps, share_fps)
        elif self._cameras < before:
            fps = max(fps, share_fps)
        elif waits_s:
            wait_s = statistics.median(waits_s)
            if wait_s > LATE_S:
                fps *= SLOW_DOWN
            elif wait_s < EARLY_S:
                fps += SPEED_UP_FPS
        self._fps = min(max(fps, SLOWEST_FPS), FASTEST_FPS)


class CameraFrameRate:
    """One camera's share of a ``FairFrameRate``. For one thread."""

    def __init__(self, shared: FairFrameRate) -> None:
        self._shared = shared
        self._next_s: float | None = None

    def due(self, t_s: float) -> bool:
        """Whether to analyse the frame shown at ``t_s`` seconds.

        Frames come unevenly: one may be early by a quarter of the nominal distance, and a late one
        does not delay the next.
        """
        self._shared.touch(self)
        fps = self._shared.fps
        distance_s = 1.0 / fps
        next_s = t_s if self._next_s is None else self._next_s
        if fps < FASTEST_FPS and t_s < next_s - 0.25 * distance_s:
            return False
        self._next_s = max(next_s, t_s - distance_s) + distance_s
        return True

    def report_wait(self, wait_s: float) -> None:
        """See ``FairFrameRate.report_wait``."""
        self._shared.report_wait(wait_s)


def usable_cores() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


FRAME_RATE = FairFrameRate()
"""The frame rate that all cameras of this process share."""
