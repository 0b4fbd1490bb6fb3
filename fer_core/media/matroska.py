"""Walks through the clusters of a Matroska or WebM file (RFC 9559)."""

from __future__ import annotations

from typing import NamedTuple

from fer_core.media.content import Content, Wholeness

_CLUSTER = b"\x1f\x43\xb6\x75"

_SEGMENT = b"\x18\x53\x80\x67"

_BLOCKS = {b"\xa3", b"\xa0"}
"""The elements that hold frames."""

_OUTER = {_CLUSTER, _SEGMENT} | {
    *map(bytes.fromhex, ("1a45dfa3", "114d9b74", "1549a966", "1654ae6b")),
    *map(bytes.fromhex, ("1c53bb6b", "1941a469", "1043a770", "1254c367")),
}
"""What a segment holds, and what begins another file that was appended."""

_KNOWN = {
    *_OUTER,
    *_BLOCKS,
    *map(bytes.fromhex, ("e7", "a7", "ab", "af", "5854", "ec", "bf")),
}
"""These, and what else a cluster holds."""

_HEAD_BYTES = 12
"""The longest ID and size."""

_MOST_GAPS = 100
"""If more places are damaged, the rest is not looked at."""


class _Element(NamedTuple):
    """The ID of an element, and where its content begins and ends (None: where the next begins)."""

    name: bytes
    body: int
    end: int | None


def matroska(content: Content) -> Wholeness:
    """Whether the last cluster of frames lies within the file, and all before can be read.

    The end is None for a file that ends between two clusters, or has no sizes because the recorder
    was switched off.
    """
    header = _element(content, 0)
    segment = _element(content, header.end) if header and header.end else None
    if segment is None:
        return Wholeness(None)
    walk = _Walk(content, segment)
    walk.go()
    return Wholeness(walk.holds_end, walk.gaps > 0)


class _Walk:
    """A walk from element to element; where that fails, to the next cluster."""

    def __init__(self, content: Content, segment: _Element) -> None:
        self._content = content
        self._size = len(content)
        self._segment_end = segment.end
        self._stop = min(segment.end or self._size, self._size)
        self._at = segment.body
        self._cluster_end: int | None = None
        self._name = segment.name
        self.gaps = 0

    def go(self) -> None:
        """Walk to the end of the segment or of the file."""
        while self._at < self._stop and self.gaps <= _MOST_GAPS:
            found = _element(self._content, self._at)
            if found is not None and self._fits(found):
                self._enter(found)
            elif self._size - self._at < _HEAD_BYTES:
                self._at = self._size  # cut in two
            else:
                self._skip()

    @property
    def holds_end(self) -> bool | None:
        """Whether the last frame is there, after the walk."""
        if self._at > self._size:
            return self._name != _CLUSTER and self._name not in _BLOCKS
        if self._cluster_end is not None and self._cluster_end > self._size:
            return False
        return True if self._segment_end and self._at >= self._segment_end else None

    def _enter(self, found: _Element) -> None:
        self._name = found.name
        if found.name in _OUTER:
            self._cluster_end = found.end if found.name == _CLUSTER else None
        holds_others = found.end is None or found.name == _CLUSTER
        self._at = found.body if holds_others else found.end or 0

    def _skip(self) -> None:
        here, self._cluster_end = self._at, None
        self._at = self._content.find(_CLUSTER, here + 1)
        if self._at >= 0:
            self.gaps += 1
        elif self._segment_end is not None:
            self._at, self._name = self._size + 1, _CLUSTER
        else:  # nothing tells where the end should be; zeros are padding
            self._at = self._size
            self.gaps += not self._content.is_blank(here)

    def _fits(self, found: _Element) -> bool:
        """Whether it is an element. One of a kind that is not known here leads to one that is."""
        if found.end is None:
            return found.name in (_CLUSTER, _SEGMENT)
        if self._cluster_end is not None and self._at < self._cluster_end:
            inside = found.end <= self._cluster_end and found.name not in _OUTER
        else:
            inside = True
        if not inside or found.name in _KNOWN or found.end in (self._cluster_end, self._stop):
            return inside
        after = _element(self._content, found.end)
        return after is not None and after.name in _KNOWN


def _element(content: Content, at: int) -> _Element | None:
    """The element at a position, or None if there is none."""
    head = content.read(at, _HEAD_BYTES)
    name = head[: _length(head)]
    size = head[len(name) :]
    length = _length(size)
    if not 1 <= len(name) <= 4 or not 1 <= length <= len(size):
        return None
    value = int.from_bytes(size[:length], "big") & ((1 << 7 * length) - 1)
    body = at + len(name) + length
    return _Element(name, body, None if value == (1 << 7 * length) - 1 else body + value)


def _length(head: bytes) -> int:
    """The length of the number at the beginning, which its first byte tells; 0 if it is none."""
    return 9 - head[0].bit_length() if head and head[0] else 0
