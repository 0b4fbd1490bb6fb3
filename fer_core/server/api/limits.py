"""Limits the requests of each caller, and the work and memory of all requests together.

Everything runs on the event loop and needs no locks. The clocks are monotonic, so setting the
computer's time neither locks a caller out nor lets one through.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from fer_core.server.api.errors import Refused, busy

PATIENCE_S = 5.0
"""How long a request waits for a free slot. Heroku's router gives up after 30 s in all."""


class RateLimiter:
    """A bucket of tokens for each caller (the virtual scheduling of GCRA, ITU-T I.371, 1996).

    It is written here because it needs one number per caller; libraries bring stores and threads.
    The callers are the configured tokens, so there are few, and none is ever removed.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._full_again_s: dict[str, float] = {}

    def take(self, caller: str, per_minute: int) -> None:
        """Count one request. Raises ``Refused`` with 429 beyond ``per_minute`` of them.

        After a pause a caller may send ``per_minute`` at once; then they become available evenly.
        """
        now_s, each_s = self._clock_s(), 60.0 / per_minute
        full_s = max(self._full_again_s.get(caller, now_s), now_s) + each_s
        wait_s = full_s - now_s - 60.0
        if wait_s > 1e-6:
            after_s = math.ceil(wait_s)
            raise Refused(
                429,
                "rate_limited",
                f"The limit is {per_minute} requests a minute. Try again in {after_s} s.",
                {"Retry-After": str(after_s)},
            )
        self._full_again_s[caller] = full_s


class Gate:
    """Lets ``slots`` requests through at once; the others wait up to ``PATIENCE_S``."""

    def __init__(self, slots: int, patience_s: float = PATIENCE_S) -> None:
        self._free = asyncio.Semaphore(slots)
        self._patience_s = patience_s

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot. Raises ``Refused`` with 503 if none becomes free in time."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self._free.acquire()
        except TimeoutError:
            raise busy() from None
        try:
            yield
        finally:
            self._free.release()


class Buffer:
    """The memory that the bodies of all requests may use together."""

    def __init__(self, size_bytes: int) -> None:
        self.free_bytes = size_bytes

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Yields a function that reserves bytes, which are released at the end.

        The function raises ``Refused`` with 503 if the buffer is full: then the bodies already in
        it get through, instead of all waiting for one another.
        """
        held_bytes = 0

        def reserve(size_bytes: int) -> None:
            nonlocal held_bytes
            if size_bytes > self.free_bytes:
                raise busy()
            self.free_bytes -= size_bytes
            held_bytes += size_bytes

        try:
            yield reserve
        finally:
            self.free_bytes += held_bytes
