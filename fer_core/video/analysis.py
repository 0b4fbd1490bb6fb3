"""A video through the analysis, with decoding ahead of it in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from queue import Empty, SimpleQueue

from fer_core.analyzer import Analyzer
from fer_core.schema import FrameResult
from fer_core.stream import StreamAnalyzer
from fer_core.video.passes import VideoInfo
from fer_core.video.reader import WHOLE, Selection, VideoFile, VideoFrame

_AHEAD_BYTES = 32_000_000
_MOST_AHEAD = 8
"""Frames that wait for the analysis: eight small ones, but only one of 8K."""

_WAIT_S = 0.5
_STUCK_S = 5.0
"""A decoder that stays within one frame for so long is left to itself."""


def analyze_video(
    video: VideoFile,
    analyzer: Analyzer,
    selection: Selection = WHOLE,
    waiting: Callable[[], None] = lambda: None,
) -> Generator[tuple[VideoFrame, FrameResult], None, None]:
    """Each selected frame of a video with what is in it, in order; faces keep their numbers.

    Frames are decoded ahead, in a thread that ends with the iteration, also where that is left
    early. ``waiting`` is called twice a second while the next frame is long in coming; what it
    raises ends the iteration. Raises what ``VideoFile.frames`` and the analyzer raise.
    """
    stream = StreamAnalyzer(analyzer)
    bytes_each = 3 * video.info.width * video.info.height
    ahead = max(1, min(_MOST_AHEAD, _AHEAD_BYTES // bytes_each))
    stop = threading.Event()
    with closing(_Ahead(video.frames(selection, stop.is_set), ahead, stop)) as decoder:
        for frame in decoder.items(waiting):
            yield frame, stream.update(frame.bgr, frame.t_s)


class _Ahead:
    """Runs a generator, which heeds ``stop``, up to ``count`` items ahead of who reads them."""

    def __init__(
        self, items: Generator[VideoFrame, None, None], count: int, stop: threading.Event
    ) -> None:
        self._items = items
        self._room = threading.Semaphore(count)
        self._ready: SimpleQueue[VideoFrame | BaseException | None] = SimpleQueue()
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name="video-decoder", daemon=True)
        self._thread.start()

    def items(self, waiting: Callable[[], None]) -> Iterator[VideoFrame]:
        """Each item in its turn; ``waiting`` is called now and then until it is there."""
        while (item := self._next(waiting)) is not None:
            self._room.release()
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop and wait for the thread: after that nobody reads the file, unless it is stuck."""
        self._stop.set()
        self._room.release()
        self._thread.join(_STUCK_S)

    def _next(self, waiting: Callable[[], None]) -> VideoFrame | BaseException | None:
        while True:
            try:
                return self._ready.get(timeout=_WAIT_S)
            except Empty:
                waiting()

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with closing(self._items) as items:
                for item in items:
                    self._room.acquire()
                    if self._stop.is_set():
                        break
                    self._ready.put(item)
        except BaseException as error:  # whatever it is, who reads the items raises it
            end = error
        self._ready.put(end)


class Progress:
    """How far the analysis of a selection is, and how long the rest will take.

    ``t_s`` is when the last frame that is done is shown, None before the first. ``share`` is 0..1,
    or None where the file does not say how long it is; ``left_s`` is None until enough is done to
    tell.
    """

    def __init__(self, info: VideoInfo, selection: Selection = WHOLE) -> None:
        self._start_s = selection.start_s
        ends = [end for end in (selection.end_s, info.duration_s) if end is not None]
        self._end_s = min(ends, default=None)
        self._began_s = time.monotonic()
        self.t_s: float | None = None

    def update(self, t_s: float) -> None:
        """The frame shown at ``t_s`` is done."""
        self.t_s = t_s

    @property
    def share(self) -> float | None:
        """The part that is done."""
        if self._end_s is None or self._end_s <= self._start_s:
            return None
        done_s = 0.0 if self.t_s is None else self.t_s - self._start_s
        return min(1.0, max(0.0, done_s / (self._end_s - self._start_s)))

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take at the pace so far."""
        passed_s = time.monotonic() - self._began_s
        share = self.share
        if not share or passed_s < _PACE_KNOWN_S:
            return None
        return passed_s * (1.0 - share) / share

    @property
    def sentence(self) -> str:
        """For people: how far it is and how long it will take."""
        if self.share is None:
            return f"{clock(self.t_s or 0.0)} done"
        left = "" if self.left_s is None else f", {clock(self.left_s)} left"
        return f"{self.share:.0%} done{left}"


_PACE_KNOWN_S = 1.0
"""The first second is spent on starting up."""


def clock(seconds: float) -> str:
    """``2:05`` or ``1:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
