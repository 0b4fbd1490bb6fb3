"""Analyses a video, with decoding ahead in a separate thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from queue import Empty, SimpleQueue

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.analysis.tracker import MAX_GAP_S
from fer_core.media.demux import VideoInfo
from fer_core.media.video import WHOLE, Selection, VideoFile, VideoFrame
from fer_core.schema import FrameResult

_AHEAD_BYTES = 32_000_000
_MOST_AHEAD = 8
"""Memory for frames that wait for the analysis: eight small ones, but only one of 8K."""

_WAIT_S = 0.5
_STUCK_S = 5.0
"""A decoder that is stuck in one frame for this long is no longer waited for."""


def analyze_video(
    video: VideoFile,
    analyzer: Analyzer,
    selection: Selection = WHOLE,
    waiting: Callable[[], None] = lambda: None,
) -> Generator[tuple[VideoFrame, FrameResult], None, None]:
    """Each selected frame of a video with its result, in order; faces keep their numbers.

    Frames are decoded ahead, in a thread that ends with the iteration, even if that is left early.
    ``waiting`` is called twice a second while the next frame takes long; what it raises ends the
    iteration. Raises what ``VideoFile.frames`` and the analyzer raise.
    """
    stream = StreamAnalyzer(analyzer)
    bytes_each = 3 * video.info.width * video.info.height
    ahead = max(1, min(_MOST_AHEAD, _AHEAD_BYTES // bytes_each))
    stop = threading.Event()
    with closing(_Ahead(video.frames(selection, stop.is_set), ahead, stop)) as decoder:
        for frame in decoder.items(waiting):
            yield frame, stream.update(frame.bgr, frame.t_s)


def step_s(info: VideoInfo, selection: Selection) -> float:
    """The time from one selected frame to the next; 0 if the file does not tell."""
    if info.fps is None:
        return 1.0 / selection.fps if selection.fps else 0.0
    # A rate takes the first frame at or after each moment.
    every = math.ceil(info.fps / selection.fps - 1e-6) if selection.fps else selection.every
    return max(1, every) / info.fps


def too_far_apart(step_s: float, frames: str = "The analysed frames") -> str:
    """A sentence if faces cannot be followed from one frame to the next at this distance."""
    if step_s <= MAX_GAP_S:
        return ""
    return (
        f"{frames} are more than two seconds apart: faces cannot be followed from one to the next, "
        "so the faces of each frame get new numbers."
    )


class _Ahead:
    """Runs a generator, which obeys ``stop``, up to ``count`` items ahead of its reader."""

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
        """The items in order; ``waiting`` is called now and then until the next is there."""
        while (item := self._next(waiting)) is not None:
            self._room.release()
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Stop the thread and wait for it; afterwards nothing reads the file, unless it is
        stuck."""
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
        except BaseException as error:  # the reader of the items raises it
            end = error
        self._ready.put(end)
