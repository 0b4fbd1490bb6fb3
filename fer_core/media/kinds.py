"""Tells pictures and videos apart by their content."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PIL import Image

from fer_core.errors import UnreadableVideo, VideoTooLarge
from fer_core.media import container, decoding, images
from fer_core.media.video import VideoFile

Kind = Literal["picture", "video"]

_AMBIGUOUS = ("ts", "mts")
"""Endings that both videos and TypeScript programs have."""

_HEAD_BYTES = 4096
"""Pillow's decoders need 16 to recognise their files; a PNG says a little later if it moves."""


def kind_of(path: Path) -> Kind | None:
    """Whether a file is analysed as a picture or as a video; None for anything else.

    A GIF is a video, and so is an animated PNG or AVIF: all of their frames count. The name's
    ending decides only if a file is damaged or cannot be opened.
    """
    suffix = path.suffix[1:].lower()
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        head = b""
    if head and not _moves(head) and images.is_picture(head):
        if suffix in images.SUFFIXES or _opens(path):
            return "picture"
    elif suffix in container.SUFFIXES and suffix not in _AMBIGUOUS:
        return "video"
    if head and _shows(path):
        return "video"
    return "picture" if suffix in images.SUFFIXES else None


def _moves(head: bytes) -> bool:
    return (
        head.startswith(b"GIF8")
        or (head.startswith(b"\x89PNG") and b"acTL" in head)
        or head[4:12] == b"ftypavis"
    )


def _opens(path: Path) -> bool:
    try:
        with Image.open(path, formats=decoding.FORMATS):
            return True
    except Exception:  # whatever Pillow's parsers raise
        return False


def _shows(path: Path) -> bool:
    try:
        with VideoFile(path):
            return True
    except VideoTooLarge:
        return True
    except UnreadableVideo:
        return False
