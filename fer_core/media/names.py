"""Makes file names valid text and short enough for a disk. On Unix they may be any bytes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

LONGEST_BYTES = 255
"""The longest file name on nearly every disk."""

_NO_TEXT = re.compile("[\ud800-\udfff]")
"""Surrogates: Python's form of a byte that is not UTF-8, which uploads may also contain."""

_NO_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that control a terminal, break a line, or reverse the order of letters."""


def as_text(name: str) -> str:
    """The name in valid UTF-8; its invalid bytes are written as ``\\xff``."""
    return _NO_TEXT.sub(_escaped, name)


def printable(name: str) -> str:
    """The name on one line, to be shown: ``as_text`` with control characters written as ``\\n``."""
    return _NO_LINE.sub(_escaped, as_text(name))


def shortened(stem: str, ending: str, limit_bytes: int = LONGEST_BYTES) -> str:
    """``stem + ending``; if that is too long for a disk, part of the stem is replaced by digits
    that tell long names apart."""
    if len(_bytes(stem + ending)) <= limit_bytes:
        return stem + ending
    digits = f"~{hashlib.sha256(_bytes(stem)).hexdigest()[:8]}"
    while len(_bytes(stem + digits + ending)) > limit_bytes:
        stem = stem[:-1]
    return stem + digits + ending


def beside(path: Path, ending: str) -> Path:
    """The file named like ``path`` with ``ending`` after it, shortened if necessary."""
    return path.with_name(shortened(path.name, ending))


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return found[0].encode("unicode_escape").decode("ascii")
