"""One pass over a video file: decodes its frames and reports what could not be decoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Self

import av

from fer_core.media.container import (
    open_container,
    picture_stream,
    read_only,
    sound_stream,
)
from fer_core.media.content import Wholeness
from fer_core.media.losses import Losses
from fer_core.media.names import printable
from fer_core.media.wholeness import wholeness_of

_CANNOT_SEEK = {"gif", "h264", "hevc"}
"""Formats that are read from their start: to find a GIF's frames FFmpeg would read the whole file,
and bare H.264 and HEVC have no times, so that after a seek nothing tells which frame is next."""

_UNCLEAR_S = 0.25
"""A file whose streams end this much earlier than its header says may have lost its end."""

_JOINABLE = ("mpegts", "mpeg")
"""Formats whose files can be copied one behind the other. Each part has times of its own."""

_JOINED_S, _JOINED_FRAMES = 1, 10
"""More frames than these, more than a second back in time, are those of another recording; after
damage, a few come too late."""

_WITHOUT_PTS = ("avi", "asf", "mxf", "mpegvideo")
"""Formats without presentation times; FFmpeg's guess fails if frames are reordered."""

_ABSOLUTE = ("matroska", "flv", "asf")
"""Formats whose headers give the end of the last stream instead of its duration."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video file's header says; None if it says nothing.

    ``name`` can be shown even if the file name is not valid text. ``width`` and ``height`` are
    those of upright frames with square pixels; ``fps`` is the mean frame rate; ``first_s`` is the
    container's time of the first frame, from which ``t_s`` is counted.
    """

    name: str
    width: int
    height: int
    duration_s: float | None
    fps: float | None
    has_audio: bool
    first_s: float = 0.0


def never() -> bool:
    """Never stops a pass."""
    return False


class DecodePass:
    """One pass over a file: decodes its frames and reports what could not be decoded.

    ``stopped`` is called at every packet, even those without a frame; once it returns True, no more
    are read.
    """

    def __init__(self, path: Path, stopped: Callable[[], bool] = never) -> None:
        self._path = path
        self._stopped = stopped
        self._stack = ExitStack()
        self._lost = Losses()
        self._far_back = 0
        self._read = 0
        self._sought = False
        self._at_end = False
        self._failed = False
        self._read_s = -math.inf
        self._last_pos: int | None = None
        self._last_is_cut = False
        self._last_ticks: int | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._container = stack.enter_context(open_container(self._path))
            self.stream = picture_stream(self._container)
            self.sound = sound_stream(self._container)
            read_only(self._container, [self.stream, *self._container.streams.audio])
            self._stack = stack.pop_all()
        self._by_dts = self._is(*_WITHOUT_PTS)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _tick_s(self) -> Fraction:
        return self.stream.time_base or Fraction(1, 1000)

    def info(self, name: str, size: tuple[int, int]) -> VideoInfo:
        """What the file's header says, after the first frame has been decoded."""
        stream = self.stream
        rate = stream.average_rate or stream.guessed_rate
        return VideoInfo(
            name=printable(name),
            width=size[0],
            height=size[1],
            duration_s=self._duration_s(),
            fps=float(rate) if rate else None,
            has_audio=self.sound is not None,
            first_s=self._first_s(),
        )

    def seek(self, first_ticks: int, t_s: float) -> bool:
        """Seek to the last key frame at or before a time; False if the file cannot seek."""
        if self._container.format.name in _CANNOT_SEEK:
            return False
        try:
            self._container.seek(first_ticks + int(t_s / self._tick_s), stream=self.stream)
        except (av.error.FFmpegError, OSError):
            return False
        self._sought = True
        return True

    def timed(
        self, first_ticks: int, start_s: float = 0.0
    ) -> Iterator[tuple[float, av.VideoFrame]]:
        """The frames from here on with their ``t_s``, strictly increasing.

        After a seek those before ``start_s`` are left out without a note: in an MPEG file, the
        first ones come twice.
        """
        last = -1 if not self._sought else None
        for ticks, frame in self.decoded():
            after = ticks - first_ticks
            if last is not None and after <= last:
                if not self._sought or after * self._tick_s >= start_s:
                    self._leave_out(last - after)
                continue
            last = after
            yield float(after * self._tick_s), frame

    def _leave_out(self, back: int) -> None:
        """Count a frame that comes this many ticks too late."""
        self._lost.left_out += 1
        if back * self._tick_s > _JOINED_S and self._is(*_JOINABLE):
            self._far_back += 1
            self._lost.is_joined = self._far_back > _JOINED_FRAMES

    def decoded(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """The frames from here on with their times in the stream's ticks, as they come."""
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, OSError):
                self._lost.broken += bool(packet.size)
                continue
            for frame in frames:
                self._lost.damaged += frame.is_corrupt
                self._last_ticks = self._ticks(frame)
                yield self._last_ticks, frame

    def problem(self, first_ticks: int) -> str:
        """A sentence for each problem so far; empty if there was none."""
        lost = self._lost
        lost.has_gap = self._at_end and not self._sought and self._wholeness.damaged
        lost.not_found = self._not_found()
        if self._lost_its_end():
            last = first_ticks if self._last_ticks is None else self._last_ticks
            lost.ends_s = float((last - first_ticks) * self._tick_s)
        return lost.told()

    @property
    def note(self) -> str:
        """A sentence on what may be missing but cannot be told from the file, or empty."""
        claimed_s = self._claimed_end_s()
        if claimed_s is None or not self._at_end or self._wholeness.end is not None:
            return ""
        if self._read_s >= claimed_s - _UNCLEAR_S:
            return ""
        return (
            f"The file gives its length as {claimed_s:.1f} s, but what is in it ends at second "
            f"{self._read_s:.1f}. Its format does not tell whether anything is missing."
        )

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        # The sound too, which may last as long as the header says; it is not decoded.
        packets = self._container.demux(self.stream, *self._container.streams.audio)
        while not self._stopped():
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                self._failed = True
                return
            if packet is None:
                self._at_end = True
                return
            if packet.pts is not None and packet.time_base:
                end = packet.pts + (packet.duration or 0)
                self._read_s = max(self._read_s, float(end * packet.time_base))
            # Packets that flush the decoders all have stream_index 0, so their stream is compared.
            if packet.stream.index == self.stream.index:
                if packet.size:
                    self._read += 1
                    self._last_pos, self._last_is_cut = packet.pos, packet.is_corrupt
                yield packet  # type: ignore[misc]

    def _ticks(self, frame: av.VideoFrame) -> int:
        found = frame.dts if self._by_dts else frame.pts
        if found is not None:
            return found
        # A frame without a time follows the one before it.
        return 0 if self._last_ticks is None else self._last_ticks + (frame.duration or 1)

    def _lost_its_end(self) -> bool:
        if self._failed or not self._at_end:
            return self._failed
        # Recordings of broadcasts, whose format says nothing, may be cut anywhere.
        end = self._wholeness.end
        return end is False or (end is True and self._last_is_cut)

    def _not_found(self) -> int:
        """How many frames in an AVI file's index were not read. It has no times but their count."""
        if not self._is("avi") or self._sought or not self._at_end:
            return 0
        return max(0, len(self.stream.index_entries) - self._read)

    @cached_property
    def _wholeness(self) -> Wholeness:
        return wholeness_of(self._path, self._container, self.stream, self._last_pos)

    def _claimed_end_s(self) -> float | None:
        """When the last stream ends according to the header, in the file's own time."""
        if not self._container.duration:
            return None
        began_s = 0.0 if self._is(*_ABSOLUTE) else (self._container.start_time or 0) / 1e6
        return began_s + self._container.duration / 1e6

    def _duration_s(self) -> float | None:
        """How long the video stream lasts according to the header."""
        lasts_s = float((self.stream.duration or 0) * self._tick_s)
        lasts_s = lasts_s or (self._container.duration or 0) / 1e6
        late_s = self._first_s() if self._is(*_ABSOLUTE) else 0.0
        return (lasts_s - late_s if 0.0 < late_s < lasts_s else lasts_s) or None

    def _first_s(self) -> float:
        return float((self._last_ticks or 0) * self._tick_s)

    def _is(self, *names: str) -> bool:
        return self._container.format.name.startswith(names)
