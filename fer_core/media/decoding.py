"""Decodes picture files into rows of pixels, within a known amount of memory.

Of other packages it imports Pillow alone. The process that decodes uploads
(``decoder_process.py``) therefore stays at 25 MB.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import pillow_heif
from PIL import Image, UnidentifiedImageError

from fer_core.media import jpeg_tail
from fer_core.media.decoding_limits import Unusable, refuse_parts, refuse_pixels, too_many_pixels
from fer_core.media.upright import Cut, Region, upright_rows, upright_size

# Photos from iPhones are HEIC; pillow-heif is the maintained Pillow plug-in that carries libheif.
pillow_heif.register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF", "PPM")
"""The Pillow decoders that may read an upload: the fewer, the smaller the attack surface."""

_LARGE_WEBP_PIXELS = 4_000_000
"""A larger WebP is decoded by OpenCV, which needs 6 to 7 bytes per pixel; Pillow needs 16."""

_ORIENTATION = 0x0112

_UNWRITTEN_BYTES = 1 << 15
"""So many zeros at the end of a compressed file are room that a copy never filled."""

_PNG_ABOUT = (b"IHDR", b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"IEND")
"""The chunks of a PNG that may tell its orientation, between the first and the last one."""

_SUBFILE_TYPE = 254
"""The TIFF tag that distinguishes a reduced copy from a page."""

_SUB_IFDS, _DNG_VERSION = 330, 50706
"""The TIFF tags of pictures below the first, where raw files have the photo, and of DNG."""

_MORE = {
    **dict.fromkeys(
        ("GIF", "PNG", "AVIF"),
        "This is an animation, and only its first frame is analysed here. The Video page and the "
        "video command analyse all frames.",
    ),
    "WEBP": "This is an animation, and only its first frame is analysed. Save it as GIF or MP4 for "
    "the Video page or the video command, which analyse all frames.",
    **dict.fromkeys(
        ("TIFF", "HEIF"),
        "This file holds several pictures, and only the first is analysed. Save the others as "
        "separate files.",
    ),
}
"""The note on a file with more than one picture. JPEGs have none: the second picture in a stereo
camera's or phone's JPEG shows the same scene."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: its rows from the top, some at a time, as packed BGR.

    ``note`` says what is missing from the file or was not analysed; it is empty if nothing is.
    """

    note: str
    rows: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture whose header has been read: its upright size in pixels.

    ``decode()`` decodes the rest, and raises ``Unusable``.
    """

    width: int
    height: int
    decode: Callable[[], Decoded]


def open_picture(data: bytes, max_megapixels: int, formats: Sequence[str] = FORMATS) -> Opened:
    """Read the header of a picture file. Raises ``Unusable``.

    EXIF orientation is applied, transparency is laid on white, and greys of more than 8 bits are
    scaled to 8. Of an animation only the first frame is read. A JPEG may lack its last bytes.
    """
    with _unusable_explained(max_megapixels):
        refuse_parts(data)
        _raise_pillows_limit(max_megapixels * 1_000_000)
        image = Image.open(io.BytesIO(data), formats=tuple(formats))
        width, height = image.size
        refuse_pixels(width, height, max_megapixels)
        _refuse_raw(image)
        if image.format in ("WEBP", "HEIF", "AVIF") and not any(data[-_UNWRITTEN_BYTES:]):
            raise OSError("its end was not written")  # these decoders take it for pixels
        orientation = _orientation(image, data)
        more = _MORE.get(image.format or "", "") if _has_more(image) else ""
        load = partial(_loaded, image, data)
        if _is_large_webp(image):
            del image  # it holds two canvases
            load = partial(_large_webp, data)

    def decode() -> Decoded:
        with _unusable_explained(max_megapixels):
            cut, lost = load()
            rows = upright_rows(cut, width, height, orientation)
        return Decoded(" ".join(filter(None, (lost, more))), rows)

    return Opened(*upright_size(width, height, orientation), decode)


@contextmanager
def _unusable_explained(max_megapixels: int) -> Iterator[None]:
    """Turn what Pillow raises into ``Unusable``.

    Its warnings are ignored: they are about decompression bombs, which have a limit here already,
    and about damaged EXIF, which does not make a picture unusable.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise Unusable(
            "unreadable",
            "This is not a picture in a format the dashboard reads. Use JPEG, PNG, WebP, BMP, "
            "TIFF, GIF, HEIC or AVIF. For a video, use the Video page.",
        ) from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels(max_megapixels) from error
    except MemoryError as error:
        raise Unusable(
            "too_large",
            "This picture needs too much memory. Save it as a JPEG and retry.",
        ) from error
    except (
        *(OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError),
        RuntimeError,  # a damaged AVIF
    ) as error:
        # Pillow's decoders raise any of these for damaged data.
        raise Unusable(
            "unreadable",
            "This picture is damaged or incomplete. Open it in another program, save it again and "
            "retry.",
        ) from error


def _raise_pillows_limit(pixels: int) -> None:
    """Let pictures of so many pixels pass Pillow's own limit, which is one for the program."""
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, pixels)


def _refuse_raw(image: Image.Image) -> None:
    """Raise ``Unusable`` for DNG, NEF and ARW, of which Pillow opens the preview, like a TIFF."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    if _DNG_VERSION in tags or (_SUB_IFDS in tags and tags.get(_SUBFILE_TYPE) == 1):
        raise Unusable(
            "unreadable",
            "This is a camera's raw file, of which only a small preview could be read. Save it as "
            "a JPEG and choose that.",
        )


def _orientation(image: Image.Image, data: bytes) -> int:
    """The EXIF orientation of a picture that is not loaded yet, 1 to 8; 1 where it cannot be read.

    Nothing may be loaded here: where that fails, Pillow takes the half of the picture for all of it
    when it is asked again.
    """
    if image.format == "TIFF":
        return 1  # Pillow turns these itself on loading, and `size` is already the turned one
    with suppress(Exception):  # a hostile EXIF block can make Pillow's parser raise anything
        if image.format == "PNG":
            image = Image.open(io.BytesIO(_png_without_pixels(data)), formats=("PNG",))
        # That of PNG loads the picture to find EXIF behind the pixels.
        value = Image.Image.getexif(image).get(_ORIENTATION, 1)
        return value if value in range(1, 9) else 1
    return 1


def _png_without_pixels(data: bytes) -> bytes:
    """A PNG with only what is said about its picture before and behind the pixels."""
    at, kept = 8, [data[:8]]
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] in _PNG_ABOUT:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _has_more(image: Image.Image) -> bool:
    """Whether there is a second frame or page. Counting them all would take time."""
    with suppress(Exception):  # where the parser fails, there is no second one to be read
        if image.format == "TIFF":
            image.seek(1)
            reduced = image.tag_v2.get(_SUBFILE_TYPE, 0) & 1  # type: ignore[attr-defined]
            image.seek(0)
            return not reduced
        return bool(getattr(image, "is_animated", False))
    return False


def _loaded(image: Image.Image, data: bytes) -> tuple[Cut, str]:
    loaded, lost = jpeg_tail.load(image, data)
    return loaded.crop, lost


def _is_large_webp(image: Image.Image) -> bool:
    # An animation stays with Pillow: OpenCV would decode all of its frames.
    animated = getattr(image, "is_animated", False)
    return (
        image.format == "WEBP" and image.width * image.height > _LARGE_WEBP_PIXELS and not animated
    )


def _large_webp(data: bytes) -> tuple[Cut, str]:
    import cv2
    import numpy as np

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise MemoryError from error
    if pixels is None:
        raise OSError("OpenCV cannot decode it")
    order = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB

    def cut(region: Region) -> Image.Image:
        left, top, right, bottom = region
        return Image.fromarray(cv2.cvtColor(pixels[top:bottom, left:right], order))

    return cut, ""
