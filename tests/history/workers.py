"""What processes beside a test do in the same database. Each reports through a pipe."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

import sqlalchemy as sa

from fer_core.history import LOCAL, History, Recorder
from fer_core.history.tables import jobs
from tests.history.frames import begin, face, frame, frames


def claim_jobs(url: str, name: str, pipe: Connection) -> None:
    """Say that it is ready, wait, claim every job there is, and send their numbers."""
    history = History(url)
    history.jobs(LOCAL)
    pipe.send("ready")
    pipe.recv()
    claimed = []
    while job := history.claim_job(name):
        claimed.append(job.id)
    history.close()
    pipe.send(claimed)


def write_a_session(url: str, count: int, pipe: Connection) -> None:
    """Begin a session, say so, wait, and write ``count`` frames."""
    history = History(url)
    session_id = begin(history, "of a process")
    pipe.send("begun")
    pipe.recv()
    for number in range(0, count, 10):
        history.append(session_id, frames(10, start=number))
    history.close()


def record(url: str, pipe: Connection) -> None:
    """Record 30 frames a second until it is killed, and send the time of each."""
    history = History(url)
    recorder = Recorder(history, begin(history))
    start_s = time.monotonic()
    while True:
        t_s = time.monotonic() - start_s
        recorder.add(frame(t_s, face()))
        pipe.send(t_s)
        time.sleep(1 / 30)


def set_job(history: History, job_id: int, **columns: object) -> None:
    """Set columns of a job, as time or a crash would."""
    with history.database.writing() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**columns))
