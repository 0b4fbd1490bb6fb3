"""Waiting for the work of other threads and processes, and a clock for tests.

No test may fail because the machine is slow: tests wait for conditions, and never for a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_S = 90.0
"""More than any condition takes on a busy machine; whoever waits for longer waits in vain."""

PAUSE_S = 0.02

T = TypeVar("T")


def until(
    condition: Callable[[], T | None],
    what: str = "what was waited for",
    pause: Callable[[float], object] = time.sleep,
) -> T:
    """What ``condition`` gives as soon as that is true; ``AssertionError`` if it never is.

    ``pause`` passes the seconds between two looks.
    """
    deadline_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"{what}: did not happen in time"
        pause(PAUSE_S)
    return value


class Clock:
    """A clock that stands still until a test sets it forward."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now_s
