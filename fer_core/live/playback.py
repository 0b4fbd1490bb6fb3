"""A video file played as if it were the camera.

A thread decodes the file and hands its frames to a ``LiveCamera`` when their time has come, as a
camera would. What that camera is too slow for it drops, so that the clip keeps its own pace.

Whoever watches asks for one picture after the other. Once nobody asks any more, because the page
was left or its tab closed, the playback ends by itself.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fer_core.errors import FerError, unexpected_error_message
from fer_core.live.frame_rate import FASTEST_FPS, FRAME_RATE
from fer_core.live.session import LiveCamera
from fer_core.media.resize import shrink
from fer_core.media.video import Selection, VideoFile, VideoFrame
from fer_core.schema import FrameResult

IDLE_S = 15.0
"""A playback that nobody watches for so long is over. A busy browser may be silent for a while."""

RESULT_S = 0.5
"""A picture that has waited for so long for its result is shown without it."""

STALE_S = 1.0
"""Marks older than this are not drawn: the face has long been elsewhere."""

PLACE_S = 0.5
"""How often a clip that waits for a free camera slot asks again."""

LONGEST_PX = 960
"""Of a frame's longer side. Cameras send 640, and each picture goes to the browser and back."""

_KEPT = 12
"""Frames that wait for their results: 0.4 s of them."""

_SELECTION = Selection(fps=FASTEST_FPS)
"""No camera of a page is faster."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture to show: a frame, at most ``LONGEST_PX`` wide and high, and what is to be marked in
    it; None where nothing is known yet."""

    frame: VideoFrame
    result: FrameResult | None


class Playback:
    """One playback, from ``start`` to ``stop``, to the end of the clip, or until nobody watches.

    ``loop`` begins the clip again at its end, and may be changed meanwhile. ``problem`` is a
    sentence once a part of the file could not be read. ``ended`` is called in the thread, once.
    Raises ``VideoError`` for a file that is no video.
    """

    def __init__(
        self,
        path: Path,
        session: LiveCamera,
        *,
        loop: bool = True,
        ended: Callable[[], object] = lambda: None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._video = VideoFile(path)
        self.session = session
        self.loop = loop
        self.problem = ""
        self._ended = ended
        self._now_s = now_s
        self._over = threading.Event()
        self._heard_s = self._began_s = now_s()
        self._pace = FRAME_RATE.camera()
        self._lock = threading.Lock()
        self._frames: deque[VideoFrame] = deque(maxlen=_KEPT)
        self._thread = threading.Thread(target=self._play, name="playback", daemon=True)

    def start(self) -> None:
        """Begin with the first frame, at time 0."""
        self._heard_s = self._began_s = self._now_s()
        self._thread.start()

    def stop(self) -> None:
        """End it without waiting."""
        self._over.set()
        self.session.stop()

    @property
    def running(self) -> bool:
        """Whether frames still come. Not yet false while the thread tidies up."""
        return self._thread.is_alive() and not self._over.is_set()

    def next_picture(self, after_s: float) -> Shown | None:
        """The newest picture later than ``after_s``, the time of the one shown last; None while
        there is none.

        Mostly that is the newest analysed frame, so that the marks sit where the face is. While
        results do not come, it is a frame without marks.
        """
        self._heard_s = self._now_s()
        with self._lock:
            frames = tuple(self._frames)
        result = self.session.latest
        for frame in frames:
            # One that is gone meanwhile gives way to the oldest that is left.
            if result is not None and frame.t_s >= result.t_s > after_s:
                return Shown(frame, result)
        if frames and frames[-1].t_s - after_s > RESULT_S:
            fresh = result is not None and frames[-1].t_s - result.t_s <= STALE_S
            return Shown(frames[-1], result if fresh else None)
        return None

    def report_wait(self, wait_s: float) -> None:
        """See ``FairFrameRate.report_wait``."""
        self._pace.report_wait(wait_s)

    def _play(self) -> None:
        try:
            start_s = self._play_once(0.0)
            while self.loop and not self._is_over() and not self.problem:
                start_s = self._play_once(start_s)
        except FerError as error:
            self.problem = str(error)
        # Whatever one file makes a decoder raise.
        except Exception as error:
            self.problem = unexpected_error_message(error)
        finally:
            self.stop()
            self._ended()

    def _play_once(self, start_s: float) -> float:
        """One time through the clip, from ``start_s`` on; when the next time begins."""
        t_s = start_s
        with closing(self._video.frames(_SELECTION, self._is_over)) as frames:
            for frame in frames:
                t_s = start_s + frame.t_s
                if not self._wait_until(t_s):
                    break
                self._submit(VideoFrame(t_s, shrink(frame.bgr, LONGEST_PX)[0]))
        if not self._is_over():
            self.problem = self._video.problem
        # Also the last frame is shown for a while; that of a picture that never moves for longer.
        return t_s + (1.0 / min(self._video.info.fps or 1.0, FASTEST_FPS) if t_s > start_s else 1.0)

    def _wait_until(self, t_s: float) -> bool:
        """Wait for a time of the clip; whether it is still to be shown then."""
        while not self._is_over():
            ahead_s = self._began_s + t_s - self._now_s()
            if ahead_s <= 0.0:
                return True
            self._over.wait(min(ahead_s, IDLE_S))
        return False

    def _submit(self, frame: VideoFrame) -> None:
        if not self._pace.due(frame.t_s):
            return
        with self._lock:
            self._frames.append(frame)
        self.session.submit(frame.bgr, frame.t_s)
        while not self.session.started and not self._is_over():  # all slots are taken
            self._over.wait(PLACE_S)
            self._began_s = self._now_s() - frame.t_s
            self.session.submit(frame.bgr, frame.t_s)

    def _is_over(self) -> bool:
        silent_s = self._now_s() - self._heard_s
        return self._over.is_set() or self.session.stopped or silent_s > IDLE_S
