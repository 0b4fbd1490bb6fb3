"""Opens JPEGs without their last bytes, as every viewer does; Pillow alone refuses them.

Instead of these bytes there may be zeros, if a copy into reserved room was interrupted. Decoders
take them for pixels, so they are removed first.

It imports only Pillow, like everything that decodes uploads.
"""

from __future__ import annotations

import io

from PIL import Image, ImageChops

MOST_MISSING = 0.05
"""The largest share of rows that may be missing; a file that lacks more is an error."""

_END = b"\xff\xd9"

_SCAN = b"\xff\xda"

_BLOCK_ROWS = 8

_GREY = (127, 128)
"""The grey that libjpeg leaves where data is missing; 127 in inverted CMYK."""


def load(image: Image.Image, data: bytes) -> tuple[Image.Image, str]:
    """Load ``image``, which was opened from ``data``.

    If a JPEG lacks its last bytes, the picture has grey in their place, and the second value is a
    sentence on what is missing. Raises what ``Image.load`` raises, also for a JPEG that lacks more.
    """
    if image.format not in ("JPEG", "MPO"):
        image.load()
        return image, ""
    written = data.rstrip(b"\0")
    try:
        return _decoded(written, image if written == data else None), ""
    except OSError:
        if not _has_all_scans(written):
            raise
        with_end = _decoded(written + _END)
        rows = _missing_rows(with_end, written)
        if rows > MOST_MISSING * with_end.height:
            raise
        return with_end, _sentence(with_end, rows)


def _decoded(data: bytes, opened: Image.Image | None = None) -> Image.Image:
    image = opened or Image.open(io.BytesIO(data), formats=("JPEG",))
    image.load()
    return image


def _sentence(image: Image.Image, rows: int) -> str:
    lost = "The last bytes of this file are missing, and with them"
    of_all = f"{rows} of the {image.height} rows of pixels"
    if rows and image.info.get("progressive"):
        return f"{lost} the finest detail of {of_all}."
    if rows:
        return f"{lost} {of_all}, which are grey."
    if _is_grey(image, (image.width - 4, image.height - 4, image.width, image.height)):
        return f"{lost} a part of its last rows, which is grey."
    return f"{lost} at most its last few pixels."


def _missing_rows(image: Image.Image, data: bytes) -> int:
    """Rows at the bottom without data; in a progressive JPEG, without data of its last scan."""
    if image.info.get("progressive"):
        last = data.rfind(_SCAN) + 2
        # With its header, because libjpeg would otherwise smooth over what the scan adds.
        without = _decoded(data[: last + int.from_bytes(data[last : last + 2], "big")] + _END)
        changed = ImageChops.difference(image, without).getbbox(alpha_only=False)
        return image.height - (changed[3] if changed else 0)
    bottom = image.height
    for rows in (_BLOCK_ROWS, 1):
        while bottom > 0 and _is_grey(image, (0, max(0, bottom - rows), image.width, bottom)):
            bottom = max(0, bottom - rows)
    return image.height - bottom


def _is_grey(image: Image.Image, box: tuple[int, int, int, int]) -> bool:
    bands = image.crop(box).split()
    return all(low == high and low in _GREY for low, high in (b.getextrema() for b in bands))


def _has_all_scans(data: bytes) -> bool:
    """Whether the last scan of a progressive JPEG has begun (ITU-T T.81, annex G), so that all 64
    coefficients of each component have their last bit. A baseline JPEG has one scan, or one per
    component."""
    missing: set[tuple[int, int]] = set()
    at, size = 2, len(data)
    while at + 4 <= size:
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > size:
            break
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at + 4 : at + 2 + length]
        if marker in (0xC0, 0xC1, 0xC2) and len(segment) >= 6:
            missing = {(segment[6 + 3 * i], k) for i in range(segment[5]) for k in range(64)}
        elif marker == 0xDA and segment and len(segment) >= 4 + 2 * segment[0]:
            first, last, bits = segment[-3:]
            ids = [segment[1 + 2 * i] for i in range(segment[0])]
            if bits & 0x0F == 0:
                missing -= {(c, k) for c in ids for k in range(first, last + 1)}
        at += 2 + length
    return not missing
