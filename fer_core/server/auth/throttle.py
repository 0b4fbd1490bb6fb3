"""How soon the password may be tried again: waits that double for an address, and turns for all."""

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

LONGEST_S = 900.0
"""The longest wait between two tries of one address."""

FREE_ADDRESS, FREE_SITE = 3, 30
"""Tries before the first wait: of an address, and of a /48 of IPv6, which one site has to itself
(RFC 6177) and with it 65,536 networks to try from."""

BURST, EACH_S = 30, 5.0
"""Of all addresses together, so many tries are taken as they come, and another one every 5 s."""

TURN_S = 1.0
"""Beyond these, an address is asked to come back after so long, and is let through then."""

TURN_KEPT_S = 60.0
"""How long a turn waits for its address."""

CROWD_NEW, CROWD_TURN = 3, 5
"""Passwords that are being checked, beyond which another one waits: of an address that just came,
and of one that has its turn. A check takes up to a second: a turn is had within 5 s."""


class Throttled(Exception):
    """The password may not be tried yet."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many tries. The next one is possible in {wait_s} s.")
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
    """Counts a try before it is checked, so that many at once gain nothing.

    Guessing is slow because each address waits longer after each try. Who guesses from very many
    addresses uses up what all may try at once; the others then come back for a turn of their own a
    moment later, which nobody can take from them by asking faster. A browser that has been inside
    before counts for itself alone. Lives on the event loop and needs no lock.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._by_address: dict[str, _Tally] = {}
        self._turns: dict[str, float] = {}  # from when on; the earliest first
        self._used_up_until_s = -math.inf

    def attempt(self, address: str, device: str | None = None, pending: int = 0) -> None:
        """Count a try. Raises ``Throttled``; a try that is refused is not counted.

        ``device`` tells a browser apart that has been inside before, and ``pending`` is how many
        checks this one would wait for.
        """
        now_s = self._clock_s()
        keys = _keys_of(address, device)
        tallies = {key: self._by_address.get(key) or _Tally(free) for key, free in keys.items()}
        wait_s = max(tally.until_s for tally in tallies.values()) - now_s
        if wait_s > 0:
            raise Throttled(math.ceil(wait_s))
        if device is None:
            self._take_place(next(iter(keys)), now_s, pending)
        for key, tally in tallies.items():
            tally.add(now_s)
            self._by_address[key] = tally
        while len(self._by_address) > ADDRESSES:
            del self._by_address[next(iter(self._by_address))]

    def succeeded(self, address: str, device: str | None = None) -> None:
        """The password was right: this address begins anew, and others wait no longer for it."""
        own, *wider = _keys_of(address, device)
        self._by_address.pop(own, None)
        for key in wider:
            if tally := self._by_address.get(key):
                tally.take_back(self._clock_s())
        if device is None:
            self._used_up_until_s -= EACH_S

    def _take_place(self, key: str, now_s: float, pending: int) -> None:
        """Take one of the places of all, or the turn of this address, or raise ``Throttled``."""
        self._forget_turns(now_s)
        from_s = self._turns.get(key)
        if from_s is None:
            used_up_until_s = max(self._used_up_until_s, now_s) + EACH_S
            if used_up_until_s - now_s <= BURST * EACH_S and pending < CROWD_NEW:
                self._used_up_until_s = used_up_until_s
                return
            from_s = self._turns[key] = now_s + TURN_S
        if from_s > now_s:
            raise Throttled(math.ceil(from_s - now_s))
        if pending >= CROWD_TURN:
            raise Throttled(math.ceil(TURN_S))
        del self._turns[key]

    def _forget_turns(self, now_s: float) -> None:
        while self._turns:
            first, from_s = next(iter(self._turns.items()))
            if from_s + TURN_KEPT_S >= now_s and len(self._turns) < ADDRESSES:
                return
            del self._turns[first]


def _keys_of(address: str, device: str | None) -> dict[str, int]:
    """What a try counts for, itself first, with the tries that are free for each."""
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
    # A host has a whole /64 to itself.
    return {f"{int(ip) >> 64:x}::/64": FREE_ADDRESS, f"{int(ip) >> 80:x}::/48": FREE_SITE}
