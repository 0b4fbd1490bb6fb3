"""Limits password attempts: waits that double for each address, and a shared limit for all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FORGET_S = 3600.0
"""After this time without an attempt the count starts again."""

ADDRESSES = 10_000
"""How many addresses are remembered; then the oldest are dropped."""

LONGEST_S = 900.0
"""The longest wait between two attempts of one address."""

FREE_ADDRESS, FREE_SITE = 3, 30
"""Free attempts before the first wait: of an address, and of an IPv6 /48, which belongs to one site
(RFC 6177) and holds 65,536 networks to guess from."""

BURST, EACH_S = 30, 5.0
"""All addresses together have this many free attempts, and another one every 5 s."""

TURN_S = 1.0
"""Beyond these, an address is asked to come back after this time, and is then let through."""

TURN_RESERVED_S = 60.0
"""How long the turn of an address is reserved."""

PENDING_NEW, PENDING_TURN = 3, 5
"""How many checks may be pending before another one must wait: for a new address, and for one that
has its turn. A check takes up to a second, so a turn is served within 5 s."""


class Throttled(Exception):
    """No attempt is allowed yet."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many attempts. The next one is possible in {wait_s} s.")
        self.wait_s = wait_s


@dataclass
class _Tally:
    free: int
    count: int = 0
    last_s: float = -math.inf
    until_s: float = -math.inf

    def add(self, now_s: float) -> None:
        if now_s - self.last_s > FORGET_S:
            self.count = 0
        self.count += 1
        self.last_s = now_s
        over = self.count - self.free
        self.until_s = now_s + (min(2.0 ** min(over, 20), LONGEST_S) if over >= 0 else 0.0)

    def take_back(self, now_s: float) -> None:
        self.count -= 1
        self.until_s = now_s


class LoginThrottle:
    """Counts an attempt before it is checked, so that many at once gain nothing.

    Guessing is slow because each address waits longer after each attempt. Somebody who guesses from
    very many addresses uses up the shared attempts; other addresses then get a reserved turn a
    moment later, which nobody can take away by asking faster. A browser that was signed in before
    is counted separately. Runs on the event loop and needs no lock.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._by_address: dict[str, _Tally] = {}
        self._turns: dict[str, float] = {}  # the start of each turn; the earliest first
        self._used_up_until_s = -math.inf

    def attempt(self, address: str, device: str | None = None, pending: int = 0) -> None:
        """Count an attempt. Raises ``Throttled``; a refused attempt is not counted.

        ``device`` identifies a browser that was signed in before, and ``pending`` is the number of
        checks before this one.
        """
        now_s = self._clock_s()
        keys = _keys_of(address, device)
        tallies = {key: self._by_address.get(key) or _Tally(free) for key, free in keys.items()}
        wait_s = max(tally.until_s for tally in tallies.values()) - now_s
        if wait_s > 0:
            raise Throttled(math.ceil(wait_s))
        if device is None:
            self._use_shared(next(iter(keys)), now_s, pending)
        for key, tally in tallies.items():
            tally.add(now_s)
            self._by_address[key] = tally
        while len(self._by_address) > ADDRESSES:
            del self._by_address[next(iter(self._by_address))]

    def succeeded(self, address: str, device: str | None = None) -> None:
        """The password was right: reset the counts of this address."""
        own, *wider = _keys_of(address, device)
        self._by_address.pop(own, None)
        for key in wider:
            if tally := self._by_address.get(key):
                tally.take_back(self._clock_s())
        if device is None:
            self._used_up_until_s -= EACH_S

    def _use_shared(self, key: str, now_s: float, pending: int) -> None:
        """Use a shared attempt or the turn of this address, or raise ``Throttled``."""
        self._forget_turns(now_s)
        from_s = self._turns.get(key)
        if from_s is None:
            used_up_until_s = max(self._used_up_until_s, now_s) + EACH_S
            if used_up_until_s - now_s <= BURST * EACH_S and pending < PENDING_NEW:
                self._used_up_until_s = used_up_until_s
                return
            from_s = self._turns[key] = now_s + TURN_S
        if from_s > now_s:
            raise Throttled(math.ceil(from_s - now_s))
        if pending >= PENDING_TURN:
            raise Throttled(math.ceil(TURN_S))
        del self._turns[key]

    def _forget_turns(self, now_s: float) -> None:
        while self._turns:
            first, from_s = next(iter(self._turns.items()))
            if from_s + TURN_RESERVED_S >= now_s and len(self._turns) < ADDRESSES:
                return
            del self._turns[first]


def _keys_of(address: str, device: str | None) -> dict[str, int]:
    """The networks that an attempt counts for, the address first, with their free attempts."""
    if device is not None:
        return {f"device {device}": FREE_ADDRESS}
    try:
        ip = ip_address(address)
    except ValueError:
        return {"unknown": FREE_ADDRESS}
    if not isinstance(ip, IPv6Address):
        return {str(ip): FREE_ADDRESS}
    if ip.ipv4_mapped:
        return {str(ip.ipv4_mapped): FREE_ADDRESS}
    # A host has a whole /64.
    return {f"{int(ip) >> 64:x}::/64": FREE_ADDRESS, f"{int(ip) >> 80:x}::/48": FREE_SITE}
