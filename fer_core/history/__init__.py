"""The history: saved sessions with their samples, and the video jobs that produce them.

It stores numbers and times, and no pictures or frames, except a thumbnail if the user asks for one.
"""

from __future__ import annotations

import threading
from functools import cache

from fer_core.history.annotations import Mark, NoteStore
from fer_core.history.jobs import JobInfo, JobState, JobStore
from fer_core.history.live_writer import LiveRecording
from fer_core.history.owned import OwnedHistory
from fer_core.history.recorder import Recorder
from fer_core.history.removal import RemovalStore
from fer_core.history.retention import Housekeeper
from fer_core.history.ribbons import Ribbon, RibbonStore
from fer_core.history.samples import SampleStore
from fer_core.history.session_info import Kind, SessionInfo
from fer_core.history.sessions import LOCAL, Filters, SessionStore

__all__ = [
    "LOCAL", "Filters", "History", "JobInfo", "JobState", "Kind", "LiveRecording", "Mark",
    "OwnedHistory", "Recorder", "Ribbon", "SessionInfo", "history", "start_housekeeping",
]  # fmt: skip


class History(SessionStore, SampleStore, RibbonStore, NoteStore, JobStore, RemovalStore):
    """The whole history in one database, which is created or upgraded on first use.

    See ``Store`` for the errors that every method raises.
    """

    def of(self, owner: str) -> OwnedHistory:
        """The history of one owner."""
        return OwnedHistory(self, owner)


_lock = threading.Lock()
_housekeeper: Housekeeper | None = None


@cache
def history() -> History:
    """The history of this process, in the database from the settings."""
    return History()


def start_housekeeping() -> None:
    """Start to tidy the history in the background; a second call does nothing."""
    global _housekeeper
    with _lock:
        if _housekeeper is None:
            _housekeeper = Housekeeper(history)
