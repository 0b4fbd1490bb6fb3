"""Video files opened with care: PyAV let near few formats, and its errors turned into sentences."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from fer_core.errors import UnreadableVideo, VideoTooLarge
from fer_core.settings import settings

SUFFIXES = ("mp4", "m4v", "mov", "webm", "mkv", "avi", "gif")
"""What file choosers offer. What a file is, its first bytes decide."""

_DEMUXERS = "mov,matroska,avi,gif"
"""FFmpeg's readers that are let near an upload. Others, those of playlists above all, open further
files and addresses that an upload names; as FFmpeg checks the list itself, they never start."""

_FORMATS = "MP4, MOV, WebM, MKV, AVI or GIF"

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

    Raises ``UnreadableVideo`` or ``VideoTooLarge`` for one that cannot be opened at all.
    """
    _refuse_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
    try:
        # Absolute, because FFmpeg takes "concat:a|b" for a protocol and not for a name.
        container = av.open(str(path.absolute()), "r", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableVideo(_why_not(path)) from error
    with container:
        yield container


def picture_stream(container: InputContainer) -> av.VideoStream:
    """The first stream of moving pictures, ready to be decoded on all cores.

    Raises ``UnreadableVideo`` where there is none (a cover picture is none), ``VideoTooLarge``
    where its frames have more pixels than the limit.
    """
    moving = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    stream = next(moving, None)
    if stream is None:
        raise UnreadableVideo(
            "This file has no picture, only sound or text. Choose a file with a video in it."
        )
    context: VideoCodecContext | None = stream.codec_context
    if context is None:
        raise UnreadableVideo(
            "This video is encoded in a way that cannot be read here. Save it as MP4 (H.264)."
        )
    _refuse_pixels(context.width, context.height)
    # The decoder itself refuses what grows beyond the limit later, before it allocates anything.
    context.options = {"max_pixels": str(settings().max_megapixels * 1_000_000)}
    context.thread_type = "AUTO"
    return stream


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
        """As the file tells: by a display matrix or, older, by a tag ``rotate`` (clockwise)."""
        matrix = cast(SideData | None, frame.side_data.get("DISPLAYMATRIX"))
        if matrix is not None:
            a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
            return cls.from_matrix(a, b, c, d)
        # Matroska writes the names of its tags in capitals.
        tags = {name.lower(): text for name, text in stream.metadata.items()}
        return cls.from_matrix(*_ROTATE_TAGS.get(tags.get("rotate", ""), (1, 0, 0, 1)))

    @classmethod
    def from_matrix(cls, a: int, b: int, c: int, d: int) -> Self:
        """For a matrix that takes the stored (x, y) to the upright (a x + c y, b x + d y).

        Angles that are not right are taken for the nearest one.
        """
        if abs(a) >= abs(b):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright frame."""
        return (height, width) if self.transposed else (width, height)

    def upright(self, bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame ``(height, width, 3)``, turned; the same array where nothing is to be done."""
        if self.transposed:
            bgr = np.asarray(cv2.transpose(bgr), np.uint8)
        if self.mirrored_across or self.mirrored_down:
            way = -1 if self.mirrored_across and self.mirrored_down else int(self.mirrored_across)
            bgr = np.asarray(cv2.flip(bgr, way), np.uint8)
        return bgr


def expected_end_s(container: InputContainer, stream: av.VideoStream) -> float | None:
    """When the last of its streams ends, by the file's own account; None where it has none."""
    ends = []
    if container.duration:
        ends.append(container.duration / 1e6)
    if stream.frames and stream.average_rate:
        # For a cut AVI file FFmpeg reckons the duration from what is left; this is in its header.
        ends.append(float(stream.frames / stream.average_rate))
    return max(ends, default=None)


def lacks_gif_end(path: Path) -> bool:
    """Whether a GIF file stops before its last byte, which is a semicolon."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return not file.read().rstrip(b"\0").endswith(b";")


def _refuse_file(path: Path) -> None:
    """Raise what is wrong with a file before anything reads it."""
    try:
        found = path.stat()
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise UnreadableVideo(
            f"This file cannot be opened: {reason}. Check its name, and that it is still there."
        ) from error
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableVideo("This is a folder. Choose a video file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableVideo("This is no ordinary file. Save the video to a file and choose that.")
    if not found.st_size:
        raise UnreadableVideo("This file is empty (0 bytes). Choose it again or copy it again.")
    limit_mb = settings().max_video_mb
    if found.st_size > limit_mb * 1_000_000:
        raise VideoTooLarge(
            f"This file has {found.st_size / 1e6:.0f} MB, and the limit is {limit_mb} MB. "
            "Cut it into parts, or raise FER_MAX_VIDEO_MB."
        )


def _why_not(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        return f"This file cannot be opened: {reason}. Check its name and whether you may read it."
    if head[4:8] == b"ftyp":
        return (
            "This MP4 or MOV file is incomplete or damaged: the index that belongs to it cannot be "
            "read. Copy it again from where it was recorded."
        )
    return f"This is not a video in a format that can be read here. Use {_FORMATS}."
