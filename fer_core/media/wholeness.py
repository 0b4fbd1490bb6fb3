"""Checks whether a video file is complete according to its own structure.

A duration in a header proves nothing: trimming and recorders leave it too long, and some formats
count it from zero, others from the first frame. What proves that data is missing is an index entry,
or the size of a part, that points beyond the end of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import av
from av.container import InputContainer

_MOST_READS = 4_000_000
"""Takes a few seconds to read: a GIF of 500 MB has 2 million."""

_PIECE_BYTES = 1 << 20

_UNWRITTEN_BYTES = 1 << 15
"""A file that ends with so many zeros was not copied to its end, for which room was reserved at the
beginning. Fewer may be padding."""

_HEADER_BYTES = 1 << 16

_GIF_TABLE = 0x80
"""The flag of a colour table, in GIF's descriptors."""

_CLUSTER = b"\x1f\x43\xb6\x75"
_BLOCKS = (b"\xa3", b"\xa0")
"""Matroska's elements that hold frames."""

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_MXF_HEADER = bytes.fromhex("060e2b34020501010d0102010102")

_MAYBE_BLACK = "yuv4mpegpipe"
"""FFmpeg's name of the format whose last frame may consist of zeros alone."""

_ASF_LIVE = 1
"""The flag of an ASF file whose header was written before its size was known."""


def holds_all(
    path: Path, container: InputContainer, stream: av.VideoStream, last_pos: int | None
) -> bool | None:
    """Whether no frame is missing at the end of a file that was read to its end.

    ``last_pos`` is the byte position of the video stream's last packet, if there was one. None if
    the format cannot tell.
    """
    name = container.format.name
    if name.startswith("mov"):
        return _index_was_read(stream, last_pos)
    walk = _WALKS.get(name.partition(",")[0])
    try:
        with path.open("rb") as file:
            content = _Content(file, path.stat().st_size)
            if name != _MAYBE_BLACK and content.is_blank(len(content) - _UNWRITTEN_BYTES):
                return False
            return walk(content) if walk else None
    except (
        OSError,
        IndexError,
        _TooManyPieces,
    ):  # it was deleted or emptied in the meantime, or is malformed
        return None


class _TooManyPieces(Exception):
    """A file consists of more parts than any encoder writes."""


class _Content:
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
        if self._reads > _MOST_READS:
            raise _TooManyPieces
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

    def has_behind(self, word: bytes, at: int) -> bool:
        """Whether these bytes occur anywhere after a position."""
        self._file.seek(at)
        tail = b""
        while piece := self._file.read(_PIECE_BYTES):
            if word in tail + piece:
                return True
            tail = piece[-len(word) :]
        return False


def _index_was_read(stream: av.VideoStream, last_pos: int | None) -> bool:
    """Whether the last frame in an MP4 file's index, as its edit list leaves it, was read."""
    entries = stream.index_entries
    return not len(entries) or entries[len(entries) - 1].pos == last_pos


def _gif(content: _Content) -> bool | None:
    """Whether a GIF ends with a complete frame, and with its end marker if there is one."""
    end = len(content)
    try:
        at = 13 + _gif_table(content.byte(10))
        while at < end and (kind := content.byte(at)) != 0x3B:
            if kind == 0x2C:
                at += 10 + _gif_table(content.byte(at + 9)) + 1
            elif kind == 0x21:
                at += 2
            elif kind:
                return False
            else:  # some programs write these between two frames
                at += 1
                continue
            while size := content.byte(at):
                at += size + 1
            at += 1
    except IndexError:
        return False
    return True if at < end else None


def _gif_table(flags: int) -> int:
    """The size of a colour table in bytes."""
    return 3 << ((flags & 7) + 1) if flags & _GIF_TABLE else 0


def _png(content: _Content) -> bool:
    at = 8
    while at + 8 <= len(content):
        if content.read(at + 4, 4) == b"IEND":
            return True
        at += 12 + content.number(at, 4, "big")
    return False


def _avi(content: _Content) -> bool | None:
    """Whether the lists of frames of an AVI file, several if it is large, lie within it.

    The index after them is not needed to play them.
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
                # Its size may be slightly wrong; the index is written last.
                whole = inner + 8 + inner_size <= len(content) or content.has_behind(b"idx1", inner)
                if not whole:
                    return False
            inner += 8 + inner_size + inner_size % 2
        at += 8 + size + size % 2
    return whole


def _matroska(content: _Content) -> bool | None:
    """Whether the last cluster of frames of a Matroska file lies within it.

    None for a file that ends between two clusters, or has no sizes because the recorder was
    switched off.
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
            continue  # its elements have sizes of their own
        at += size
        if at > len(content):
            return element not in (_CLUSTER, *_BLOCKS)
    return None if segment is None or at < end else True


def _ebml_size(content: _Content, at: int) -> tuple[int | None, int]:
    """The size of the element at ``at`` (None if it is unknown or invalid), and the position where
    its content begins."""
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
    """Whether the footer, whose position the header gives, lies within the file."""
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
"""The check for each format, by the first name of FFmpeg's demuxer."""
