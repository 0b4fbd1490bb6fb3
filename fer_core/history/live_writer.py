"""Saves a live session to the history: the frames so far, then each new one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from fer_core.errors import HistoryError, HistoryUnavailable
from fer_core.history.recorder import Recorder
from fer_core.history.session_info import Kind
from fer_core.schema import FrameResult

if TYPE_CHECKING:
    from fer_core.history import History

_BATCH = 900

_log = logging.getLogger(__name__)


def moment_label(number: int) -> str:
    """The label of the mark with this number, from 1, that was set while the camera ran."""
    return f"Moment {number}"


class LiveRecording:
    """Saves one live session. Frames that are added before ``begin`` wait for it. Thread-safe."""

    def __init__(self, history: History, owner: str) -> None:
        self._history = history
        self._owner = owner
        self._lock = threading.Lock()
        self._early: list[FrameResult] = []
        self._recorder: Recorder | None = None
        self._ended = False
        self._names: dict[int, str] = {}
        self._marks: dict[int, int] = {}
        self.session_id: int | None = None

    def begin(
        self,
        name: str,
        labels: tuple[str, ...],
        made_by: tuple[str, str],
        past: Iterable[FrameResult],
        kind: Kind = "live",
    ) -> None:
        """Create the session and save the ``past`` frames, then those that were added.

        ``made_by`` are the names of the emotion model and the detector. Raises
        ``HistoryUnavailable``, and then saves nothing.
        """
        # Not listed until it is whole. If the process ends before that, or the database is away
        # when it should be deleted, the housekeeper removes it.
        session_id = self._history.begin(
            kind, name, labels, *made_by, owner=self._owner, kept=False
        )
        try:
            frames = iter(past)
            while results := list(islice(frames, _BATCH)):
                self._history.append(session_id, results)
            self._history.keep(session_id, self._owner)
        except HistoryError:
            with suppress(HistoryError):
                self._history.delete([session_id], self._owner)
                self._history.purge_own([session_id], self._owner)  # half of it is not for Undo
            raise
        with self._lock:
            self.session_id = session_id
            self._recorder = Recorder(self._history, session_id)
            for result in self._early:
                self._recorder.add(result)
            self._early.clear()
            ended = self._ended
        if ended:
            self.close()

    @property
    def error(self) -> str:
        """A sentence while frames cannot be saved, else ""."""
        with self._lock:
            return self._recorder.error if self._recorder else ""

    def add(self, result: FrameResult) -> None:
        """Add the next frame. Never waits for the database and never raises."""
        with self._lock:
            if self._recorder:
                self._recorder.add(result)
            elif not self._ended:
                self._early.append(result)

    def close(self) -> None:
        """Save the waiting frames and finish the session. May take seconds, and never raises:
        ``error`` says what was lost."""
        with self._lock:
            self._ended = True
            recorder, session_id = self._recorder, self.session_id
        if recorder and session_id is not None:
            recorder.close()
            try:
                self._history.finish(session_id)
            except HistoryUnavailable as error:
                _log.warning("session %s is not marked as finished: %s", session_id, error)

    def name_faces(self, names: Mapping[int, str]) -> None:
        """Save the current names of faces by ``track_id``. Raises ``HistoryUnavailable``."""
        if self.session_id is None:
            return
        for track_id, name in names.items():
            if name != self._names.get(track_id, ""):
                self._history.name_face(self.session_id, self._owner, track_id, name)
                self._names[track_id] = name

    def mark_moments(self, moments: Mapping[int, float]) -> None:
        """Save just these marks: times of frames in seconds, by the number of the mark.

        Those saved before that are not among them are removed. Raises ``HistoryUnavailable``.
        """
        if self.session_id is None:
            return
        for number in sorted(moments.keys() - self._marks.keys()):
            t_s, label = moments[number], moment_label(number)
            added = self._history.add_mark(self.session_id, self._owner, t_s, label)
            self._marks[number] = added
        for number in self._marks.keys() - moments.keys():
            self._history.remove_mark(self.session_id, self._owner, self._marks[number])
            del self._marks[number]

    def check(self) -> None:
        """Raise ``SessionUnknown`` if the session was deleted, as on the History page."""
        if self.session_id is not None:
            self._history.session(self.session_id, self._owner)

    def forget(self) -> None:
        """Stop, and delete the session if that is not done yet. Raises ``HistoryUnavailable``."""
        with self._lock:
            self._ended = True
            recorder, session_id = self._recorder, self.session_id
        if recorder and session_id is not None:
            recorder.close(timeout_s=0.0)
            self._history.delete([session_id], self._owner)
