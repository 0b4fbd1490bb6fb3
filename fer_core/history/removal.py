"""Deletes sessions: hides them at once, and removes them permanently later."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from fer_core.errors import HistoryUnavailable
from fer_core.history.database import lift_time_limit
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
        there = sessions.c.deleted_at.is_(None)
        return self._set_deleted(session_ids, owner, there, datetime.now(UTC))

    def restorable(self, owner: str) -> list[int]:
        """The saved sessions of an owner that were deleted in the last ``UNDO_S`` seconds."""
        query = sa.select(sessions.c.id).where(
            sessions.c.owner == owner,
            sessions.c.kept,
            sessions.c.deleted_at > datetime.now(UTC) - _seconds(UNDO_S),
        )
        with self.database.reading() as connection:
            return sorted(connection.scalars(query))

    def restore(self, session_ids: Collection[int], owner: str) -> int:
        """Undo ``delete``; returns how many are there again, also if another tab was faster. None
        is after ``purge``."""
        return self._set_deleted(session_ids, owner, sa.true(), None)

    def delete_all(self, owner: str) -> int:
        """Permanently remove all sessions of an owner at once; returns how many.

        Unsaved sessions of video jobs are not part of the history; they are removed with the job.
        A SQLite file is rebuilt at once: there is little left in it.
        """
        which = sa.or_(sessions.c.kept, ~_of_job())
        removed = self._remove(sa.and_(sessions.c.owner == owner, which))
        try:
            self.scrub()
        except HistoryUnavailable as error:
            _log.warning("deleted, will be overwritten later: %s", error)
        return removed

    def purge_own(self, session_ids: Collection[int], owner: str) -> int:
        """Permanently remove those of these sessions that are the owner's and deleted; returns how
        many."""
        which = sessions.c.owner == owner, sessions.c.id.in_(filter(is_id, set(session_ids)))
        return self._remove(sa.and_(*which, sessions.c.deleted_at.is_not(None)))

    def purge(self, older_than_s: float) -> int:
        """Permanently remove sessions of all owners deleted this long ago; returns how many."""
        return self._remove(sessions.c.deleted_at <= datetime.now(UTC) - _seconds(older_than_s))

    def prune(self, retention_days: float) -> int:
        """Permanently remove sessions of all owners that started this long ago; returns how
        many."""
        before = datetime.now(UTC) - timedelta(days=retention_days)
        return self._remove(sessions.c.started_at < before)

    def remove_unclaimed(self) -> int:
        """Permanently remove unsaved sessions without a job; returns how many."""
        before = datetime.now(UTC) - _seconds(UNCLAIMED_S)
        return self._remove(
            sa.and_(~sessions.c.kept, ~_of_job(), sessions.c.started_at < before),
        )

    def scrub(self) -> bool:
        """Leave nothing of removed sessions in a SQLite file; see ``Database.scrub``."""
        return self.database.scrub()

    def _set_deleted(
        self,
        session_ids: Collection[int],
        owner: str,
        state: sa.ColumnElement[bool],
        deleted_at: datetime | None,
    ) -> int:
        which = sessions.c.owner == owner, sessions.c.id.in_(filter(is_id, set(session_ids)))
        with self.database.writing() as connection:
            query = sa.update(sessions).where(*which, state)
            return connection.execute(query.values(deleted_at=deleted_at)).rowcount

    def _remove(self, which: sa.ColumnElement[bool]) -> int:
        with self.database.writing() as connection:
            lift_time_limit(connection)
            removed = connection.execute(sa.delete(sessions).where(which)).rowcount
            if removed:
                self.database.request_scrub(connection)
        return removed


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _of_job() -> sa.ColumnElement[bool]:
    return sa.exists().where(jobs.c.session_id == sessions.c.id)
