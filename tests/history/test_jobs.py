"""Tests of video jobs: each goes to one worker, and jobs of dead workers are found."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from fer_core.errors import JobUnknown, SessionUnknown, TooManyJobs
from fer_core.history import LOCAL, History
from fer_core.history.tables import jobs, sessions
from tests.forked import Piped
from tests.history.conftest import Server
from tests.history.frames import begin
from tests.history.workers import claim_jobs, set_job
from tests.waiting import until


def add(history: History, name: str = "clip.mp4") -> int:
    session_id = begin(history, name, kept=False)
    return history.add_job(
        name, f"uploads/{name}", session_id, owner=LOCAL, detector="yunet", emotion="compact",
        every=2, fps=None, start_s=1.5, end_s=9.0,
    )  # fmt: skip


def test_a_job_from_waiting_to_done(history):
    job_id = add(history)
    job = history.job(job_id, LOCAL)
    assert (job.state, job.every, job.fps, job.start_s, job.end_s) == ("waiting", 2, None, 1.5, 9.0)
    assert (job.worker, job.heartbeat_at, job.finished_at, job.share) == (None, None, None, None)
    claimed = history.claim_job("host:1:a")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.worker) == (job_id, "running", "host:1:a")
    assert history.heartbeat(job_id, "host:1:a", 4.5, 0.5) == "running"
    history.end_job(job_id, "host:1:a", "done", "2 frames left out.")
    job = history.job(job_id, LOCAL)
    assert (job.done_s, job.share, job.sentence) == (4.5, 0.5, "2 frames left out.")
    assert job.finished_at is not None
    assert datetime.now(UTC) - job.finished_at < timedelta(minutes=1)
    assert history.jobs(LOCAL) == [job]
    assert history.claim_job("host:1:a") is None


def test_the_one_that_waits_longest_first(history):
    added = [add(history, str(number)) for number in range(3)]
    claimed = [history.claim_job("w") for _ in range(4)]
    assert [job and job.id for job in claimed] == [*added, None]


def test_a_job_is_left_to_the_machine_that_has_its_video(history, monkeypatch):
    elsewhere, here = add(history, "there.mp4"), add(history, "here.mp4")

    def is_here(path: str) -> bool:
        return path == "uploads/here.mp4"

    shared = not history.database.location.endswith(".sqlite3")
    claimed = [history.claim_job("w", is_here) for _ in range(2)]
    order = [here, None] if shared else [elsewhere, here]
    assert [job and job.id for job in claimed] == order
    monkeypatch.setattr("fer_core.history.jobs.ELSEWHERE_S", 0.0)
    last = history.claim_job("w", is_here)
    assert (last and last.id) == (elsewhere if shared else None)


def test_a_cancelled_job_tells_its_worker(history):
    job_id = add(history)
    history.claim_job("w")
    history.cancel_job(job_id, LOCAL)
    assert history.heartbeat(job_id, "w", 1.0, None) == "cancelled"
    history.end_job(job_id, "w", "done", "")
    assert history.job(job_id, LOCAL).state == "cancelled"
    history.remove_job(job_id, LOCAL)
    with pytest.raises(JobUnknown):
        history.heartbeat(job_id, "w", 2.0, None)


def test_a_resumed_job_is_its_old_workers_no_more(history):
    job_id = add(history)
    history.claim_job("old")
    history.cancel_job(job_id, LOCAL)
    history.resume_job(job_id, LOCAL, lambda _active: None)
    assert history.job(job_id, LOCAL).worker is None
    for _ in range(2):  # while it waits, and once another has it
        with pytest.raises(JobUnknown):
            history.heartbeat(job_id, "old", 1.0, None)
        history.end_job(job_id, "old", "cancelled", "")
        assert history.job(job_id, LOCAL).active
        history.claim_job("new")
    assert history.heartbeat(job_id, "new", 1.0, None) == "running"


def test_only_so_many_jobs_of_an_owner_wait_at_once(history):
    session_id = begin(history, "n", kept=False)
    seen: list[int] = []

    def most_three(active: int) -> None:
        seen.append(active)
        if active >= 3:
            raise TooManyJobs("Three.")

    def put_in() -> None:
        with suppress(TooManyJobs):
            history.add_job(
                "n", "p", session_id, owner=LOCAL, detector="", emotion="", allow=most_three
            )

    threads = [threading.Thread(target=put_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [0, 1, 2, 3, 3, 3, 3, 3]
    first, *_ = (job.id for job in history.jobs(LOCAL))
    history.cancel_job(first, LOCAL)
    assert add(history)
    with pytest.raises(TooManyJobs):
        history.resume_job(first, LOCAL, most_three)
    assert history.job(first, LOCAL).state == "cancelled"


def test_silent_jobs_are_interrupted_and_can_run_again(history):
    silent, lively, _waiting = (add(history, str(number)) for number in range(3))
    history.claim_job("w")
    history.claim_job("w")
    assert history.interrupt_stale(30.0) == 0
    set_job(history, silent, heartbeat_at=datetime.now(UTC) - timedelta(minutes=1))
    assert history.interrupt_stale(30.0) == 1
    states = [job.state for job in history.jobs(LOCAL)]
    assert states == ["waiting", "running", "interrupted"]
    history.resume_job(silent, LOCAL, lambda _active: None)
    history.claim_job("w")
    again = history.claim_job("other")
    assert again is not None
    assert (again.id, again.worker) == (silent, "other")
    assert lively != silent


def test_a_job_that_was_silent_for_a_while_runs_again(history):
    job_id = add(history)
    history.claim_job("w")
    set_job(history, job_id, heartbeat_at=datetime.now(UTC) - timedelta(minutes=1))
    assert history.interrupt_stale(30.0) == 1
    assert history.heartbeat(job_id, "w", 1.0, None) == "running"
    assert history.job(job_id, LOCAL).state == "running"


def test_a_job_goes_with_its_session_unless_that_is_kept(history):
    gone, kept = add(history, "gone"), add(history, "kept")
    session_of = {job.id: job.session_id for job in history.jobs(LOCAL)}
    history.keep(session_of[kept], LOCAL)
    history.remove_job(gone, LOCAL)
    history.remove_job(kept, LOCAL)
    with pytest.raises(SessionUnknown):
        history.session(session_of[gone], LOCAL)
    assert history.session(session_of[kept], LOCAL).kept
    assert history.jobs(LOCAL) == []


def test_two_that_remove_a_job_and_its_session_do_not_block_each_other(server: Server):
    history = History(server.new_database())
    job_id = add(history)

    def somebody_is_blocked() -> bool:
        query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with history.database.reading() as connection:
            return bool(connection.scalar(query))

    with ThreadPoolExecutor(1) as elsewhere:
        with history.database.writing() as connection:  # as the housekeeping removes sessions
            connection.execute(sa.select(sessions.c.id).with_for_update())
            removal = elsewhere.submit(history.remove_job, job_id, LOCAL)
            until(somebody_is_blocked)
            connection.execute(sa.delete(sessions))  # which changes the job
        removal.result()
    assert history.jobs(LOCAL) == []
    history.close()


def test_a_job_outlives_its_session(history):
    job_id = add(history)
    history.delete([history.job(job_id, LOCAL).session_id], LOCAL)
    history.purge(0.0)
    assert history.job(job_id, LOCAL).session_id is None


def test_jobs_on_which_nobody_works_any_more(history):
    done, _waiting = add(history, "done"), add(history, "waiting")
    history.claim_job("w")
    now = datetime.now(UTC)
    assert history.ended_jobs(now) == []
    history.end_job(done, "w", "done", "")
    assert history.ended_jobs(now) == []
    assert [job.id for job in history.ended_jobs(datetime.now(UTC))] == [done]


def test_threads_never_get_the_same_job(history):
    added = [add(history, str(number)) for number in range(16)]
    claimed: list[int] = []

    def work() -> None:
        while job := history.claim_job(threading.current_thread().name):
            claimed.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == added


def test_two_processes_never_get_the_same_job(history, url):
    added = [add(history, str(number)) for number in range(20)]
    both = [Piped(claim_jobs, url, name) for name in ("one", "two")]
    assert [process.pipe.recv() for process in both] == ["ready"] * 2
    for process in both:
        process.pipe.send("go")
    claimed = [process.pipe.recv() for process in both]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(number for each in claimed for number in each) == added
    with history.database.reading() as connection:
        states = connection.execute(sa.select(jobs.c.state).distinct()).all()
    assert states == [("running",)]
