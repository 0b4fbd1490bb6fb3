"""A video through the analysis, with decoding ahead of it in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from queue import SimpleQueue

from fer_core.analyzer import Analyzer
from fer_core.schema import FrameResult
from fer_core.stream import StreamAnalyzer
from fer_core.video.passes import VideoInfo
from fer_core.video.reader import WHOLE, Selection, VideoFile, VideoFrame

_AHEAD_BYTES = 32_000_000
_MOST_AHEAD = 8
"""Frames that wait for the analysis: eight small ones, but only one of 8K."""


def analyze_video(
    video: VideoFile, analyzer: Analyzer, selection: Selection = WHOLE
) -> Generator[tuple[VideoFrame, FrameResult], None, None]:
    """Each selected frame of a video with what is in it, in order; faces keep their numbers.

    Frames are decoded ahead, in a thread that ends with the iteration, also where that is left
    early. Raises what ``VideoFile.frames`` and the analyzer raise.
    """
    stream = StreamAnalyzer(analyzer)
    bytes_each = 3 * video.info.width * video.info.height
    ahead = max(1, min(_MOST_AHEAD, _AHEAD_BYTES // bytes_each))
    with closing(_Ahead(video.frames(selection), ahead)) as frames:
        for frame in frames:
            yield frame, stream.update(frame.bgr, frame.t_s)


class _Ahead:
    """Runs a generator in a thread, up to ``count`` items ahead of who reads them."""

    def __init__(self, items: Generator[VideoFrame, None, None], count: int) -> None:
        self._items = items
        self._room = threading.Semaphore(count)
        self._ready: SimpleQueue[VideoFrame | BaseException | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="video-decoder", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[VideoFrame]:
        while (item := self._ready.get()) is not None:
            self._room.release()
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop and wait for the thread: after that nobody reads the file."""
        self._stopped.set()
        self._room.release()
        self._thread.join()

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            with closing(self._items) as items:
                for item in items:
                    self._room.acquire()
                    if self._stopped.is_set():
                        break
                    self._ready.put(item)
        except BaseException as error:  # whatever it is, who reads the items raises it
            end = error
        self._ready.put(end)


class Progress:
    """How far the analysis of a selection is, and how long the rest will take.

    ``share`` is 0..1, or None where the file does not say how long it is; ``left_s`` is None until
    enough is done to tell.
    """

    def __init__(self, info: VideoInfo, selection: Selection = WHOLE) -> None:
        self._start_s = selection.start_s
        ends = [end for end in (selection.end_s, info.duration_s) if end is not None]
        self._end_s = min(ends, default=None)
        self._began_s = time.monotonic()
        self._t_s: float | None = None

    def update(self, t_s: float) -> None:
        """The frame shown at ``t_s`` is done."""
        self._t_s = t_s

    @property
    def share(self) -> float | None:
        """The part that is done."""
        if self._end_s is None or self._end_s <= self._start_s:
            return None
        done_s = 0.0 if self._t_s is None else self._t_s - self._start_s
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
            return f"{clock(self._t_s or 0.0)} done"
        left = "" if self.left_s is None else f", {clock(self.left_s)} left"
        return f"{self.share:.0%} done{left}"


_PACE_KNOWN_S = 1.0
"""The first second is spent on starting up."""


def clock(seconds: float) -> str:
    """``2:05`` or ``1:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
