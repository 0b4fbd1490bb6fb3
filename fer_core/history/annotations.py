"""Names of faces and marks that users add to a session."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from fer_core.history.sessions import Store, check_own, clean
from fer_core.history.tables import faces, marks


@dataclass(frozen=True, slots=True)
class Mark:
    """A time of a session that a user marked; ``t_s`` is a time of its table."""

    id: int
    t_s: float
    label: str
    note: str


class NoteStore(Store):
    """The part of the history with the users' names and marks."""

    def face_names(self, session_id: int, owner: str) -> dict[int, str]:
        """The names of faces by ``track_id``."""
        query = sa.select(faces.c.track_id, faces.c.name)
        query = query.where(faces.c.session_id == session_id, faces.c.name != "")
        with self.database.reading() as connection:
            check_own(connection, session_id, owner)
            return dict(sorted(connection.execute(query)))

    def name_face(self, session_id: int, owner: str, track_id: int, name: str) -> None:
        """Name a face; "" removes the name. Raises ``ValueError`` for an unknown face."""
        query = sa.update(faces).where(
            faces.c.session_id == session_id, faces.c.track_id == track_id
        )
        with self.database.writing() as connection:
            check_own(connection, session_id, owner)
            if connection.execute(query.values(name=clean(name).strip())).rowcount != 1:
                raise ValueError(f"session {session_id} has no face {track_id}")

    def marks(self, session_id: int, owner: str) -> list[Mark]:
        """The marks in the order of their times."""
        query = sa.select(marks.c.id, marks.c.t_s, marks.c.label, marks.c.note)
        query = query.where(marks.c.session_id == session_id).order_by(marks.c.t_s, marks.c.id)
        with self.database.reading() as connection:
            check_own(connection, session_id, owner)
            return [Mark(*row) for row in connection.execute(query)]

    def add_mark(self, session_id: int, owner: str, t_s: float, label: str, note: str = "") -> int:
        """Add a mark; returns its number."""
        values = {"t_s": t_s, "label": clean(label), "note": clean(note), "session_id": session_id}
        with self.database.writing() as connection:
            check_own(connection, session_id, owner)
            query = sa.insert(marks).values(values).returning(marks.c.id)
            return int(connection.execute(query).scalar_one())

    def remove_mark(self, session_id: int, owner: str, mark_id: int) -> None:
        """Remove a mark; a missing one is not an error."""
        query = sa.delete(marks).where(marks.c.session_id == session_id, marks.c.id == mark_id)
        with self.database.writing() as connection:
            check_own(connection, session_id, owner)
            connection.execute(query)
