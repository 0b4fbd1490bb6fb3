"""Checks whether a video file is complete according to its own structure.

A duration in a header proves nothing: trimming and recorders leave it too long, and some formats
count it from zero, others from the first frame. What proves that data is missing is an index entry,
or the size of a part, that points beyond the end of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
from av.container import InputContainer

from fer_core.media.content import Content, TooManyPieces, Wholeness
from fer_core.media.matroska import matroska

_UNWRITTEN_BYTES = 1 << 15
"""A file that ends with so many zeros was not copied to its end, for which room was reserved at the
beginning. Fewer may be padding."""

_HEADER_BYTES = 1 << 16

_GIF_TABLE = 0x80
"""The flag of a colour table, in GIF's descriptors."""

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_MXF_HEADER = bytes.fromhex("060e2b34020501010d0102010102")

_MAYBE_BLACK = "yuv4mpegpipe"
"""FFmpeg's name of the format whose last frame may consist of zeros alone."""

_ASF_LIVE = 1
"""The flag of an ASF file whose header was written before its size was known."""


def wholeness_of(
    path: Path, container: InputContainer, stream: av.VideoStream, last_pos: int | None
) -> Wholeness:
    """Whether no frame is missing at the end and in the middle of a file that was read to its end.

    ``last_pos`` is the byte position of the video stream's last packet, if there was one.
    """
    name = container.format.name
    if name.startswith("mov"):
        return Wholeness(_index_was_read(stream, last_pos))
    walk = _WALKS.get(name.partition(",")[0])
    try:
        with path.open("rb") as file:
            content = Content(file, path.stat().st_size)
            if name != _MAYBE_BLACK and content.is_blank(len(content) - _UNWRITTEN_BYTES):
                return Wholeness(False)
            if name.startswith("matroska"):
                return matroska(content)
            return Wholeness(walk(content) if walk else None)
    except (OSError, IndexError, TooManyPieces):
        return Wholeness(None)  # it was deleted or emptied in the meantime, or is malformed


def _index_was_read(stream: av.VideoStream, last_pos: int | None) -> bool:
    """Whether the last frame in an MP4 file's index, as its edit list leaves it, was read."""
    entries = stream.index_entries
    return not len(entries) or entries[len(entries) - 1].pos == last_pos


def _gif(content: Content) -> bool | None:
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


def _png(content: Content) -> bool:
    at = 8
    while at + 8 <= len(content):
        if content.read(at + 4, 4) == b"IEND":
            return True
        at += 12 + content.number(at, 4, "big")
    return False


def _avi(content: Content) -> bool | None:
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
                whole = inner + 8 + inner_size <= len(content) or content.find(b"idx1", inner) >= 0
                if not whole:
                    return False
            inner += 8 + inner_size + inner_size % 2
        at += 8 + size + size % 2
    return whole


def _asf(content: Content) -> bool | None:
    at = content.read(0, _HEADER_BYTES).find(_ASF_PROPERTIES)
    if at < 0 or content.number(at + 88, 4, "little") & _ASF_LIVE:
        return None
    return content.number(at + 40, 8, "little") <= len(content)


def _mxf(content: Content) -> bool | None:
    """Whether the footer, whose position the header gives, lies within the file."""
    at = content.read(0, _HEADER_BYTES).find(_MXF_HEADER)
    if at < 0:
        return None
    first = content.byte(at + 16)
    value = at + 17 + (first & 0x7F if first & 0x80 else 0)
    footer = content.number(value + 24, 8, "big")
    return None if not footer else footer < len(content)


_WALKS: dict[str, Callable[[Content], bool | None]] = {
    "gif": _gif,
    "apng": _png,
    "avi": _avi,
    "asf": _asf,
    "mxf": _mxf,
}
"""The check for each format, by the first name of FFmpeg's demuxer."""
