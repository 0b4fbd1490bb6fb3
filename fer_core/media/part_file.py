"""Tells the parts of outputs that somebody writes from those that killed processes left.

Whoever writes a part holds a file beside it, whose name ends with ``.lock``: on Unix by a lock
(``flock``), which ends with the process and is also seen by other containers on the same disk; on
Windows by having it open, because an open file cannot be deleted there. It is not the part itself,
because on a network disk (SMB) nobody, not even its writer, can write to a locked file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class Hold:
    """Makes ``remove_abandoned`` leave a part alone, from before it exists until ``let_go``."""

    def __init__(self, part: Path) -> None:
        """Create the file beside the part. Raises ``OSError``."""
        self._path = _lock_of(part)
        self._descriptor: int | None = _locked(self._path)
        while _was_deleted(self._descriptor):  # between its creation and the lock
            os.close(self._descriptor)
            self._descriptor = _locked(self._path)

    def let_go(self) -> None:
        """Delete the file beside the part; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            with suppress(OSError):
                self._path.unlink()


def remove_abandoned(parts: Iterable[Path]) -> None:
    """Delete those of these parts that nobody holds, where that is possible."""
    for part in parts:
        with suppress(OSError):  # somebody holds it, or it may not be deleted by this account
            _remove(part)


def _remove(part: Path) -> None:
    lock = _lock_of(part)
    if sys.platform == "win32":
        lock.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        return
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink(missing_ok=True)
        lock.unlink()
    finally:
        os.close(descriptor)


def _lock_of(part: Path) -> Path:
    return part.with_suffix(".lock")


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    if sys.platform != "win32":
        with suppress(OSError):  # on a disk without locks, nobody can lock it to remove the part
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _was_deleted(descriptor: int) -> bool:
    return os.fstat(descriptor).st_nlink == 0
