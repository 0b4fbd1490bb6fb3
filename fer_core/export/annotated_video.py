"""Writes an annotated video: an MP4 with marked faces that every browser can play."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from fer_core.errors import UnreadableVideo
from fer_core.export.draw import annotate
from fer_core.media.atomic_file import OutputFile
from fer_core.media.audio import Sound
from fer_core.media.demux import VideoInfo
from fer_core.media.video import Selection, VideoFrame
from fer_core.schema import FrameResult

_TICK_S = Fraction(1, 90_000)
"""MPEG's clock in Hz, a multiple of every usual frame rate."""

_MOST_PX = 16_384
"""The largest side that libx264 encodes."""

_BT709 = 1
"""The video's colour properties, as codes of ITU-T H.273."""


class AnnotatedVideo(OutputFile):
    """An MP4 file (H.264, yuv420p, index at the beginning); a context manager.

    It contains the frames that are written to it, with times relative to the first, and the sound
    of ``source`` from the first frame to the selection's end. H.264 needs even sizes, so the last
    row or column is repeated if necessary, and frames of more than 16,384 pixels across or down are
    made smaller. Without a frame, no file is written.
    """

    def __init__(
        self,
        path: Path,
        source: Path,
        info: VideoInfo,
        selection: Selection,
        shown: str | None = None,
    ) -> None:
        super().__init__(path, shown)
        self._source = source
        self._info = info
        self._selection = selection
        self._sound: Sound | None = None
        self._first_s: float | None = None
        self._last_s = 0.0
        self._to_yuv = VideoReformatter()

    def write(self, frame: VideoFrame, result: FrameResult) -> None:
        """Add the next frame with its faces marked.

        A frame of another size (some cameras change it) is scaled to the size of the video.
        Raises ``VideoError`` if the file cannot be written.
        """
        with self._guarded():
            if self._first_s is None:
                self._begin(frame.t_s)
            self._last_s = frame.t_s
            self._encode(annotate(frame.bgr, result), frame.t_s - (self._first_s or 0.0))
            if self._sound:
                self._sound.copy_until(self._info.first_s + frame.t_s)

    def _open(self) -> None:
        self.part.write_bytes(b"")  # fail early: PyAV opens it at the first frame
        options = {"movflags": "+faststart"}
        self._container = av.open(str(self.part.absolute()), "w", format="mp4", options=options)
        stream = self._container.add_stream(
            "libx264", rate=self._rate(), options={"preset": "veryfast", "crf": "23"}
        )
        stream.width, stream.height = _encoded_size(self._info.width, self._info.height)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _TICK_S
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        self._stream = stream
        if self._info.has_audio:
            # If the source file was removed, the video has no sound, and the frames are kept.
            with suppress(UnreadableVideo):
                self._sound = Sound(self._source, self._container)

    def _finish(self, whole: bool) -> None:
        if self._first_s is not None:  # a frame was written
            self._container.mux(self._stream.encode(None))
            if self._sound:
                self._sound.copy_until(self._end_s(whole))
                self._sound.finish()
        self._container.close()
        self._close_sound()

    def _is_to_keep(self, whole: bool) -> bool:  # noqa: ARG002 - it is readable either way
        return self._first_s is not None

    def _abandon(self) -> None:
        with suppress(OSError, av.error.FFmpegError, AttributeError):
            self._container.close()
        self._close_sound()

    def _close_sound(self) -> None:
        if self._sound:
            self._sound.close()

    def _begin(self, t_s: float) -> None:
        self._first_s = t_s
        if self._sound:
            self._sound.start(self._info.first_s + t_s)

    def _end_s(self, whole: bool) -> float:
        """The end of the sound in the source's time."""
        if not whole:
            return self._info.first_s + self._last_s
        end_s = self._selection.end_s
        return math.inf if end_s is None else self._info.first_s + end_s

    def _rate(self) -> Fraction:
        """The nominal frame rate, which players show; each frame has its own time."""
        rate = self._selection.fps or (self._info.fps or 30.0) / self._selection.every
        return Fraction(min(max(rate, 0.1), 240.0)).limit_denominator(1001)

    def _encode(self, bgr: NDArray[np.uint8], t_s: float) -> None:
        size = self._stream.width, self._stream.height
        picture = av.VideoFrame.from_ndarray(_fitted(bgr, *size), format="bgr24")
        frame = self._to_yuv.reformat(picture, format="yuv420p", dst_colorspace=_BT709, threads=1)
        frame.pts, frame.time_base = round(t_s / _TICK_S), _TICK_S
        self._container.mux(self._stream.encode(frame))


def _encoded_size(width: int, height: int) -> tuple[int, int]:
    shrunk = min(1.0, _MOST_PX / max(width, height))
    return _even(round(width * shrunk)), _even(round(height * shrunk))


def _even(side: int) -> int:
    return max(2, side + side % 2)


def _fitted(bgr: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A frame in the video's size: one more row or column for odd sizes, else resized."""
    across, down = width - bgr.shape[1], height - bgr.shape[0]
    if (across, down) == (0, 0):
        return bgr
    if 0 <= across <= 1 and 0 <= down <= 1:
        padded = cv2.copyMakeBorder(bgr, 0, down, 0, across, cv2.BORDER_REPLICATE)
        return np.asarray(padded, np.uint8)
    return np.asarray(cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
