"""What decoding a picture may cost, and the files that are refused because they would cost more.

The counting here is done before Pillow sees the file.
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from typing import Literal

OPEN_S = 1.0
"""Seconds of processor time for reading a picture's header. An honest one takes a thousandth."""

SECONDS_A_MEGAPIXEL = 0.15
"""Seconds per million pixels for decoding the rest. HEIC and AVIF take 0.05 on a Zen 5, all others
less; the margin is for old processors."""

BYTES_A_PIXEL = 10
"""Peak memory of decoding. Measured: a progressive JPEG without subsampling 9.8, HEIC 7.9, a large
WebP 7.1, all others 4."""

MOST_SCANS = 100
"""The scan limit of a JPEG. Encoders write about 10, and each takes as long as a small picture: at
16 million pixels 18 ms, so a file of 150 kB with 3,000 scans would occupy a core for a minute."""

MOST_PARTS = 100_000
"""The limit on a TIFF's strips or tiles: Pillow lists them all before it decodes the first."""

_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""A JPEG marker. Two that occur inside a scan are left out: FF 00 stands for the byte FF, and FF D0
to FF D7 are restarts."""

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


class Unusable(Exception):
    """A picture cannot be used; ``str(error)`` is a sentence that says why.

    ``reason`` is ``"unreadable"`` or ``"too_large"``.
    """

    def __init__(self, reason: Literal["unreadable", "too_large"], sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def allowed_s(width: int, height: int) -> float:
    """Seconds of processor time that a picture of this size in pixels may take."""
    return OPEN_S + SECONDS_A_MEGAPIXEL * width * height / 1e6


def refuse_pixels(width: int, height: int, max_megapixels: int) -> None:
    """Raise ``Unusable`` if the picture has more than ``max_megapixels`` million pixels."""
    if width * height > max_megapixels * 1_000_000:
        raise too_many_pixels(max_megapixels)


def too_many_pixels(max_megapixels: int) -> Unusable:
    """The error for a picture of more than ``max_megapixels`` million pixels."""
    return Unusable(
        "too_large",
        f"This picture has more than {max_megapixels} million pixels. "
        "Save a smaller copy, or raise FER_MAX_MEGAPIXELS.",
    )


def refuse_parts(data: bytes) -> None:
    """Raise ``Unusable`` if a JPEG has too many scans, or a TIFF too many strips or tiles."""
    if data[:2] == b"\xff\xd8" and _scans(data) > MOST_SCANS:
        raise Unusable(
            "too_large",
            f"This JPEG has more than {MOST_SCANS} scans. Open it in another program, save it as "
            "an ordinary JPEG and retry.",
        )
    if _tiff_parts(data) > MOST_PARTS:
        raise Unusable(
            "too_large",
            f"This TIFF has more than {MOST_PARTS:,} strips or tiles. Open it in another program, "
            "save it as a PNG and retry.",
        )


def _scans(data: bytes) -> int:
    """The number of scans of a JPEG (ITU-T T.81, annex B), counted up to ``MOST_SCANS`` + 1."""
    at, scans, components, progressive = 2, 0, 0, False
    while scans <= MOST_SCANS and (found := _MARKER.search(data, at)):
        marker, at = found[1][0], found.end()
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):  # without a segment
            continue
        segment = data[at : at + 8]
        if marker in _FRAMES and len(segment) == 8:
            components, progressive = segment[7], marker in _PROGRESSIVE
        if marker == 0xDA:
            scans += 1
            if not progressive and segment[2:3] == bytes([components]):
                break  # one scan with all components: decoders stop at its end
        at += max(2, int.from_bytes(segment[:2]))
    return scans


def _tiff_parts(data: bytes) -> int:
    """Strips or tiles of a TIFF's first picture (revision 6, or BigTIFF); 0 for other files."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    with suppress(struct.error, KeyError):
        if order is not None:
            (version,) = struct.unpack_from(order + "H", data, 2)
            first, count, entry = {42: ("4xI", "H", "HHI4x"), 43: ("8xQ", "Q", "HHQ8x")}[version]
            (at,) = struct.unpack_from(order + first, data)
            (entries,) = struct.unpack_from(order + count, data, at)
            at += struct.calcsize(order + count)
            table = data[at : at + min(entries, 65_535) * struct.calcsize(order + entry)]
            whole = len(table) - len(table) % struct.calcsize(order + entry)
            return max(
                (values for tag, _, values in struct.iter_unpack(order + entry, table[:whole])
                 if tag in (273, 324)),
                default=0,
            )  # fmt: skip
    return 0
