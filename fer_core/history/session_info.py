"""What the history tells of a session, read from the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from fer_core.history.tables import sessions, tags
from fer_core.labels import EMOTIONS

Kind = Literal["photo", "live", "video"]


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session without its samples.

    ``started_at`` is UTC; ``duration_s`` is the time from the first frame to the last; ``faces`` is
    the number of different faces (of all faces if they have no ``track_id``); ``labels`` are the
    labels of its table. ``finished`` is false during the recording, and after a crash. ``kept`` is
    false for the session of a video job that the user has not saved.
    """

    id: int
    owner: str
    kind: Kind
    name: str
    note: str
    tags: tuple[str, ...]
    started_at: datetime
    duration_s: float
    frames: int
    faces: int
    labels: tuple[str, ...]
    model: str
    detector: str
    finished: bool
    kept: bool
    has_thumbnail: bool


_COLUMNS = [column for column in sessions.c if column.name != "thumbnail"]


def infos(
    connection: sa.Connection,
    where: sa.ColumnElement[bool],
    limit: int | None = None,
    offset: int = 0,
) -> list[SessionInfo]:
    """The sessions that match, newest first."""
    query = (
        sa.select(*_COLUMNS, sessions.c.thumbnail.is_not(None).label("has_thumbnail"))
        .where(where)
        .order_by(sessions.c.started_at.desc(), sessions.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    rows = connection.execute(query).mappings().all()
    tagged = _tags_of(connection, [row["id"] for row in rows])
    return [_info(row, tuple(tagged.get(row["id"], ()))) for row in rows]


def _tags_of(connection: sa.Connection, session_ids: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = sa.select(tags).where(tags.c.session_id.in_(session_ids))
    for session_id, tag in sorted(connection.execute(query)):
        found.setdefault(session_id, []).append(tag)
    return found


def _info(row: Mapping[Any, Any], tagged: tuple[str, ...]) -> SessionInfo:
    same = ("id", "owner", "kind", "name", "note", "started_at", "frames", "faces")
    more = ("model", "detector", "finished", "kept", "has_thumbnail")
    return SessionInfo(
        tags=tagged,
        duration_s=(row["last_s"] or 0.0) - (row["first_s"] or 0.0),
        labels=as_labels(row["labels"]),
        **{name: row[name] for name in (*same, *more)},
    )


def as_labels(names: Sequence[str]) -> tuple[str, ...]:
    """Labels from the database as networks have them: ``EMOTIONS`` for the seven expressions."""
    return EMOTIONS if tuple(names) == EMOTIONS else tuple(names)
