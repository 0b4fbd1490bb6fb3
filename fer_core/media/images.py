"""Picture files in, arrays out: every format the dashboard takes becomes BGR, uint8, upright."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_core.errors import EmptyFile, PictureTooLarge, UnreadablePicture
from fer_core.media import jpeg_tail
from fer_core.settings import settings

# Photos from iPhones are HEIC; pillow-heif is the maintained Pillow plug-in that carries libheif.
pillow_heif.register_heif_opener()

SUFFIXES = (
    *("jpg", "jpeg", "jfif", "jpe", "mpo", "png", "webp", "bmp", "tif", "tiff", "gif"),
    *("heic", "heif", "avif", "ppm", "pgm", "pbm", "pnm"),
)
"""How pictures are named. What a file is, its content decides."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF", "PPM")
"""Pillow's decoders that are let near an upload: the fewer, the smaller the attack surface."""

_STRIP_PX = 256

_SUBFILE_TYPE = 254
"""The tag of TIFF that tells a small copy from a page."""


_MORE = {
    **dict.fromkeys(
        ("GIF", "PNG", "AVIF"),
        "This picture moves, and only its first frame is analysed here. The Video page, and the "
        "command video, analyse all of them.",
    ),
    "WEBP": "This picture moves, and only its first frame is analysed. Save it as GIF or MP4: the "
    "Video page, and the command video, analyse all frames of those.",
    **dict.fromkeys(
        ("TIFF", "HEIF"),
        "This file holds more pictures, and only the first is analysed. Save the others as files "
        "of their own.",
    ),
}
"""What to say of a file in which there is more to see. The second picture in a stereo camera's or
telephone's JPEG shows the same."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """A picture ``(height, width, 3)`` uint8, BGR, and a sentence on what of its file is missing or
    was not looked at; empty where that is nothing."""

    bgr: NDArray[np.uint8]
    note: str = ""


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The picture in a file, as ``decode_picture`` gives it. Raises what ``read_noted`` raises."""
    return read_noted(path).bgr


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """A picture file as ``(height, width, 3)`` uint8, BGR. Raises what ``decode_noted`` raises."""
    return decode_noted(data).bgr


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these 16 bytes or more looks like a picture."""
    Image.init()
    tests = (Image.OPEN[form][1] for form in FORMATS)
    return any(accepts is not None and accepts(head) is True for accepts in tests)


def read_noted(path: Path) -> DecodedPicture:
    """The picture in a file, as ``decode_noted`` gives it.

    Raises ``PictureError``, also where the file is missing, a folder or not allowed to be read.
    """
    try:
        size = path.stat().st_size
        _refuse_size(size)
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise UnreadablePicture(f"This file cannot be opened: {reason}.") from error
    return decode_noted(data)


def decode_noted(data: bytes) -> DecodedPicture:
    """Decode a picture file, and say what was not.

    EXIF orientation is obeyed, transparency is laid on white, 16-bit and float greys are scaled to
    8 bit, and of an animation the first frame is taken. A JPEG may lack its last bytes.
    Raises ``EmptyFile``, ``UnreadablePicture`` or ``PictureTooLarge``.
    """
    if not data:
        raise EmptyFile("This file is empty (0 bytes). Choose it again or take another picture.")
    _refuse_size(len(data))
    try:
        with warnings.catch_warnings():
            # Pillow warns of bombs above a limit of its own; _refuse_pixels has ours. Damaged EXIF
            # is a warning too, and no reason to refuse a picture that decodes.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _refuse_pixels(*image.size)
                more = _MORE.get(image.format or "", "") if _has_more(image) else ""
                loaded, lost = jpeg_tail.load(image, data)
                note = " ".join(filter(None, (lost, more)))
                return DecodedPicture(_to_bgr(_upright(loaded)), note)
    except UnidentifiedImageError as error:
        raise UnreadablePicture(
            "This is not a picture in a format the dashboard reads. Use JPEG, PNG, WebP, BMP, "
            "TIFF, GIF, HEIC or AVIF. Videos go to the Video page."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        # Pillow's decoders raise any of these for damaged data.
        raise UnreadablePicture(
            "This picture is damaged or incomplete. Open it elsewhere, save it again and retry."
        ) from error


def _has_more(image: Image.Image) -> bool:
    """Whether there is a second frame or page; the others are not counted, which takes time."""
    with suppress(Exception):  # whatever a parser raises: then there is none that can be had
        if image.format == "TIFF":
            image.seek(1)
            reduced = image.tag_v2.get(_SUBFILE_TYPE, 0) & 1  # type: ignore[attr-defined]
            image.seek(0)
            return not reduced
        return bool(getattr(image, "is_animated", False))
    return False


def _refuse_size(size_bytes: int) -> None:
    limit_mb = settings().max_upload_mb
    if size_bytes > limit_mb * 1_000_000:
        raise PictureTooLarge(
            f"This file has {size_bytes / 1e6:.1f} MB, and the limit is {limit_mb} MB. "
            "Save a smaller copy, or raise FER_MAX_UPLOAD_MB."
        )


def _refuse_pixels(width: int, height: int) -> None:
    """Checked on the header, before a decompression bomb gets to allocate anything."""
    if width * height > settings().max_megapixels * 1_000_000:
        raise _too_many_pixels()


def _too_many_pixels() -> PictureTooLarge:
    return PictureTooLarge(
        f"This picture has more than {settings().max_megapixels} million pixels. "
        "Save a smaller copy, or raise FER_MAX_MEGAPIXELS."
    )


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says; EXIF that cannot be read turns nothing."""
    # Whatever a hostile EXIF block makes Pillow's parser raise. In place, or it would be copied.
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_bgr(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        grey = _to_8_bit(np.asarray(image))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return _packed_bgr(image if image.mode == "RGB" else image.convert("RGB"))


def _packed_bgr(image: Image.Image) -> NDArray[np.uint8]:
    """A picture in RGB as an array in BGR.

    In strips: all at once, a telephone's 12 megapixels would take 70 MB more for a moment.
    """
    width, height = image.size
    bgr = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP_PX):
        strip = image.crop((0, top, width, min(top + _STRIP_PX, height)))
        rows = np.frombuffer(strip.tobytes("raw", "BGR"), np.uint8)
        bgr[top : top + _STRIP_PX] = rows.reshape(-1, width, 3)
    return bgr


def _to_8_bit(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Greys of more than 8 bits, scaled by the range their numbers tell of.

    The file does not say whether white is 1.0, 255, 4095 or 65535, so the smallest of these that
    holds the brightest pixel is taken.
    """
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    peak = float(numbers.max())
    white = next((w for w in (1.0, 255.0, 4095.0, 65535.0) if peak <= w), peak)
    return np.asarray(np.clip(numbers / white * 255.0, 0, 255).round(), dtype=np.uint8)
