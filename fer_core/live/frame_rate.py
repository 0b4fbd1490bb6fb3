"""How many frames a second each of several live cameras gets of the computer they share.

Where there is not enough time for all frames of all cameras, queues and the scheduler would decide
who gets how much of it: some cameras go on, others starve. Here all get the same, and as much as
can be done without waiting.

What is measured is how long work on a frame waited for the processor beside working. That takes in
whatever else keeps the computer busy, such as browsers on it, and it hardly depends on how fast the
computer is: with time to spare there is next to no waiting.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable

FASTEST_FPS, SLOWEST_FPS = 30.0, 8.0
"""As fast as the camera is asked to be, and as slow as an expression can still be followed."""

FPS_OF_A_CORE = 24.0
"""What is expected of a core until there are measurements: a camera more starts with its share."""

SPAN_S = 1.0
"""The pace changes so often at most."""

LATE_S, EARLY_S = 0.012, 0.006
"""Work that mostly waits longer than the one slows the cameras down, shorter than the other lets
them go faster. Mostly: the median, for a hitch is over before anything could be done about it."""

SLOW_DOWN, SPEED_UP_FPS = 0.85, 1.0
"""Down by a factor, up by a step: whatever they start from, that comes to equal shares soon and
stays near what can be done (Chiu and Jain, 1989)."""

SILENT_S = 2.0
"""A camera that sent no frame for so long has no share."""


class FairFrameRate:
    """The pace of all cameras of this process. Safe in several threads; ``now_s`` is a monotonic
    clock in seconds."""

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
        """What each camera may have now, from ``SLOWEST_FPS`` to ``FASTEST_FPS``."""
        return self._fps

    @property
    def cameras(self) -> int:
        """How many share the computer now."""
        return self._cameras

    def camera(self) -> CameraFrameRate:
        """A further camera. It counts while it has frames."""
        return CameraFrameRate(self)

    def report_wait(self, wait_s: float) -> None:
        """Note how long the work on one frame waited for the processor, beside working."""
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

    def __init__(self, pace: FairFrameRate) -> None:
        self._pace = pace
        self._next_s: float | None = None

    def due(self, t_s: float) -> bool:
        """Whether the frame shown at ``t_s`` seconds is one to work on.

        Frames come unevenly: one may be early by a quarter of the distance there should be, and
        one that is late does not make the next one wait longer.
        """
        self._pace.touch(self)
        fps = self._pace.fps
        distance_s = 1.0 / fps
        next_s = t_s if self._next_s is None else self._next_s
        if fps < FASTEST_FPS and t_s < next_s - 0.25 * distance_s:
            return False
        self._next_s = max(next_s, t_s - distance_s) + distance_s
        return True

    def report_wait(self, wait_s: float) -> None:
        """See ``FairFrameRate.report_wait``."""
        self._pace.report_wait(wait_s)


def usable_cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


FRAME_RATE = FairFrameRate()
"""What the cameras of this process share its computer by."""
