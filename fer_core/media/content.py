"""A file's bytes, read a few at a time, and what they tell about its wholeness."""

from __future__ import annotations

from typing import BinaryIO, Literal, NamedTuple

MOST_READS = 4_000_000
"""Takes a few seconds to read: a GIF of 500 MB has 2 million."""

_PIECE_BYTES = 1 << 20


class Wholeness(NamedTuple):
    """Whether a file's end is there, None if its format cannot tell, and whether something before
    its end is damaged."""

    end: bool | None
    damaged: bool = False


class TooManyPieces(Exception):
    """A file consists of more parts than any encoder writes."""


class Content:
    """A file as bytes, read a few at a time. It is not mapped into memory, because a file that
    shrinks would then crash the process."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._reads = 0

    def __len__(self) -> int:
        return self._size

    def read(self, at: int, count: int) -> bytes:
        """``count`` bytes, or fewer at the end of the file."""
        self._reads += 1
        if self._reads > MOST_READS:
            raise TooManyPieces
        self._file.seek(at)
        return self._file.read(count)

    def byte(self, at: int) -> int:
        """One byte. Raises ``IndexError`` beyond the end."""
        return self.read(at, 1)[0]

    def number(self, at: int, count: int, order: Literal["little", "big"]) -> int:
        """An unsigned number of ``count`` bytes."""
        return int.from_bytes(self.read(at, count), order)

    def is_blank(self, at: int) -> bool:
        """Whether there are only zeros from here to the end."""
        return not any(self.read(max(0, at), _PIECE_BYTES))

    def find(self, word: bytes, at: int) -> int:
        """The first position of these bytes from here on, or -1."""
        before = b""
        while piece := self.read(at, _PIECE_BYTES):
            found = (before + piece).find(word)
            if found >= 0:
                return at - len(before) + found
            at += len(piece)
            before = piece[1 - len(word) :]
        return -1
