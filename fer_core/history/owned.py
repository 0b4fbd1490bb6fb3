"""The history of one owner, which pages read and change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from fer_core.history.annotations import Mark
from fer_core.history.ribbons import Ribbon
from fer_core.history.session_info import Kind, SessionInfo
from fer_core.history.sessions import Filters
from fer_core.schema import FrameResult

if TYPE_CHECKING:
    from fer_core.history import History


class OwnedHistory:
    """The sessions of one owner; other owners' sessions cannot be reached through it.

    ``History`` also has methods for sessions of all owners (``purge``, ``prune``, ``append``,
    ``end_job``), which the housekeeper and the workers use. The methods here call those of the
    same names and raise the same errors.
    """

    def __init__(self, history: History, owner: str) -> None:
        self._history = history
        self.owner = owner

    @property
    def location(self) -> str:
        """Where the history is, as text for users, without a password."""
        return self._history.location

    def count(self, **filters: Unpack[Filters]) -> int:
        """The number of sessions that ``sessions`` lists, without a limit."""
        return self._history.count(self.owner, **filters)

    def sessions(self, *, limit: int = 100, **filters: Unpack[Filters]) -> list[SessionInfo]:
        """The saved sessions that match, newest first."""
        return self._history.sessions(self.owner, limit=limit, **filters)

    def session(self, session_id: int) -> SessionInfo:
        """One session, saved or not."""
        return self._history.session(session_id, self.owner)

    def table(self, session_id: int) -> pd.DataFrame:
        """A session as the table of ``timeline.columns``."""
        return self._history.table(session_id, self.owner)

    def ribbons(self, session_ids: Collection[int]) -> dict[int, Ribbon]:
        """The number of frames in which each expression was dominant, in equal parts of these
        sessions."""
        return self._history.ribbons(session_ids, self.owner)

    def begin(
        self,
        kind: Kind,
        name: str,
        labels: Sequence[str],
        model: str,
        detector: str,
        *,
        kept: bool = True,
    ) -> int:
        """Create a session that starts now; returns its number. Unless ``kept``, it is listed once
        ``keep`` is called, and removed if that does not come."""
        return self._history.begin(kind, name, labels, model, detector, owner=self.owner, kept=kept)

    def keep(self, session_id: int) -> None:
        """List a session, and keep it."""
        self._history.keep(session_id, self.owner)

    def append(self, session_id: int, results: Sequence[FrameResult]) -> None:
        """Save frames of a session, all or none."""
        self._history.session(session_id, self.owner)
        self._history.append(session_id, results)

    def finish(self, session_id: int) -> None:
        """Note that no more frames will come."""
        self._history.session(session_id, self.owner)
        self._history.finish(session_id)

    def rename(self, session_id: int, name: str) -> None:
        """Give a session another name."""
        self._history.rename(session_id, self.owner, name)

    def set_note(self, session_id: int, note: str) -> None:
        """Replace the note of a session."""
        self._history.set_note(session_id, self.owner, note)

    def tags(self) -> list[str]:
        """All tags of the sessions that ``sessions`` lists, in order."""
        return self._history.tags(self.owner)

    def set_tags(self, session_id: int, names: Collection[str]) -> None:
        """Replace the tags of a session; surrounding blanks are removed."""
        self._history.set_tags(session_id, self.owner, names)

    def thumbnail(self, session_id: int) -> bytes | None:
        """The thumbnail of a session as JPEG; None if it has none."""
        return self._history.thumbnail(session_id, self.owner)

    def set_thumbnail(self, session_id: int, jpeg: bytes | None) -> None:
        """Replace the thumbnail of a session, or remove it."""
        self._history.set_thumbnail(session_id, self.owner, jpeg)

    def face_names(self, session_id: int) -> dict[int, str]:
        """The names of faces by ``track_id``."""
        return self._history.face_names(session_id, self.owner)

    def name_face(self, session_id: int, track_id: int, name: str) -> None:
        """Name a face; "" removes the name."""
        self._history.name_face(session_id, self.owner, track_id, name)

    def marks(self, session_id: int) -> list[Mark]:
        """The marks in the order of their times."""
        return self._history.marks(session_id, self.owner)

    def add_mark(self, session_id: int, t_s: float, label: str, note: str = "") -> int:
        """Add a mark; returns its number."""
        return self._history.add_mark(session_id, self.owner, t_s, label, note)

    def remove_mark(self, session_id: int, mark_id: int) -> None:
        """Remove a mark; a missing one is not an error."""
        self._history.remove_mark(session_id, self.owner, mark_id)

    def delete(self, session_ids: Collection[int]) -> int:
        """Hide sessions at once; they are removed later, and can be restored until then. Returns
        how many were there to be hidden."""
        return self._history.delete(session_ids, self.owner)

    def restorable(self) -> list[int]:
        """The sessions that were deleted in the last ``UNDO_S`` seconds."""
        return self._history.restorable(self.owner)

    def restore(self, session_ids: Collection[int]) -> int:
        """Undo ``delete``; returns how many came back."""
        return self._history.restore(session_ids, self.owner)

    def purge(self, session_ids: Collection[int]) -> int:
        """Permanently remove those of these sessions that are deleted; returns how many."""
        return self._history.purge_own(session_ids, self.owner)

    def delete_all(self) -> int:
        """Permanently remove all sessions at once; returns how many."""
        return self._history.delete_all(self.owner)
