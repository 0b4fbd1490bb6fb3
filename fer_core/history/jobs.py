"""Video jobs in the database: their states, progress and results.

``fer_core.jobs`` does the work. Workers of several processes may share one database: each job goes
to one of them, and jobs of a dead worker are found by their missing signs of life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from fer_core.errors import JobUnknown, SessionUnknown
from fer_core.history.database import now
from fer_core.history.sessions import Store, check_own, clean
from fer_core.history.tables import jobs, sessions
from fer_core.media.video import Selection

JobState = Literal["waiting", "running", "done", "cancelled", "failed", "interrupted"]

ACTIVE: tuple[JobState, ...] = ("waiting", "running")
"""The states of an unfinished job."""

RESUMABLE: tuple[JobState, ...] = ("cancelled", "interrupted", "failed")
"""The states of a job whose rest can be analysed later."""

RESULTS_DELETED = "The results of this video were deleted. Add the video again."

ELSEWHERE_S = 3600.0
"""After waiting this long, a job is also taken by a machine without its video, where it fails with
a sentence, because the machine that had it is gone."""

_LARGEST_ID = 2**31 - 1

_QUEUE_LOCK = 0x0FE2_0B5
"""The first half of the keys of PostgreSQL's advisory locks for the jobs of one owner."""


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A video job.

    ``session_id`` are its samples (None once they are deleted); ``path`` the uploaded copy;
    ``every``, ``fps``, ``start_s`` and ``end_s`` the selected frames; ``done_s`` the time of the
    last analysed frame and ``share`` the progress, 0..1, if known; ``sentence`` an error or a
    problem for users; ``worker`` the claim of the worker that runs or ran it, ``host:pid:uuid``.
    Times are UTC.
    """

    id: int
    owner: str
    session_id: int | None
    name: str
    path: str
    every: int
    fps: float | None
    start_s: float
    end_s: float | None
    detector: str
    emotion: str
    state: JobState
    done_s: float
    share: float | None
    sentence: str
    worker: str | None
    created_at: datetime
    heartbeat_at: datetime | None
    finished_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ACTIVE

    @property
    def results_session_id(self) -> int:
        """The session with its samples. Raises ``SessionUnknown`` once they were deleted."""
        if self.session_id is None:
            raise SessionUnknown(RESULTS_DELETED)
        return self.session_id

    @property
    def selection(self) -> Selection:
        """The selected frames."""
        return Selection(every=self.every, fps=self.fps, start_s=self.start_s, end_s=self.end_s)


class JobStore(Store):
    """The part of the history with video jobs. Raises ``JobUnknown`` like ``SessionUnknown``."""

    def add_job(
        self,
        name: str,
        path: str,
        session_id: int,
        *,
        owner: str,
        detector: str,
        emotion: str,
        every: int = 1,
        fps: float | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        allow: Callable[[int], None] = lambda _active: None,
    ) -> int:
        """Add a job to the queue; returns its number. ``session_id`` belongs to the owner.

        ``allow`` gets the number of the owner's jobs that wait or run, and raises an error if there
        may not be another; no other is added meanwhile.
        """
        values = {
            "name": clean(name),
            "path": path,
            "session_id": session_id,
            "owner": owner,
            "detector": detector,
            "emotion": emotion,
            "every": every,
            "fps": fps,
            "start_s": start_s,
            "end_s": end_s,
        }
        with self._queueing(owner, allow) as connection:
            check_own(connection, session_id, owner)
            query = sa.insert(jobs).values(created_at=now(connection), **values)
            return int(connection.execute(query.returning(jobs.c.id)).scalar_one())

    def resume_job(self, job_id: int, owner: str, allow: Callable[[int], None]) -> None:
        """Put a ``RESUMABLE`` job back in the queue, behind those that wait; see ``add_job``.

        Whoever works on it still has lost it.
        """
        values = {"state": "waiting", "sentence": "", "worker": None, "finished_at": None}
        query = sa.update(jobs).where(_is(job_id), jobs.c.state.in_(RESUMABLE))
        with self._queueing(owner, allow) as connection:
            _job(connection, job_id, owner)
            connection.execute(query.values(heartbeat_at=now(connection), **values))

    def cancel_job(self, job_id: int, owner: str) -> None:
        """End a job that waits or runs; its worker learns it from ``heartbeat``."""
        query = sa.update(jobs).where(_is(job_id), jobs.c.state.in_(ACTIVE))
        with self.database.writing() as connection:
            _job(connection, job_id, owner)
            connection.execute(query.values(state="cancelled", finished_at=now(connection)))

    def jobs(self, owner: str) -> list[JobInfo]:
        """The jobs of an owner, newest first."""
        query = sa.select(jobs).where(jobs.c.owner == owner).order_by(jobs.c.id.desc())
        with self.database.reading() as connection:
            return [JobInfo(*row) for row in connection.execute(query)]

    def job(self, job_id: int, owner: str) -> JobInfo:
        """One job."""
        with self.database.reading() as connection:
            return _job(connection, job_id, owner)

    def now(self) -> datetime:
        """The time by the clock of the database, which sets the times of all jobs."""
        with self.database.reading() as connection:
            return now(connection)

    def ended_jobs(self, before: datetime) -> list[JobInfo]:
        """The ended jobs of all owners that were last worked on before ``before``."""
        last = sa.func.coalesce(jobs.c.finished_at, jobs.c.heartbeat_at, jobs.c.created_at)
        idle = jobs.c.state.not_in(ACTIVE)
        query = sa.select(jobs).where(idle, last <= before).order_by(jobs.c.id)
        with self.database.reading() as connection:
            return [JobInfo(*row) for row in connection.execute(query)]

    def all_jobs(self) -> list[JobInfo]:
        """The jobs of all owners."""
        with self.database.reading() as connection:
            return [JobInfo(*row) for row in connection.execute(sa.select(jobs))]

    def end_waiting(self, before: datetime, sentence: str) -> None:
        """End the jobs of all owners that were added before ``before`` and still wait."""
        old = sa.and_(jobs.c.state == "waiting", jobs.c.created_at <= before)
        query = sa.update(jobs).where(old).values(state="failed", sentence=sentence)
        with self.database.writing() as connection:
            connection.execute(query.values(finished_at=now(connection)))

    def claim_job(
        self, worker: str, is_here: Callable[[str], bool] = lambda _path: True
    ) -> JobInfo | None:
        """Take the job that has waited longest; None if none waits.

        ``worker`` is another name for each claim, so that a worker whose job was cancelled, resumed
        and claimed again cannot take the new claim for its own. A resumed job waits from when it
        was resumed. ``is_here`` tells whether this machine has the video at a path. If machines
        share a database, a job is left to the one with its video for ``ELSEWHERE_S``.

        No two workers, threads or processes, get the same job.
        """
        since = sa.func.coalesce(jobs.c.heartbeat_at, jobs.c.created_at)
        waiting = sa.select(jobs.c.id, jobs.c.path, since).where(jobs.c.state == "waiting")
        with self.database.reading() as connection:
            in_line = connection.execute(waiting).all()
            alone = connection.dialect.name == "sqlite"
            lost = now(connection) - timedelta(seconds=ELSEWHERE_S)
        mine = [number for number, path, at in in_line if alone or is_here(path) or at <= lost]
        if not mine:
            return None
        # PostgreSQL passes over a row that another worker is just taking; SQLite, which has no
        # such clause, lets one transaction write at a time.
        ready = sa.select(jobs.c.id).where(jobs.c.id.in_(mine), jobs.c.state == "waiting")
        first = ready.order_by(since, jobs.c.id).limit(1)
        chosen = first.with_for_update(skip_locked=True).scalar_subquery()
        query = sa.update(jobs).where(jobs.c.id == chosen).returning(*jobs.c)
        values = {"state": "running", "worker": worker, "sentence": ""}
        with self.database.writing() as connection:
            claimed = query.values(heartbeat_at=now(connection), **values)
            found = connection.execute(claimed).one_or_none()
        return None if found is None else JobInfo(*found)

    def heartbeat(self, job_id: int, worker: str, done_s: float, share: float | None) -> JobState:
        """Note a sign of life and the progress of a job that ``worker`` claimed.

        Returns its state, so that the worker learns that it was cancelled; one that was interrupted
        for want of a sign of life runs again. Raises ``JobUnknown`` if it was removed, or resumed
        and so is not this worker's any more.
        """
        state = sa.case((jobs.c.state == "interrupted", "running"), else_=jobs.c.state)
        values = {"state": state, "done_s": done_s, "share": share}
        query = sa.update(jobs).where(_is(job_id), jobs.c.worker == worker).returning(jobs.c.state)
        with self.database.writing() as connection:
            changed = query.values(heartbeat_at=now(connection), **values)
            found: JobState | None = connection.scalars(changed).one_or_none()
        if found is None:
            raise _unknown(job_id)
        return found

    def end_job(self, job_id: int, worker: str, state: JobState, sentence: str) -> None:
        """Note how a job ended that ``worker`` claimed.

        Nothing changes if it was cancelled, removed or resumed meanwhile.
        """
        mine = sa.and_(_is(job_id), jobs.c.worker == worker)
        query = sa.update(jobs).where(mine, jobs.c.state.in_(("running", "interrupted")))
        values = {"state": state, "sentence": clean(sentence)}
        with self.database.writing() as connection:
            ended_at = None if state == "interrupted" else now(connection)
            connection.execute(query.values(finished_at=ended_at, **values))

    def interrupt_stale(self, older_than_s: float) -> int:
        """Mark running jobs without a sign of life for this long as interrupted; returns how
        many."""
        limit = timedelta(seconds=older_than_s)
        query = sa.update(jobs).where(jobs.c.state == "running").values(state="interrupted")
        with self.database.writing() as connection:
            time = now(connection)
            # A sign of life from the future is from before the clock was set back.
            lively = jobs.c.heartbeat_at.between(time - limit, time + limit)
            return connection.execute(query.where(~lively)).rowcount

    def remove_job(self, job_id: int, owner: str) -> None:
        """Remove a job, and its session unless that is saved."""
        with self.database.writing() as connection:
            session_id = _job(connection, job_id, owner).session_id
            # In the order of whoever removes old sessions, which changes their jobs: in the other
            # order, each might wait for the other.
            first = sa.select(sessions.c.id).where(sessions.c.id == session_id)
            connection.execute(first.with_for_update())
            if connection.execute(sa.delete(jobs).where(_is(job_id))).rowcount != 1:
                raise _unknown(job_id)
            unkept = sa.and_(sessions.c.id == session_id, ~sessions.c.kept)
            hide = sa.update(sessions).where(unkept, sessions.c.deleted_at.is_(None))
            connection.execute(hide.values(deleted_at=now(connection)))

    @contextmanager
    def _queueing(self, owner: str, allow: Callable[[int], None]) -> Iterator[sa.Connection]:
        """A transaction in which no other adds to the owner's waiting and running jobs."""
        active = sa.select(sa.func.count()).where(jobs.c.owner == owner, jobs.c.state.in_(ACTIVE))
        with self.database.writing() as connection:
            # SQLite lets one transaction write at a time.
            if connection.dialect.name == "postgresql":
                key = sa.func.hashtext(owner)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_QUEUE_LOCK, key)))
            allow(connection.execute(active).scalar_one())
            yield connection


def _is(job_id: int) -> sa.ColumnElement[bool]:
    # See sessions.own.
    return jobs.c.id == (job_id if 0 < job_id <= _LARGEST_ID else 0)


def _job(connection: sa.Connection, job_id: int, owner: str) -> JobInfo:
    query = sa.select(jobs).where(_is(job_id), jobs.c.owner == owner)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise _unknown(job_id)
    return JobInfo(*found)


def _unknown(job_id: int) -> JobUnknown:
    return JobUnknown(f"There is no video job {job_id}. Add the video again.")
