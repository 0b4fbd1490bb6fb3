"""Whether a video file holds all that its own structure says it holds.

A length in a header proves nothing: it is left too long by trimming and by recorders, and counts
from zero in one format and from the first frame in another. What proves that something is missing
is data that the file's index, or the size of one of its parts, places behind the file's end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import av
from av.container import InputContainer

_MOST_READS = 4_000_000
"""Some seconds of them: a GIF of 500 MB takes 2 million."""

_PIECE_BYTES = 1 << 20

_HEADER_BYTES = 1 << 16

_GIF_TABLE = 0x80
"""The flag of a colour table, in GIF's descriptors."""

_CLUSTER = b"\x1f\x43\xb6\x75"
_BLOCKS = (b"\xa3", b"\xa0")
"""Matroska's elements that hold frames."""

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_MXF_HEADER = bytes.fromhex("060e2b34020501010d0102010102")

_ASF_LIVE = 1
"""The flag of an ASF file whose sizes were not known when its header was written."""


def holds_all(
    path: Path, container: InputContainer, stream: av.VideoStream, last_pos: int | None
) -> bool | None:
    """Whether no picture lies behind the end of a file that was read to its end.

    ``last_pos`` is where the last packet of the picture stream was, in bytes, if any came. None
    where the format has nothing that could tell.
    """
    name = container.format.name
    if name.startswith("mov"):
        return _index_was_read(stream, last_pos)
    walk = _WALKS.get(name.partition(",")[0])
    if walk is None:
        return None
    try:
        with path.open("rb") as file:
            return walk(_Content(file, path.stat().st_size))
    except (OSError, IndexError, _TooManyPieces):  # it was deleted or emptied meanwhile, or is odd
        return None


class _TooManyPieces(Exception):
    """A file is made of more pieces than any encoder makes of it."""


class _Content:
    """A file as bytes, of which some are read at a time. Not mapped into memory: a file that
    shrinks would end the process."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._reads = 0

    def __len__(self) -> int:
        return self._size

    def read(self, at: int, count: int) -> bytes:
        """``count`` bytes, or fewer at the end."""
        self._reads += 1
        if self._reads > _MOST_READS:
            raise _TooManyPieces
        self._file.seek(at)
        return self._file.read(count)

    def byte(self, at: int) -> int:
        """One byte. Raises ``IndexError`` behind the end."""
        return self.read(at, 1)[0]

    def number(self, at: int, count: int, order: Literal["little", "big"]) -> int:
        """An unsigned number of ``count`` bytes."""
        return int.from_bytes(self.read(at, count), order)

    def has_behind(self, word: bytes, at: int) -> bool:
        """Whether a word stands anywhere behind a place."""
        self._file.seek(at)
        tail = b""
        while piece := self._file.read(_PIECE_BYTES):
            if word in tail + piece:
                return True
            tail = piece[-len(word) :]
        return False


def _index_was_read(stream: av.VideoStream, last_pos: int | None) -> bool:
    """An MP4 file's index has an entry for every frame that its edit list leaves."""
    entries = stream.index_entries
    return not len(entries) or entries[len(entries) - 1].pos == last_pos


def _gif(content: _Content) -> bool | None:
    """Whether a GIF ends with a whole frame, and with the mark that says so if it is there."""
    end = len(content)
    try:
        at = 13 + _gif_table(content.byte(10))
        while at < end and (kind := content.byte(at)) != 0x3B:
            if kind == 0x2C:
                at += 10 + _gif_table(content.byte(at + 9)) + 1
            elif kind == 0x21:
                at += 2
            else:
                return None
            while size := content.byte(at):
                at += size + 1
            at += 1
    except IndexError:
        return False
    return True if at < end else None


def _gif_table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & _GIF_TABLE else 0


def _png(content: _Content) -> bool:
    at = 8
    while at + 8 <= len(content):
        if content.read(at + 4, 4) == b"IEND":
            return True
        at += 12 + content.number(at, 4, "big")
    return False


def _avi(content: _Content) -> bool | None:
    """Whether the lists of frames, several in a large file, lie within it.

    The index behind them is not needed to play them.
    """
    at, whole = 0, None
    while content.read(at, 4) == b"RIFF":
        size, inner = content.number(at + 4, 4, "little"), at + 12
        while inner + 8 <= min(at + 8 + size, len(content)):
            inner_size = content.number(inner + 4, 4, "little")
            head = content.read(inner, 12)
            if head[:4] == b"LIST" and head[8:] == b"movi":
                if not inner_size:
                    return None
                # Its size may be wrong by a little; the index is written when all is.
                whole = inner + 8 + inner_size <= len(content) or content.has_behind(b"idx1", inner)
                if not whole:
                    return False
            inner += 8 + inner_size + inner_size % 2
        at += 8 + size + size % 2
    return whole


def _matroska(content: _Content) -> bool | None:
    """Whether the last cluster of frames lies within the file; what comes after it is an index.

    None for a file that ends between two clusters, or has no sizes, as a recorder that was switched
    off leaves it.
    """
    header, at = _ebml_size(content, 4)
    at += header or 0
    segment, at = _ebml_size(content, at + 4)
    end = len(content) if segment is None else at + segment
    while at < min(end, len(content)):
        element = content.read(at, max(1, 9 - content.byte(at).bit_length()))
        size, at = _ebml_size(content, at + len(element))
        if size is None:
            if element != _CLUSTER:
                return None
            continue  # what is in it is told of one by one
        at += size
        if at > len(content):
            return element not in (_CLUSTER, *_BLOCKS)
    return None if segment is None or at < end else True


def _ebml_size(content: _Content, at: int) -> tuple[int | None, int]:
    """The size of an element that is written at ``at``, None where it is left open or is none, and
    where its content begins."""
    first = content.byte(at) if at < len(content) else 0
    length = 9 - first.bit_length()
    if length > 8:
        return None, at + 1
    value = content.number(at, length, "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), at + length


def _asf(content: _Content) -> bool | None:
    at = content.read(0, _HEADER_BYTES).find(_ASF_PROPERTIES)
    if at < 0 or content.number(at + 88, 4, "little") & _ASF_LIVE:
        return None
    return content.number(at + 40, 8, "little") <= len(content)


def _mxf(content: _Content) -> bool | None:
    """Whether the footer, which the header tells the place of, lies within the file."""
    at = content.read(0, _HEADER_BYTES).find(_MXF_HEADER)
    if at < 0:
        return None
    first = content.byte(at + 16)
    value = at + 17 + (first & 0x7F if first & 0x80 else 0)
    footer = content.number(value + 24, 8, "big")
    return None if not footer else footer < len(content)


_WALKS: dict[str, Callable[[_Content], bool | None]] = {
    "gif": _gif,
    "apng": _png,
    "avi": _avi,
    "matroska": _matroska,
    "asf": _asf,
    "mxf": _mxf,
}
"""By the first name of FFmpeg's reader."""
