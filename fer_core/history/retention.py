"""Removes deleted sessions, expired sessions, and sessions of removed jobs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from fer_core.errors import HistoryUnavailable
from fer_core.history.removal import UNDO_S, RemovalStore
from fer_core.settings import settings

INTERVAL_S = 60.0
"""The time between two rounds, short so that deleted sessions are removed soon."""

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
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the current round."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                removed = tidy(self._history(), settings().retention_days)
                if removed:
                    _log.info("removed %d sessions from the history", removed)
                self._failure = ""
            except HistoryUnavailable as error:
                if str(error) != self._failure:  # logged once, not every minute
                    _log.warning("%s", error)
                self._failure = str(error)
            except Exception:
                _log.exception("tidying the history")
            if self._stopped.wait(self._interval_s):
                return
