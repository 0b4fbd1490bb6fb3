"""Output files that get their final name only when they are complete."""

from __future__ import annotations

import errno
import re
import secrets
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from fer_core.errors import NO_ROOM, VideoError
from fer_core.media.names import beside, printable
from fer_core.media.part_file import Hold, remove_abandoned

_ENDING = re.compile(r"\.[0-9a-f]{8}\.(part|lock)\Z")
"""What follows the name of an output in those of its parts, and of the files that hold them."""


class OutputFile(ABC):
    """A context manager for a file that is written piece by piece and renamed at the end.

    Until the ``with`` block ends, its name is ``part``: the final name with eight random digits and
    ``.part`` after it, shortened if it is too long for a disk. So two processes may write the same
    output at once: each writes a file of its own, and the last one to end stays. If the block ends
    with an exception (Ctrl-C, a broken video), what was written so far is closed as a readable
    file. If the file itself cannot be written, as on a full disk, it is removed, ``VideoError`` is
    raised, and an earlier file of that name stays. Parts of the same output that killed processes
    left are removed before the next is written. A link keeps pointing to the file that it names.
    What is neither a file nor free, such as a device or a pipe, is not replaced: ``VideoError``.
    Its sentences call the output ``shown``, by default the name of ``path``.
    """

    remedy = "Choose an existing folder that you may write to."
    """What to do where nothing can be written."""

    def __init__(self, path: Path, shown: str | None = None) -> None:
        self.path = path
        self._shown = printable(path.name if shown is None else shown)
        self._target = path.resolve()
        self.part = beside(self._target, f".{secrets.token_hex(4)}.part")
        self._hold: Hold | None = None
        self._lost = False

    def __enter__(self) -> Self:
        if _is_special(self.path):
            raise VideoError(
                f"{self._shown} cannot be written: it is a device or a pipe. Choose the name of a "
                "file."
            )
        remove_abandoned(self._other_parts())
        with self._guarded():
            self._hold = Hold(self.part)
            self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lost:
            return
        with self._guarded():
            self._finish(whole=error is None)
            if self._is_to_keep(whole=error is None):
                self.part.replace(self._target)
            else:
                self.part.unlink(missing_ok=True)
        self._let_go()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Remove the file if it cannot be written; raise ``VideoError`` if the disk or the name is
        the cause."""
        try:
            yield
        except Exception as error:
            self._lost = True
            self._abandon()
            with suppress(OSError):
                self.part.unlink(missing_ok=True)
            self._let_go()
            if isinstance(error, OSError | av.error.FFmpegError):
                raise VideoError(self._sentence(error)) from error
            raise

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.let_go()

    def _other_parts(self) -> set[Path]:
        """The parts of this output, whoever writes them."""
        start = _ENDING.sub("", self.part.name)
        try:
            near = [path for path in self.part.parent.iterdir() if path.name.startswith(start)]
        except OSError:  # no such folder: opening the part says so
            return set()
        ours = (path for path in near if _ENDING.fullmatch(path.name, len(start)))
        return {path.with_suffix(".part") for path in ours}

    @abstractmethod
    def _open(self) -> None:
        """Open ``part``."""

    @abstractmethod
    def _finish(self, whole: bool) -> None:
        """Write what is left and close; ``whole`` is false if the block ended with an exception."""

    def _is_to_keep(self, whole: bool) -> bool:  # noqa: ARG002 - most files are readable either way
        """Whether the finished file gets its final name; else it is removed."""
        return True

    @abstractmethod
    def _abandon(self) -> None:
        """Close a file that could not be written. Raises nothing."""

    def _sentence(self, error: OSError | av.error.FFmpegError) -> str:
        if error.errno in NO_ROOM:
            return (
                f"The disk is full: {self._shown} could not be written. Free some space and retry."
            )
        if error.errno == errno.ENAMETOOLONG:
            return f"{self._shown} cannot be written: its name is too long. Choose a shorter one."
        reason = (error.strerror or type(error).__name__).lower()
        return f"{self._shown} cannot be written: {reason}. {self.remedy}"


def _is_special(path: Path) -> bool:
    """Whether a device, a pipe or a socket is there."""
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing is there, or nothing can be
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
