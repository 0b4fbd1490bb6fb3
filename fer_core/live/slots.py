"""Limits how many live cameras are analysed at once, in all and for each user."""

from __future__ import annotations

import threading
from collections import Counter


class CameraSlots:
    """The slots for live cameras in this process. Thread-safe."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def of(self, user: str, most: int) -> UserSlots:
        """These slots for one user, who may have ``most`` of them."""
        return UserSlots(self, user, most)

    def acquire(self, user: str = "", most: int | None = None) -> str:
        """Acquire a slot; returns an empty text, or a sentence that says why there is none."""
        with self._lock:
            if most is not None and self._taken[user] >= most:
                return (
                    f"One account runs at most {_cameras(most)} at once. This one starts as soon "
                    "as you stop another."
                )
            if self._taken.total() >= self.count:
                return (
                    f"This server runs at most {_cameras(self.count)} at once. Yours starts as "
                    "soon as somebody stops one."
                )
            self._taken[user] += 1
            return ""

    def release(self, user: str = "") -> None:
        """Release a slot."""
        with self._lock:
            if not self._taken[user]:
                raise ValueError("no slot was acquired")
            self._taken[user] -= 1
            self._taken += Counter()  # removes users without slots


def _cameras(count: int) -> str:
    return "1 live camera" if count == 1 else f"{count} live cameras"


class UserSlots:
    """The slots of one user: the result of ``CameraSlots.of``."""

    def __init__(self, slots: CameraSlots, user: str, most: int) -> None:
        self._slots = slots
        self._user = user
        self._most = most

    def acquire(self) -> str:
        """See ``CameraSlots.acquire``."""
        return self._slots.acquire(self._user, self._most)

    def release(self) -> None:
        """See ``CameraSlots.release``."""
        self._slots.release(self._user)
