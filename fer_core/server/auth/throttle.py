"""How soon the password may be tried again: waits that double, for an address and for all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FORGET_S = 3600.0
"""After so long without a try the count begins anew."""

ADDRESSES = 10_000
"""Addresses that are remembered; beyond them the first seen are forgotten."""


class Throttled(Exception):
    """The password may not be tried yet."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many tries. The next one is possible in {wait_s} s.")
        self.wait_s = wait_s


@dataclass
class _Tally:
    free: int
    longest_s: float
    count: int = 0
    last_s: float = -math.inf
    until_s: float = -math.inf

    def add(self, now_s: float) -> None:
        if now_s - self.last_s > FORGET_S:
            self.count = 0
        self.count += 1
        self.last_s = now_s
        over = self.count - self.free
        self.until_s = now_s + (min(2.0 ** min(over, 20), self.longest_s) if over >= 0 else 0.0)


class LoginThrottle:
    """Counts a try before it is checked, so that many at once gain nothing.

    Three are free for an address, then the waits double to a quarter of an hour. In all, thirty are
    free, then up to 5 s lie between any two: guessing from many addresses stays slow, and nobody
    can shut the others out for long. Lives on the event loop and needs no lock.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._by_address: dict[str, _Tally] = {}
        self._all = _Tally(free=30, longest_s=5.0)

    def attempt(self, address: str) -> None:
        """Count a try. Raises ``Throttled``; a try that is refused is not counted."""
        now_s = self._clock_s()
        key = _network_of(address)
        mine = self._by_address.get(key) or _Tally(free=3, longest_s=900.0)
        wait_s = max(mine.until_s, self._all.until_s) - now_s
        if wait_s > 0:
            raise Throttled(math.ceil(wait_s))
        mine.add(now_s)
        self._all.add(now_s)
        self._by_address[key] = mine
        if len(self._by_address) > ADDRESSES:
            del self._by_address[next(iter(self._by_address))]

    def succeeded(self, address: str) -> None:
        """The password was right: this address begins anew, and others wait no longer for it."""
        self._by_address.pop(_network_of(address), None)
        self._all.count -= 1
        self._all.until_s = self._clock_s()


def _network_of(address: str) -> str:
    """An IPv6 host has a whole /64 to itself."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped) if ip.ipv4_mapped else f"{int(ip) >> 64:x}::/64"
    return str(ip)
