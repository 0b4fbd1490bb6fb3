"""The sessions of the history: creates, lists and renames them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa

from fer_core.errors import SessionUnknown
from fer_core.history.database import Database, now
from fer_core.history.session_info import Kind, SessionInfo, infos
from fer_core.history.tables import sessions, tags

LOCAL = "local"
"""The owner of all sessions if there are no accounts."""

_LARGEST_ID = 2**31 - 1


class Filters(TypedDict, total=False):
    """Which sessions are listed: those of ``ids`` (all, if None) of one of ``kinds`` (of any, if
    empty) that have ``text`` in the name or the note (ignoring case) and all of ``tags``, and
    started at ``since`` or later and before ``until``."""

    ids: Collection[int] | None
    kinds: Collection[Kind]
    text: str
    tags: Collection[str]
    since: datetime | None
    until: datetime | None


class Store:
    """The base class of all parts of the history: it has the database. Thread-safe.

    ``url`` is its address (see ``database_url``), by default that of the settings. Every method
    raises ``HistoryUnavailable`` if the database cannot be used; those that take an ``owner`` raise
    ``SessionUnknown`` for a session that does not exist, was deleted, or has another owner.
    """

    def __init__(self, url: str | None = None) -> None:
        self.database = Database(url)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self.database.close()

    def check(self) -> None:
        """Raise ``HistoryUnavailable`` if the database cannot be used; see ``Database.check``."""
        self.database.check()

    @property
    def exists(self) -> bool:
        """Whether the database exists; without it, nothing was saved."""
        return self.database.exists

    @property
    def location(self) -> str:
        """Where the history is, as text for users, without a password."""
        return self.database.location

    def _change(self, session_id: int, owner: str, **values: Any) -> None:
        """Set columns of one session."""
        with self.database.writing() as connection:
            query = sa.update(sessions).where(own(session_id, owner)).values(**values)
            if connection.execute(query).rowcount != 1:
                raise unknown(session_id)


class SessionStore(Store):
    """The part of the history with whole sessions."""

    def begin(
        self,
        kind: Kind,
        name: str,
        labels: Sequence[str],
        model: str,
        detector: str,
        *,
        owner: str = LOCAL,
        kept: bool = True,
    ) -> int:
        """Create a session that starts now; returns its number.

        ``labels`` are those of its faces. ``kept`` is false if the session is not to be listed.
        """
        values = {
            "kind": kind,
            "name": clean(name),
            "labels": [str(label) for label in labels],
            "model": model,
            "detector": detector,
            "owner": owner,
            "kept": kept,
        }
        with self.database.writing() as connection:
            query = sa.insert(sessions).values(started_at=now(connection), **values)
            return int(connection.execute(query.returning(sessions.c.id)).scalar_one())

    def finish(self, session_id: int) -> None:
        """Note that no more frames will come; a removed session is not an error."""
        with self.database.writing() as connection:
            query = sa.update(sessions).where(sessions.c.id == session_id)
            connection.execute(query.values(finished=True))

    def session(self, session_id: int, owner: str) -> SessionInfo:
        """One session, saved or not."""
        with self.database.reading() as connection:
            found = infos(connection, own(session_id, owner))
        if not found:
            raise unknown(session_id)
        return found[0]

    def sessions(
        self, owner: str, *, limit: int = 100, offset: int = 0, **filters: Unpack[Filters]
    ) -> list[SessionInfo]:
        """The saved sessions that match, newest first."""
        with self.database.reading() as connection:
            return infos(connection, _listed(owner, **filters), limit, offset)

    def count(self, owner: str, **filters: Unpack[Filters]) -> int:
        """The number of sessions that ``sessions`` lists, without a limit."""
        query = sa.select(sa.func.count()).select_from(sessions).where(_listed(owner, **filters))
        with self.database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def rename(self, session_id: int, owner: str, name: str) -> None:
        """Give a session another name."""
        self._change(session_id, owner, name=clean(name))

    def set_note(self, session_id: int, owner: str, note: str) -> None:
        """Replace the note of a session."""
        self._change(session_id, owner, note=clean(note))

    def keep(self, session_id: int, owner: str) -> None:
        """Save the session of a job: list it, and keep it when the job is removed."""
        self._change(session_id, owner, kept=True)

    def set_tags(self, session_id: int, owner: str, names: Collection[str]) -> None:
        """Replace the tags of a session; surrounding blanks are removed."""
        wanted = {clean(name).strip() for name in names} - {""}
        with self.database.writing() as connection:
            # Two that replace them at once would both add the same tag.
            check_own(connection, session_id, owner, alone=True)
            connection.execute(sa.delete(tags).where(tags.c.session_id == session_id))
            if wanted:
                rows = [{"session_id": session_id, "tag": tag} for tag in sorted(wanted)]
                connection.execute(sa.insert(tags), rows)

    def tags(self, owner: str) -> list[str]:
        """All tags of the sessions that ``sessions`` lists, in order."""
        query = sa.select(tags.c.tag).join(sessions).where(_listed(owner)).distinct()
        with self.database.reading() as connection:
            return sorted(connection.scalars(query))

    def set_thumbnail(self, session_id: int, owner: str, jpeg: bytes | None) -> None:
        """Replace the thumbnail of a session, or remove it."""
        self._change(session_id, owner, thumbnail=jpeg)

    def thumbnail(self, session_id: int, owner: str) -> bytes | None:
        """The thumbnail of a session as JPEG; None if it has none."""
        query = sa.select(sessions.c.thumbnail).where(own(session_id, owner))
        with self.database.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            raise unknown(session_id)
        jpeg: bytes | None = found.thumbnail
        return jpeg


def own(session_id: int, owner: str) -> sa.ColumnElement[bool]:
    """The condition for one session of an owner that is not deleted."""
    # A page's address may contain any number, and SQLite's driver fails on larger ones.
    return sa.and_(
        sessions.c.id == (session_id if is_id(session_id) else 0),
        sessions.c.owner == owner,
        sessions.c.deleted_at.is_(None),
    )


def check_own(connection: sa.Connection, session_id: int, owner: str, alone: bool = False) -> None:
    """Raise ``SessionUnknown`` for a session that is not this owner's.

    The session cannot be removed until the transaction ends. With ``alone``, other transactions
    that check it wait until then, too.
    """
    query = sa.select(sessions.c.id).where(own(session_id, owner))
    query = query.with_for_update(read=not alone)
    if connection.execute(query).one_or_none() is None:
        raise unknown(session_id)


def unknown(session_id: int) -> SessionUnknown:
    """The error for a session that is missing or another owner's; it does not reveal which."""
    return SessionUnknown(
        f"There is no session {session_id} any more. Choose one from the history."
    )


def clean(text: str) -> str:
    """Text without what PostgreSQL cannot store: null characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def is_id(number: int) -> bool:
    """Whether this number can be that of a session."""
    return 0 < number <= _LARGEST_ID


def _listed(
    owner: str,
    ids: Collection[int] | None = None,
    kinds: Collection[Kind] = (),
    text: str = "",
    tags: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> sa.ColumnElement[bool]:
    """The condition for the saved sessions of an owner that match ``Filters``."""
    conditions = [sessions.c.owner == owner, sessions.c.deleted_at.is_(None), sessions.c.kept]
    if ids is not None:
        conditions.append(sessions.c.id.in_(filter(is_id, ids)))
    if kinds:
        conditions.append(sessions.c.kind.in_(kinds))
    if text:
        texts = (sessions.c.name, sessions.c.note)
        found = (column.icontains(clean(text), autoescape=True) for column in texts)
        conditions.append(sa.or_(*found))
    conditions += [sessions.c.id.in_(_tagged(tag)) for tag in tags]
    if since is not None:
        conditions.append(sessions.c.started_at >= since)
    if until is not None:
        conditions.append(sessions.c.started_at < until)
    return sa.and_(*conditions)


def _tagged(tag: str) -> sa.Select[tuple[int]]:
    return sa.select(tags.c.session_id).where(tags.c.tag == clean(tag).strip())
