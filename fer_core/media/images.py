"""Reads picture files of all supported formats as upright BGR arrays, uint8."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_core.errors import EmptyFile, PictureError, PictureTooLarge, UnreadablePicture
from fer_core.media.decoding import FORMATS, open_picture
from fer_core.media.decoding_limits import Unusable
from fer_core.settings import settings

SUFFIXES = (
    *("jpg", "jpeg", "jfif", "jpe", "mpo", "png", "webp", "bmp", "tif", "tiff", "gif"),
    *("heic", "heif", "avif", "ppm", "pgm", "pbm", "pnm"),
)
"""File name endings of pictures. What a file is, its content decides."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """A picture ``(height, width, 3)`` uint8, BGR.

    ``note`` says what is missing from its file or was not analysed; it is empty if nothing is.
    """

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

    Raises ``PictureError``, also if the file is missing, is a folder or a pipe, or may not be read.
    """
    try:
        found = path.stat()
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise UnreadablePicture(
                "This is not a regular file. Save the picture to a file and choose that."
            )
        refuse_file(found.st_size)
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise UnreadablePicture(f"This file cannot be opened: {reason}.") from error
    return decode_noted(data)


def decode_noted(data: bytes) -> DecodedPicture:
    """Decode a picture file, with a note on what was left out.

    EXIF orientation is applied, transparency is laid on white, 16-bit and float greys are scaled to
    8 bits, and only the first frame of an animation is read. A JPEG may lack its last bytes. This
    runs in the caller's process, for the user's own files; ``decoder_pool.py`` decodes uploads.
    Raises ``EmptyFile``, ``UnreadablePicture`` or ``PictureTooLarge``.
    """
    refuse_file(len(data))
    try:
        opened = open_picture(data, settings().max_megapixels)
        bgr = np.empty((opened.height, opened.width, 3), np.uint8)
        decoded = opened.decode()
        top = 0
        for rows in decoded.rows:
            some = np.frombuffer(rows, np.uint8).reshape(-1, opened.width, 3)
            bgr[top : top + len(some)] = some
            top += len(some)
    except Unusable as error:
        raise picture_error(error) from error
    return DecodedPicture(bgr, decoded.note)


def picture_error(error: Unusable) -> PictureError:
    """The exception for callers outside the decoder."""
    kind = PictureTooLarge if error.reason == "too_large" else UnreadablePicture
    return kind(str(error))


def refuse_file(size_bytes: int) -> None:
    """Raise ``EmptyFile`` or ``PictureTooLarge`` if a picture file has an unusable size."""
    if size_bytes == 0:
        raise EmptyFile("This file is empty (0 bytes). Choose it again or take another picture.")
    limit_mb = settings().max_upload_mb
    if size_bytes > limit_mb * 1_000_000:
        raise PictureTooLarge(
            f"This file has {size_bytes / 1e6:.1f} MB, and the limit is {limit_mb} MB. "
            "Save a smaller copy, or raise FER_MAX_UPLOAD_MB."
        )
