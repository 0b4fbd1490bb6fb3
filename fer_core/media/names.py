"""File names, which on Unix are bytes of any kind, as text, and short enough for a disk."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

LONGEST_BYTES = 255
"""Of a file's name, on nearly every disk."""

_NO_TEXT = re.compile("[\ud800-\udfff]")
"""How Python holds a byte that is no UTF-8, and what strangers may send instead of text."""

_NO_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What would steer a terminal, break a line, or turn the order of the letters around."""


def as_text(name: str) -> str:
    """A name that can be written as UTF-8: the same, but for bytes of it that are none, as
    ``\\xff``."""
    return _NO_TEXT.sub(_escaped, name)


def printable(name: str) -> str:
    """A name on one line, for people: ``as_text`` with control characters as ``\\n``."""
    return _NO_LINE.sub(_escaped, as_text(name))


def shortened(stem: str, ending: str, limit_bytes: int = LONGEST_BYTES) -> str:
    """``stem + ending``, as long as a disk takes it, else with less of the stem and, in its place,
    digits that tell long names apart."""
    if len(_bytes(stem + ending)) <= limit_bytes:
        return stem + ending
    digits = f"~{hashlib.sha256(_bytes(stem)).hexdigest()[:8]}"
    while len(_bytes(stem + digits + ending)) > limit_bytes:
        stem = stem[:-1]
    return stem + digits + ending


def beside(path: Path, ending: str) -> Path:
    """The file whose name is that of ``path`` with ``ending`` after it, shortened if need be."""
    return path.with_name(shortened(path.name, ending))


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return found[0].encode("unicode_escape").decode("ascii")
