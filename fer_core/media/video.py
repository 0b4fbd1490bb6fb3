"""Reads a video file's frames in order, upright, with square pixels and their times."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from fer_core.errors import UnreadableVideo
from fer_core.media.container import Orientation, pixel_aspect, unsqueezed
from fer_core.media.demux import DecodePass, never

_SAME_S = 1e-6
"""Times that differ by less are equal: rounding errors of added floats."""

_ROUNDED_S = 6e-4
"""Tables, Matroska and FLV round times to the millisecond, so one may be this much too early."""

_SEEK_MARGIN_S = 1.0
"""Indexes of MP4 files use decoding times, which are earlier than presentation times."""

_MOST, _FASTEST_FPS = 1_000_000_000, 1000
"""A larger number is a typing error, and calculations with it would overflow."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which frames of a video are analysed: those in ``start_s <= t_s < end_s`` and, of these,
    every ``every``-th, or ``fps`` per second (the first at or after each multiple of ``1 / fps``,
    counted from ``start_s``). ``end_s`` None is the end of the file. ``after_s`` is the time of the
    last of them that was taken in an earlier run: only those after it are left.

    Raises ``ValueError`` if nothing is selected, or ``every`` and ``fps`` are combined.
    """

    every: int = 1
    fps: float | None = None
    start_s: float = 0.0
    end_s: float | None = None
    # Not in the repr, from which a batch tells whether its selection is another.
    after_s: float | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.every <= _MOST:
            raise ValueError(f"every n-th frame: n must be from 1 to {_MOST:,}")
        if self.fps is not None and not 0.0 < self.fps <= _FASTEST_FPS:
            raise ValueError(f"frames per second must be more than 0, at most {_FASTEST_FPS}")
        if self.fps is not None and self.every != 1:
            raise ValueError("choose every n-th frame or frames per second, not both")
        if not 0.0 <= self.start_s <= _MOST:
            raise ValueError(f"the start must be from 0 to {_MOST:,} seconds")
        if self.end_s is not None and not self.start_s < self.end_s <= _MOST:
            raise ValueError(f"the end must be after the start, and at most {_MOST:,} seconds")

    def is_past(self, t_s: float) -> bool:
        """Whether a time is at or after the end."""
        return self.end_s is not None and t_s >= self.end_s - _SAME_S

    def picker(self) -> Callable[[float], bool]:
        """A function that tells for each frame of the file, in order, whether to take it."""
        count, slot = 0, -1
        if self.after_s is not None:
            count, slot = 1, self._slot(self.after_s)

        def take(t_s: float) -> bool:
            nonlocal count, slot
            if t_s < self.start_s - _SAME_S or self.is_past(t_s):
                return False
            if self.after_s is not None and t_s < self.after_s + _SAME_S:
                return False
            if self.fps is None:
                count += 1
                return (count - 1) % self.every == 0
            now = self._slot(t_s)
            later, slot = now > slot, max(now, slot)
            return later

        return take

    def _slot(self, t_s: float) -> int:
        """The number of the last multiple of ``1 / fps`` at or before a time."""
        return math.floor((t_s - self.start_s + _ROUNDED_S) * (self.fps or 0.0))

    @property
    def from_s(self) -> float:
        """From where on the file has to be read."""
        return max(self.start_s, self.after_s or 0.0)


WHOLE = Selection()
"""Every frame from the first to the last."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """A frame ``(height, width, 3)`` uint8, BGR, upright and with square pixels, shown ``t_s``
    seconds after the first."""

    t_s: float
    bgr: NDArray[np.uint8]


class VideoFile:
    """A video file: MP4, MOV, WebM, MKV, AVI or GIF. A context manager; one thread at a time.

    Raises ``UnreadableVideo`` if it is no video or has no frame, ``VideoTooLarge`` if it has more
    bytes or pixels than the limits; so does ``frames`` if the file has changed or disappeared.
    ``info`` is what the header says. After an iteration, ``problem`` is a sentence if some of it
    could not be read, and ``note`` one on what its format leaves open; else they are empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = self.note = ""
        self._closed = False
        self._to_bgr = VideoReformatter()
        with DecodePass(path) as reading:
            first = next(reading.decoded(), None)
            if first is None:
                raise UnreadableVideo(
                    "No frame of this video can be read. Copy it again from the device that "
                    "recorded it, or choose another."
                )
            ticks, frame = first
            self._first_ticks = ticks
            self._aspect = pixel_aspect(reading.stream)
            self._orientation = Orientation.of(frame, reading.stream)
            stored = unsqueezed(frame.width, frame.height, self._aspect)
            self.info = reading.info(path.name, self._orientation.size(*stored))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An iteration, possibly in another thread, closes its file at its next packet.
        self._closed = True

    def frames(
        self, selection: Selection = WHOLE, stopped: Callable[[], bool] = never
    ) -> Generator[VideoFrame, None, None]:
        """The selected frames in order, their ``t_s`` strictly increasing.

        A frame whose time does not increase is left out, and ``problem`` then says so. ``t_s``
        counts from the file's first frame, even in a section from its middle. ``stopped`` may end
        the iteration from another thread, even while it seeks the first frame.
        """
        self.problem = self.note = ""
        take, taken = selection.picker(), 0
        with ExitStack() as stack:
            reading, timed = self._from(selection.from_s, stack, lambda: self._closed or stopped())
            for t_s, frame in timed:
                if self._closed or selection.is_past(t_s):
                    break
                if take(t_s):
                    taken += 1
                    yield VideoFrame(t_s, self._picture(frame))
            self.problem, self.note = reading.problem(self._first_ticks), reading.note
        if not taken and not self.problem and selection.after_s is None:
            self.problem = "This video has no frame between the chosen start and end."

    def frame_at(self, t_s: float) -> NDArray[np.uint8] | None:
        """The frame shown at ``t_s``, as ``VideoFrame.bgr``; None before the first frame and after
        the end of the last."""
        if t_s < 0.0:
            return None
        shown: tuple[float, av.VideoFrame] | None = None
        with ExitStack() as stack:
            for found in self._from(t_s, stack)[1]:
                if found[0] > t_s + _ROUNDED_S:
                    return self._picture(shown[1]) if shown else None
                shown = found
        if shown is None:
            return None
        last_s, frame = shown
        lasts_s = float(frame.duration * (frame.time_base or 0)) or 1.0
        return self._picture(frame) if t_s <= last_s + lasts_s else None

    def _from(
        self, start_s: float, stack: ExitStack, stopped: Callable[[], bool] = never
    ) -> tuple[DecodePass, Iterator[tuple[float, av.VideoFrame]]]:
        """A pass over the file and its frames, starting at or before ``start_s``."""
        reading = stack.enter_context(DecodePass(self.path, stopped))
        if start_s > _SEEK_MARGIN_S and reading.seek(self._first_ticks, start_s - _SEEK_MARGIN_S):
            timed = reading.timed(self._first_ticks, start_s)
            first = next(timed, None)
            if first is not None and first[0] <= start_s:
                return reading, _chained(first, timed)
            # The index points too late, or to nothing: start earlier.
            reading = stack.enter_context(DecodePass(self.path, stopped))
        return reading, reading.timed(self._first_ticks, start_s)

    def _picture(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        width, height = unsqueezed(frame.width, frame.height, self._aspect)
        square = self._to_bgr.reformat(frame, width, height, format="bgr24", threads=1)
        bgr = square.to_ndarray()
        return self._orientation.upright(np.asarray(bgr, np.uint8))


def read_frame(path: Path, t_s: float) -> NDArray[np.uint8] | None:
    """The frame of a video shown ``t_s`` seconds after its first: ``(height, width, 3)`` uint8,
    BGR; None before the first one and after the last.

    Raises what ``VideoFile`` raises.
    """
    with VideoFile(path) as video:
        return video.frame_at(t_s)


def _chained(
    first: tuple[float, av.VideoFrame], others: Iterator[tuple[float, av.VideoFrame]]
) -> Iterator[tuple[float, av.VideoFrame]]:
    yield first
    yield from others
