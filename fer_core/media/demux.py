"""One pass over a video file: what it decodes, and an account of what it could not."""

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
from fer_core.media.names import printable
from fer_core.media.wholeness import holds_all

_UNCLEAR_S = 0.25
"""A file whose streams end so much earlier than its header says may have lost its end."""

_WITHOUT_PTS = ("avi", "asf", "mxf", "mpegvideo")
"""Formats that store no times of showing; FFmpeg's guess fails where frames are reordered."""

_ABSOLUTE = ("matroska", "flv", "asf")
"""Formats whose headers tell when the last stream ends, not how long it lasts."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video file says of itself; None where it does not.

    ``name`` is fit to be shown, also where the file's own is no text. ``width`` and ``height`` are
    those of upright frames with square pixels; ``fps`` is the mean rate; ``first_s`` is the
    container's own time of the first frame, from which ``t_s`` is counted.
    """

    name: str
    width: int
    height: int
    duration_s: float | None
    fps: float | None
    has_audio: bool
    first_s: float = 0.0


def never() -> bool:
    """A pass that nobody stops."""
    return False


class DecodePass:
    """One pass over a file: what it decodes, and an account of what it could not.

    ``stopped`` is asked at every packet, also at those that lead to no frame; once it says so, no
    more are read.
    """

    def __init__(self, path: Path, stopped: Callable[[], bool] = never) -> None:
        self._path = path
        self._stopped = stopped
        self._stack = ExitStack()
        self._left_out = 0
        self._broken = 0
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
        """What the file says of itself, after its first frame was decoded."""
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
        """Go to the last key frame at or before a time; False where the file cannot."""
        if self._container.format.name == "gif":
            return False  # FFmpeg would read all of it to find out where its frames are
        try:
            self._container.seek(first_ticks + int(t_s / self._tick_s), stream=self.stream)
        except (av.error.FFmpegError, OSError):
            return False
        self._sought = True
        return True

    def timed(self, first_ticks: int) -> Iterator[tuple[float, av.VideoFrame]]:
        """The frames from here on with their ``t_s``, which only ever advances."""
        last = -1 if not self._sought else None
        for ticks, frame in self.decoded():
            after = ticks - first_ticks
            if last is not None and after <= last:
                self._left_out += 1
                continue
            last = after
            yield float(after * self._tick_s), frame

    def decoded(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """The frames from here on with their times in the stream's ticks, as they come."""
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, OSError):
                self._broken += bool(packet.size)
                continue
            for frame in frames:
                self._last_ticks = self._ticks(frame)
                yield self._last_ticks, frame

    def problem(self, first_ticks: int) -> str:
        """A sentence on each thing that went wrong so far; empty if nothing did."""
        said = []
        if self._left_out:
            verb = "was" if self._left_out == 1 else "were"
            said.append(
                f"{_frames(self._left_out)} {verb} left out because their times stand still or go "
                "backwards."
            )
        if self._broken:
            said.append(f"{_frames(self._broken)} could not be decoded and are missing.")
        if self._lost_its_end():
            last = first_ticks if self._last_ticks is None else self._last_ticks
            last_s = float((last - first_ticks) * self._tick_s)
            said.append(
                f"From second {last_s:.1f} on nothing could be read: the file is cut off or "
                "damaged there. Copy it again from where it was recorded."
            )
        return " ".join(said)

    @property
    def note(self) -> str:
        """A sentence on what is odd and cannot be decided from the file; empty if nothing is."""
        claimed_s = self._claimed_end_s()
        if claimed_s is None or not self._at_end or self._holds_all is not None:
            return ""
        if self._read_s >= claimed_s - _UNCLEAR_S:
            return ""
        return (
            f"The file gives its length as {claimed_s:.1f} s, but what is in it ends at second "
            f"{self._read_s:.1f}. Its format does not tell whether anything is missing."
        )

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        # The sound too, which may be what lasts as long as the header says; it is not decoded.
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
            # The packets that flush the decoders have a stream, and all of them stream_index 0.
            if packet.stream.index == self.stream.index:
                if packet.size:
                    self._last_pos, self._last_is_cut = packet.pos, packet.is_corrupt
                yield packet  # type: ignore[misc]

    def _ticks(self, frame: av.VideoFrame) -> int:
        found = frame.dts if self._by_dts else frame.pts
        if found is not None:
            return found
        # Without a time of its own a frame follows the one before it.
        return 0 if self._last_ticks is None else self._last_ticks + (frame.duration or 1)

    def _lost_its_end(self) -> bool:
        if self._failed or not self._at_end:
            return self._failed
        # Where the format tells nothing, recordings of broadcasts are cut just anywhere.
        return self._holds_all is False or (self._holds_all is True and self._last_is_cut)

    @cached_property
    def _holds_all(self) -> bool | None:
        return holds_all(self._path, self._container, self.stream, self._last_pos)

    def _claimed_end_s(self) -> float | None:
        """When the last stream ends by the file's own account, in its own time."""
        if not self._container.duration:
            return None
        began_s = 0.0 if self._is(*_ABSOLUTE) else (self._container.start_time or 0) / 1e6
        return began_s + self._container.duration / 1e6

    def _duration_s(self) -> float | None:
        """How long the pictures last by the file's own account."""
        lasts_s = float((self.stream.duration or 0) * self._tick_s)
        lasts_s = lasts_s or (self._container.duration or 0) / 1e6
        late_s = self._first_s() if self._is(*_ABSOLUTE) else 0.0
        return (lasts_s - late_s if 0.0 < late_s < lasts_s else lasts_s) or None

    def _first_s(self) -> float:
        return float((self._last_ticks or 0) * self._tick_s)

    def _is(self, *names: str) -> bool:
        return self._container.format.name.startswith(names)


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
