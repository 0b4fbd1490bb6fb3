"""Opens video files safely: few formats are allowed, and errors become sentences."""

from __future__ import annotations

import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self, cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Discard, Disposition, Stream
from numpy.typing import NDArray

from fer_core.errors import UnreadableVideo, VideoTooLarge
from fer_core.settings import settings

SUFFIXES = (
    *("mp4", "m4v", "mov", "3gp", "3g2", "f4v", "webm", "mkv", "avi", "gif", "apng"),
    *("ts", "mts", "m2ts", "mpg", "mpeg", "vob", "wmv", "asf", "flv", "ogv", "dv", "mxf"),
)
"""File name endings of videos. What a file is, its content decides."""

_DEMUXERS = ",".join(
    (
        "mov,matroska,avi,gif,apng",  # MP4, M4V, 3GP and F4V too; WebM
        "mpegts,mpeg,mpegvideo,asf,flv,ogg",  # MTS, M2TS, MPG, VOB; WMV
        "dv,mxf,gxf,nut,ivf,yuv4mpegpipe,mjpeg,m4v,h264,hevc",  # camcorders, studios, raw streams
    )
)
"""The FFmpeg demuxers that may read an upload. Others, above all those for playlists, open further
files and addresses named in the upload; FFmpeg checks this list, so they never start."""

_NO_VIDEO = (
    "This is not a video in a format that can be read here. Use MP4, MOV, WebM, MKV, AVI, MPEG "
    "(MPG, TS, MTS), WMV, FLV or GIF. Pictures go to the Photo page."
)

_ARCHIVES = {
    0: (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf"),
    257: (b"ustar",),
}
"""How archives and documents begin, by position: ZIP, PDF, OLE (Thumbs.db, Word), RAR, 7z; TAR.
FFmpeg looks for the pictures of MPEG, JPEG and DV anywhere, and so finds those in such a file."""

_HEAD_BYTES = 512

_MOST_ASPECT = 16

_UPRIGHT = (1, 0, 0, 1)

_ROTATE_TAGS = {
    "90": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "-180": (-1, 0, 0, -1),
    "270": (0, -1, 1, 0),
    "-90": (0, -1, 1, 0),
}
"""The matrices ``(a, b, c, d)`` of ``Orientation.from_matrix`` by degrees clockwise."""


@contextmanager
def open_container(path: Path) -> Iterator[InputContainer]:
    """A video file, opened for reading.

    Raises ``UnreadableVideo`` or ``VideoTooLarge`` if it cannot be opened.
    """
    _refuse_file(path)
    try:
        head = _head(path)
        _refuse_archive(head)
        with path.open("rb") as file:
            # Absolute, because FFmpeg takes "concat:a|b" for a protocol.
            name, options = str(path.absolute()), {"protocol_whitelist": "file"}
            if sys.platform != "win32":
                # Without its name, because FFmpeg takes an MPEG stream called .jpg for a picture.
                name, options = "fd:", {"protocol_whitelist": "fd", "fd": str(file.fileno())}
            options["format_whitelist"] = _DEMUXERS
            container = av.open(name, "r", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableVideo(_why_not(path)) from error
    with container:
        if container.format.name == "mjpeg" and not head.startswith(b"\xff\xd8"):
            raise UnreadableVideo(_NO_VIDEO)  # another file with pictures in it
        yield container


def picture_stream(container: InputContainer) -> av.VideoStream:
    """The first video stream, set up to decode on all cores. A cover picture does not count.

    Raises ``UnreadableVideo`` if there is none, ``VideoTooLarge`` if its frames have more pixels
    than the limit.
    """
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        raise UnreadableVideo("This file has no picture, only sound or text. Choose a video file.")
    known = [stream for stream in moving if _is_known(stream)]
    if not known:
        raise UnreadableVideo(
            "This video uses an encoding that cannot be read here. Save it as MP4 (H.264)."
        )
    # A stream of one frame before another is a cover, as in AVIF animations.
    stream = next((stream for stream in known if stream.frames != 1), known[0])
    context = stream.codec_context
    _refuse_pixels(*unsqueezed(context.width, context.height, pixel_aspect(stream)))
    # If frames grow beyond the limit later, the decoder refuses before it allocates memory.
    context.options = {"max_pixels": str(settings().max_megapixels * 1_000_000)}
    context.thread_type = "AUTO"
    return stream


def pixel_aspect(stream: av.VideoStream) -> Fraction:
    """The pixel aspect ratio of a video, width by height: 1 for square pixels.

    Camcorders and DVDs squeeze wide pictures. Implausible ratios are ignored as mistakes.
    """
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT else Fraction(1)


def unsqueezed(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size of a stored frame with square pixels; as in players, the width is scaled."""
    return max(1, round(width * aspect)), height


def sound_stream(container: InputContainer) -> av.AudioStream | None:
    """The first audio stream that can be decoded, or None."""
    return next((stream for stream in container.streams.audio if _is_known(stream)), None)


def read_only(container: InputContainer, wanted: Collection[Stream]) -> None:
    """Skip all other streams: timecodes, chapters, fonts, subtitles, covers."""
    indexes = {stream.index for stream in wanted}
    for stream in container.streams:
        if stream.index not in indexes:
            stream.discard = Discard.all


def _is_known(stream: av.VideoStream | av.AudioStream) -> bool:
    """Whether FFmpeg has a decoder for it; PyAV's type hints say there always is."""
    context: object | None = stream.codec_context
    return context is not None


def _refuse_pixels(width: int, height: int) -> None:
    limit = settings().max_megapixels
    if width * height > limit * 1_000_000:
        raise VideoTooLarge(
            f"The frames of this video have {width}x{height} pixels, and the limit is {limit} "
            "million. Save a smaller copy, or raise FER_MAX_MEGAPIXELS."
        )


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored frame becomes an upright one: transposed first, then mirrored."""

    transposed: bool = False
    mirrored_across: bool = False
    mirrored_down: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame, stream: av.VideoStream) -> Self:
        """From the display matrix or, in older files, the tag ``rotate`` (clockwise)."""
        try:
            matrix = cast(SideData | None, frame.side_data.get("DISPLAYMATRIX"))
        except ValueError:  # PyAV 18 does not read the EXIF that cameras put into Motion JPEG
            return cls.from_matrix(*_ROTATE_TAGS.get(str(-frame.rotation), _UPRIGHT))
        if matrix is not None:
            a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
            return cls.from_matrix(a, b, c, d)
        # Matroska writes tag names in capitals.
        tags = {name.lower(): text for name, text in stream.metadata.items()}
        return cls.from_matrix(*_ROTATE_TAGS.get(tags.get("rotate", ""), _UPRIGHT))

    @classmethod
    def from_matrix(cls, a: int, b: int, c: int, d: int) -> Self:
        """For a matrix that maps the stored (x, y) to the upright (a x + c y, b x + d y).

        Other angles are rounded to the nearest right angle.
        """
        if abs(a) >= abs(b):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright frame."""
        return (height, width) if self.transposed else (width, height)

    def upright(self, bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame ``(height, width, 3)``, turned; the same array if it is upright already."""
        if self.transposed:
            bgr = np.asarray(cv2.transpose(bgr), np.uint8)
        if self.mirrored_across or self.mirrored_down:
            way = -1 if self.mirrored_across and self.mirrored_down else int(self.mirrored_across)
            bgr = np.asarray(cv2.flip(bgr, way), np.uint8)
        return bgr


def _refuse_file(path: Path) -> None:
    """Check a file before anything reads it; raise what is wrong with it."""
    try:
        found = path.stat()
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise UnreadableVideo(
            f"This file cannot be opened: {reason}. Check that it exists, and its name."
        ) from error
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableVideo("This is a folder. Choose a video file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableVideo(
            "This is not a regular file. Save the video to a file and choose that."
        )
    if not found.st_size:
        raise UnreadableVideo("This file is empty (0 bytes). Choose or copy it again.")
    limit_mb = settings().max_video_mb
    if found.st_size > limit_mb * 1_000_000:
        raise VideoTooLarge(
            f"This file has {found.st_size / 1e6:.0f} MB, and the limit is {limit_mb} MB. "
            "Cut it into parts, or raise FER_MAX_VIDEO_MB."
        )


def _refuse_archive(head: bytes) -> None:
    if any(head.startswith(words, at) for at, words in _ARCHIVES.items()):
        raise UnreadableVideo(
            "This is an archive or a document. Unpack it, and choose a video from it."
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _why_not(path: Path) -> str:
    try:
        head = _head(path)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        return f"This file cannot be opened: {reason}. Check its name and that you may read it."
    if head[4:8] == b"ftyp":
        return (
            "This MP4 or MOV file is incomplete or damaged: its index cannot be read. Copy it "
            "again from the device that recorded it."
        )
    return _NO_VIDEO
