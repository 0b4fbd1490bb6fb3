"""Writes frames to the history in a background thread, so that no other thread waits for it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import replace

from fer_core.errors import FerError, HistoryUnavailable
from fer_core.history.samples import SampleStore
from fer_core.schema import FrameResult
from fer_core.wording import count_of

FLUSH_S = 0.5
"""The longest time before a frame is written, which a crash may lose."""

MAX_WAITING = 9000
"""Frames that wait while the database cannot be written: 5 minutes at 30 per second, 20 MB."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_BATCH = 900

_log = logging.getLogger(__name__)


class Recorder:
    """Writes the frames of one session in the background, twice a second.

    While the history cannot be written, ``error`` says so and up to ``MAX_WAITING`` frames wait;
    the oldest are lost first. It retries with growing pauses.
    """

    def __init__(self, history: SampleStore, session_id: int) -> None:
        self._history = history
        self._session_id = session_id
        self._changed = threading.Condition()
        self._waiting: deque[FrameResult] = deque()
        self._lost = 0
        self._failure = ""
        self._ended = False
        self._closing = False
        name = f"history-{session_id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def error(self) -> str:
        """A sentence while frames cannot be saved, and later if some were lost; else ""."""
        with self._changed:
            lost = f"This session lost {count_of(self._lost, 'frame')}." if self._lost else ""
            if not self._failure or self._ended:
                return f"{self._failure} {lost}".strip()
            waiting = count_of(len(self._waiting), "frame")
            told = f"{self._failure} The live picture goes on; waiting to be saved: {waiting}."
            return f"{told} {lost}".strip()

    def add(self, result: FrameResult) -> None:
        """Add the next frame. Never waits for the database and never raises."""
        # The 68 points per face take most of the memory, and the history does not store them.
        bare = replace(result, faces=tuple(replace(face, landmarks=()) for face in result.faces))
        with self._changed:
            if self._closing or self._ended:
                return
            self._waiting.append(bare)
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popleft()
                self._lost += 1
            self._changed.notify()

    def close(self, timeout_s: float = 5.0) -> None:
        """Save the waiting frames, with one last attempt, and end; waits at most ``timeout_s``."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = FLUSH_S
        while self._await_frames(pause_s):
            try:
                saved = self._save()
            except HistoryUnavailable as error:
                self._failed(error)
                if self._give_up():
                    return
                pause_s = min(max(2.0 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            except Exception as error:
                # The session was deleted, or has other labels: a retry cannot help.
                if not isinstance(error, FerError):
                    _log.exception("recording session %s", self._session_id)
                self._end(f"This session is no longer recorded: {error}")
                return
            else:
                pause_s = 0.0 if saved == _BATCH else FLUSH_S

    def _await_frames(self, pause_s: float) -> bool:
        """Wait for frames, then collect more for ``pause_s``; false when everything is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._waiting)
            self._changed.wait_for(lambda: self._closing, pause_s)
            return bool(self._waiting)

    def _save(self) -> int:
        """Write a batch; returns the number of frames."""
        with self._changed:
            batch = [self._waiting[i] for i in range(min(_BATCH, len(self._waiting)))]
        self._history.append(self._session_id, batch)
        with self._changed:
            # Frames of this batch that newer ones have replaced meanwhile are saved, not lost.
            self._lost -= len(batch)
            while self._waiting and self._waiting[0].t_s <= batch[-1].t_s:
                self._waiting.popleft()
                self._lost += 1
            self._failure = ""
        return len(batch)

    def _failed(self, error: HistoryUnavailable) -> None:
        with self._changed:
            if not self._failure:
                _log.warning("session %s: %s", self._session_id, error)
            self._failure = str(error)

    def _give_up(self) -> bool:
        """After a failure, end if ``close`` was called; returns whether it ended."""
        with self._changed:
            closing = self._closing
        if closing:
            self._end(self._failure)
        return closing

    def _end(self, failure: str) -> None:
        with self._changed:
            self._failure = failure
            self._lost += len(self._waiting)
            self._waiting.clear()
            self._ended = True
