"""Names of files that a page offers, from the names that people gave to what is in them."""

from __future__ import annotations

import re

from fer_core.media import container, images

MOST_CHARS = 50
"""Of any alphabet: a file's name may have 255 bytes."""

_ENDINGS = {*images.SUFFIXES, *container.SUFFIXES}


def file_stem(name: str) -> str:
    """``Dr. Smith``, ``clip`` of ``clip.mp4``: the beginning of the name of a file about it.

    Only the endings of pictures and videos are cut, and what a file's name may not have anywhere.
    """
    stem, dot, ending = name.rpartition(".")
    whole = stem if dot and ending.lower() in _ENDINGS else name
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", whole)[:MOST_CHARS].strip(" .") or "session"
