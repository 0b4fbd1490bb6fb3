"""The history: sessions that were kept, with their samples, and the jobs that make them.

No picture and no frame is stored, only numbers and times, unless the user asks for a thumbnail.
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
from fer_core.history.sessions import LOCAL, Kind, SessionInfo, SessionStore

__all__ = [
    "LOCAL", "History", "JobInfo", "JobState", "Kind", "LiveRecording", "Mark", "OwnedHistory",
    "Recorder", "Ribbon", "SessionInfo", "history", "start_housekeeping",
]  # fmt: skip


class History(SessionStore, SampleStore, RibbonStore, NoteStore, JobStore, RemovalStore):
    """All of the history in one database, made, or brought up to date, on first use.

    See ``Store`` for what every method raises.
    """

    def of(self, owner: str) -> OwnedHistory:
        """What one owner may see, change and remove."""
        return OwnedHistory(self, owner)


_lock = threading.Lock()
_housekeeper: Housekeeper | None = None


@cache
def history() -> History:
    """The history of this process, in the database that the settings name."""
    return History()


def start_housekeeping() -> None:
    """Tidy the history in the background from now on; a second call does nothing."""
    global _housekeeper
    with _lock:
        if _housekeeper is None:
            _housekeeper = Housekeeper(history)
