"""Deletes sessions: hides them at once, and removes them permanently later."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from fer_core.errors import HistoryUnavailable
from fer_core.history.database import lift_time_limit, now
from fer_core.history.sessions import Store, is_id
from fer_core.history.tables import jobs, sessions

UNDO_S = 60.0
"""How long a deleted session can be restored."""

UNCLAIMED_S = 3600.0
"""How long an unsaved session may exist without a job, which is created right after it."""

_log = logging.getLogger(__name__)


class RemovalStore(Store):
    """The part of the history that deletes sessions.

    Traces of those that were permanently removed stay in a SQLite file until ``scrub``.
    """

    def delete(self, session_ids: Collection[int], owner: str) -> int:
        """Hide sessions at once; ``purge`` removes them. Returns how many were there to be hidden:
        another tab may have deleted some before."""
        there = sa.and_(_of(owner, session_ids), sessions.c.deleted_at.is_(None))
        with self.database.writing() as connection:
            query = sa.update(sessions).where(there)
            return connection.execute(query.values(deleted_at=now(connection))).rowcount

    def restorable(self, owner: str) -> list[int]:
        """The saved sessions of an owner that were deleted in the last ``UNDO_S`` seconds."""
        query = sa.select(sessions.c.id).where(sessions.c.owner == owner, sessions.c.kept)
        with self.database.reading() as connection:
            since = now(connection) - _seconds(UNDO_S)
            return sorted(connection.scalars(query.where(sessions.c.deleted_at > since)))

    def restore(self, session_ids: Collection[int], owner: str) -> int:
        """Undo ``delete``; returns how many are there again, also if another tab was faster. None
        is after ``purge``."""
        with self.database.writing() as connection:
            query = sa.update(sessions).where(_of(owner, session_ids))
            return connection.execute(query.values(deleted_at=None)).rowcount

    def delete_all(self, owner: str) -> int:
        """Permanently remove all sessions of an owner at once; returns how many.

        Unsaved sessions of video jobs are not part of the history; they are removed with the job.
        A SQLite file is rebuilt at once: there is little left in it.
        """
        which = sa.or_(sessions.c.kept, ~_of_job())
        with self.database.writing() as connection:
            removed = self._remove(connection, sa.and_(sessions.c.owner == owner, which))
        try:
            self.scrub()
        except HistoryUnavailable as error:
            _log.warning("deleted, will be overwritten later: %s", error)
        return removed

    def purge_own(self, session_ids: Collection[int], owner: str) -> int:
        """Permanently remove those of these sessions that are the owner's and deleted; returns how
        many."""
        deleted = sa.and_(_of(owner, session_ids), sessions.c.deleted_at.is_not(None))
        with self.database.writing() as connection:
            return self._remove(connection, deleted)

    def purge(self, older_than_s: float) -> int:
        """Permanently remove sessions of all owners deleted this long ago; returns how many."""
        with self.database.writing() as connection:
            before = now(connection) - _seconds(older_than_s)
            return self._remove(connection, sessions.c.deleted_at <= before)

    def prune(self, retention_days: float) -> int:
        """Permanently remove sessions of all owners that started this long ago; returns how
        many."""
        with self.database.writing() as connection:
            before = now(connection) - timedelta(days=retention_days)
            return self._remove(connection, sessions.c.started_at < before)

    def remove_unclaimed(self) -> int:
        """Permanently remove unsaved sessions without a job; returns how many."""
        with self.database.writing() as connection:
            old = sessions.c.started_at < now(connection) - _seconds(UNCLAIMED_S)
            return self._remove(connection, sa.and_(~sessions.c.kept, ~_of_job(), old))

    def scrub(self) -> bool:
        """Leave nothing of removed sessions in a SQLite file; see ``Database.scrub``."""
        return self.database.scrub()

    def _remove(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
        lift_time_limit(connection)
        removed = connection.execute(sa.delete(sessions).where(which)).rowcount
        if removed:
            self.database.request_scrub(connection)
        return removed


def _of(owner: str, session_ids: Collection[int]) -> sa.ColumnElement[bool]:
    """The condition for those of these sessions that are the owner's."""
    return sa.and_(sessions.c.owner == owner, sessions.c.id.in_(filter(is_id, set(session_ids))))


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _of_job() -> sa.ColumnElement[bool]:
    return sa.exists().where(jobs.c.session_id == sessions.c.id)
