"""Removes deleted sessions, expired sessions, and sessions of removed jobs, with their traces."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from fer_core.errors import HistoryUnavailable
from fer_core.history.removal import UNDO_S, RemovalStore
from fer_core.settings import settings

INTERVAL_S = 60.0
"""The time between two rounds, short so that deleted sessions are removed soon."""

SCRUB_PAUSE = 20
"""How many times as long as a SQLite file was last rebuilt it is left alone, because nobody can
write meanwhile: at most a twentieth of the time."""

_log = logging.getLogger(__name__)


def tidy(history: RemovalStore, retention_days: int | None) -> int:
    """One round; returns how many sessions were removed. Raises ``HistoryUnavailable``."""
    removed = history.purge(UNDO_S) + history.remove_unclaimed()
    if retention_days is not None:
        removed += history.prune(retention_days)
    return removed


class Housekeeper:
    """Tidies the history in the background: at once, then every ``interval_s``.

    ``history`` is called in each round, because the settings may have changed.
    """

    def __init__(self, history: Callable[[], RemovalStore], interval_s: float = INTERVAL_S) -> None:
        self._history = history
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._failure = ""
        self._traces = ""  # why they are still there
        self._pause_until_s = -math.inf
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the current round."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                history = self._history()
                failure = self._tidy(history) or self._scrub(history)
                if failure and failure != self._failure:  # logged once, not every minute
                    _log.warning("%s", failure)
                self._failure = failure
            except Exception:
                _log.exception("tidying the history")
            if self._stopped.wait(self._interval_s):
                return

    def _tidy(self, history: RemovalStore) -> str:
        """One round; what went wrong, if anything."""
        try:
            removed = tidy(history, settings().retention_days)
        except HistoryUnavailable as error:
            return str(error)
        if removed:
            _log.info("removed %d sessions from the history", removed)
        return ""

    def _scrub(self, history: RemovalStore) -> str:
        """Overwrite what was removed, unless that was just tried; what went wrong, if anything."""
        start_s = time.monotonic()
        if start_s >= self._pause_until_s:
            self._traces = ""
            try:
                history.scrub()
            except HistoryUnavailable as error:
                self._traces = f"deleted sessions are not overwritten yet: {error}"
            now_s = time.monotonic()
            self._pause_until_s = now_s + SCRUB_PAUSE * (now_s - start_s)
        return self._traces
