"""Picture files into rows of pixels, within a known memory.

It imports Pillow alone, and of this package what does the same: a process that decodes what
strangers send (``decoder_process.py``) loads no more, and takes 25 MB.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pillow_heif
from PIL import Image, UnidentifiedImageError

from fer_core.media import jpeg_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Photos from iPhones are HEIC; pillow-heif is the maintained Pillow plug-in that carries libheif.
pillow_heif.register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF", "PPM")
"""Pillow's decoders that are let near an upload: the fewer, the smaller the attack surface."""

OPEN_S = 1.0
"""Seconds that the header of a picture may take. An honest one takes a thousandth of that."""

SECONDS_A_MEGAPIXEL = 0.15
"""Beside ``OPEN_S``, for all of it. HEIC and AVIF take 0.05 on a Zen 5, all else less; the rest is
for old processors."""

BYTES_A_PIXEL = 10
"""What decoding takes of memory, at most. Measured: a progressive JPEG without subsampling 9.8,
HEIC 7.9, a large WebP 7.1, all others 4."""

MOST_SCANS = 100
"""Of a JPEG. Encoders write 10 or so, and each takes as long as a small picture: of 16 million
pixels 18 ms, so that 150 kB with 3,000 scans would keep a processor busy for a minute."""

MOST_PARTS = 100_000
"""Strips or tiles of a TIFF: Pillow makes a list of them before it decodes one."""

_STRIP_PIXELS = 1 << 18

_LARGE_WEBP_PIXELS = 4_000_000
"""A larger WebP is decoded by OpenCV, which takes 6 to 7 bytes a pixel where Pillow takes 16."""

_ORIENTATION = 0x0112

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


def allowed_s(width: int, height: int) -> float:
    """Seconds of a processor that a picture of so many pixels may take."""
    return OPEN_S + SECONDS_A_MEGAPIXEL * width * height / 1e6


Region = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

Cut = Callable[[Region], Image.Image]
"""A part of a decoded picture."""


class Unusable(Exception):
    """A picture cannot be used; ``str(error)`` is a sentence that says why.

    ``reason`` is ``"unreadable"`` or ``"too_large"``.
    """

    def __init__(self, reason: Literal["unreadable", "too_large"], sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: a sentence on what of its file is missing or was not looked at, or none;
    and its rows from the top, some at a time, as packed BGR."""

    note: str
    rows: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture whose header was read: its upright size in pixels, and the way to the rest.

    ``decode()`` raises ``Unusable``.
    """

    width: int
    height: int
    decode: Callable[[], Decoded]


def open_picture(data: bytes, max_megapixels: int, formats: Sequence[str] = FORMATS) -> Opened:
    """Read the header of a picture file. Raises ``Unusable``.

    EXIF orientation is obeyed, transparency is laid on white, greys of more than 8 bits are scaled
    to 8, and of an animation the first frame is taken; the others are not even counted. A JPEG may
    lack its last bytes.
    """
    with _sentences(max_megapixels):
        _refuse_parts(data)
        image = Image.open(io.BytesIO(data), formats=tuple(formats))
        width, height = image.size
        if width * height > max_megapixels * 1_000_000:
            raise _too_many_pixels(max_megapixels)
        turn = _orientation(image)
        more = _MORE.get(image.format or "", "") if _has_more(image) else ""
        load = partial(_loaded, image, data)
        if _is_large_webp(image):
            del image  # it holds two canvases
            load = partial(_large_webp, data)

    def decode() -> Decoded:
        with _sentences(max_megapixels):
            cut, lost = load()
            to_8_bit = _depth(cut, width, height)
        strips = _strips(width, height, turn)
        rows = (_bgr(_turned(to_8_bit(cut(region)), method)) for region, method in strips)
        return Decoded(" ".join(filter(None, (lost, more))), rows)

    return Opened(*((height, width) if turn >= 5 else (width, height)), decode)


@contextmanager
def _sentences(max_megapixels: int) -> Iterator[None]:
    """What Pillow raises as a sentence. Its warnings are of bombs above a limit of its own, and of
    damaged EXIF, which is no reason to refuse a picture that decodes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        raise Unusable(
            "unreadable",
            "This is not a picture in a format the dashboard reads. Use JPEG, PNG, WebP, BMP, "
            "TIFF, GIF, HEIC or AVIF. Videos go to the Video page.",
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(max_megapixels) from error
    except MemoryError as error:
        raise Unusable(
            "too_large",
            "This picture takes more memory than a picture may. Save it as a JPEG and retry.",
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        # Pillow's decoders raise any of these for damaged data.
        raise Unusable(
            "unreadable",
            "This picture is damaged or incomplete. Open it elsewhere, save it again and retry.",
        ) from error


def _too_many_pixels(max_megapixels: int) -> Unusable:
    return Unusable(
        "too_large",
        f"This picture has more than {max_megapixels} million pixels. "
        "Save a smaller copy, or raise FER_MAX_MEGAPIXELS.",
    )


def _orientation(image: Image.Image) -> int:
    """How the picture will lie once it is loaded, 1 to 8 as in EXIF; EXIF that cannot be read turns
    nothing."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself as it loads them, and tells the size they will have
    # Whatever a hostile EXIF block makes Pillow's parser raise.
    with suppress(Exception):
        value = image.getexif().get(_ORIENTATION, 1)
        return value if value in range(1, 9) else 1
    return 1


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


# --- what is counted before anything is decoded ---


def _refuse_parts(data: bytes) -> None:
    if data[:2] == b"\xff\xd8" and _scans(data) > MOST_SCANS:
        raise Unusable(
            "too_large",
            f"This JPEG is built up in more than {MOST_SCANS} scans. Open it elsewhere, save it "
            "again as an ordinary JPEG and retry.",
        )
    if _tiff_parts(data) > MOST_PARTS:
        raise Unusable(
            "too_large",
            f"This TIFF is cut into more than {MOST_PARTS:,} pieces. Open it elsewhere, save it "
            "again as PNG and retry.",
        )


_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""Of JPEG, but for those inside of a scan: FF 00 stands for FF, FF D0 to FF D7 are restarts."""

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


def _scans(data: bytes) -> int:
    """Scans of a JPEG (ITU-T T.81, annex B), as far as they matter: ``MOST_SCANS`` + 1 are many."""
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
                break  # all in one scan, at whose end decoders stop
        at += max(2, int.from_bytes(segment[:2]))
    return scans


def _tiff_parts(data: bytes) -> int:
    """Strips or tiles of the first picture of a TIFF (revision 6, or BigTIFF); 0 of other files."""
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


# --- what decodes ---


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


# --- from a decoded picture to upright BGR, a strip at a time ---

_TRANSPOSED: dict[int, tuple[Image.Transpose, bool, bool]] = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, False, False),
    3: (Image.Transpose.ROTATE_180, False, True),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, False, True),
    5: (Image.Transpose.TRANSPOSE, True, False),
    6: (Image.Transpose.ROTATE_270, True, False),
    7: (Image.Transpose.TRANSVERSE, True, True),
    8: (Image.Transpose.ROTATE_90, True, True),
}
"""EXIF orientation -> what makes it upright, whether the rows then are columns of the picture as it
is stored, and whether the first row is its last one."""


def _strips(width: int, height: int, turn: int) -> Iterator[tuple[Region, Image.Transpose | None]]:
    """The parts of a ``width`` x ``height`` picture that are its upright strips, from the top, and
    how each is turned.

    In strips, because a turned or converted copy of the whole would take as much as the picture.
    """
    method, columns, backwards = _TRANSPOSED.get(turn, (None, False, False))
    across, down = (height, width) if columns else (width, height)
    step = max(1, _STRIP_PIXELS // across)
    for start in range(0, down, step):
        end = min(start + step, down)
        low, high = (down - end, down - start) if backwards else (start, end)
        yield ((low, 0, high, height) if columns else (0, low, width, high)), method


def _turned(strip: Image.Image, method: Image.Transpose | None) -> Image.Image:
    return strip if method is None else strip.transpose(method)


def _bgr(strip: Image.Image) -> bytes:
    if strip.has_transparency_data:
        rgba = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return (strip if strip.mode == "RGB" else strip.convert("RGB")).tobytes("raw", "BGR")


def _depth(cut: Cut, width: int, height: int) -> Callable[[Image.Image], Image.Image]:
    """What makes 8 bits of a strip; greys of more are scaled by the range their numbers tell of.

    The file does not say whether white is 1.0, 255, 4095 or 65535, so the smallest of these that
    holds the brightest pixel is taken.
    """
    mode = cut((0, 0, 1, 1)).mode
    if not (mode.startswith("I") or mode == "F"):
        return lambda strip: strip
    import numpy as np

    peak = max(
        float(_finite(np.asarray(cut(region))).max()) for region, _ in _strips(width, height, 1)
    )
    white = next((each for each in (1.0, 255.0, 4095.0, 65535.0) if peak <= each), peak)

    def scaled(values: NDArray[Any]) -> NDArray[np.uint8]:
        numbers = _finite(values).astype(np.float64)
        return np.asarray(np.clip(numbers / white * 255.0, 0, 255).round(), np.uint8)

    if mode.startswith("I;16"):
        table = scaled(np.arange(65_536))
        return lambda strip: Image.fromarray(table[np.asarray(strip)])
    return lambda strip: Image.fromarray(scaled(np.asarray(strip)))


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.nan_to_num(values, posinf=0.0, neginf=0.0) if values.dtype.kind == "f" else values
