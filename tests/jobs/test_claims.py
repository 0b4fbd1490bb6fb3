"""Tests of who works on a job: one worker at a time, and the last who claimed it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fer_core.errors import HistoryUnavailable, SessionUnknown, TooManyJobs
from fer_core.history.jobs import RESULTS_DELETED
from fer_core.jobs import worker
from tests.jobs.test_queue import OWNER, Gate, clip, ended, submit, table, times
from tests.jobs.test_queue import film as film
from tests.jobs.test_queue import make as make
from tests.jobs.test_queue import store as store
from tests.waiting import until


@pytest.mark.parametrize("workers", [1, 2])
def test_a_resume_soon_after_cancel_is_not_lost(make, store, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    gate = Gate(after=2)  # the detector looks every half second
    jobs = make(gate, workers=workers)
    number = submit(jobs, clip(tmp_path / "long.mp4", frames=90))
    until(gate.reached.is_set)
    jobs.cancel(number, OWNER)
    jobs.resume(number, OWNER)
    if workers == 2:  # the second claims it while the first still has a frame in hand
        until(lambda: jobs.job(number, OWNER).state == "running" and gate.count > 3)
    gate.open.set()
    job = ended(jobs, number, "done")
    until(lambda: not jobs._at_work)
    assert times(store, job) == pytest.approx([n / 30 for n in range(90)], abs=1e-3)
    assert table(store, job)["track_id"].nunique() == 2


def test_a_job_without_results_is_not_resumed(make, store, film):
    gate = Gate(after=0)
    jobs = make(gate)
    number = submit(jobs, film, keep=True)
    until(gate.reached.is_set)
    jobs.cancel(number, OWNER)
    gate.open.set()
    until(lambda: not jobs._at_work)
    store.delete([jobs.job(number, OWNER).session_id], OWNER)
    for _ in range(2):  # while it may be restored, and then for good
        with pytest.raises(SessionUnknown, match="results of this video were deleted"):
            jobs.resume(number, OWNER)
        assert jobs.job(number, OWNER).state == "cancelled"
        store.purge(0.0)


def test_a_job_whose_results_are_deleted_ends_with_a_sentence(make, store, film, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    gate = Gate(after=1)
    jobs = make(gate)
    number = submit(jobs, film, keep=True)
    waiting = submit(jobs, film, keep=True)
    until(gate.reached.is_set)
    store.delete_all(OWNER)
    gate.open.set()
    for each in (number, waiting):
        assert ended(jobs, each, "failed").sentence == RESULTS_DELETED


def test_a_video_that_cannot_be_saved_is_not_queued(make, store, film, tmp_path, monkeypatch):
    def fail(*_args):
        raise HistoryUnavailable("The history cannot be used.")

    monkeypatch.setattr(type(store), "keep", fail)
    jobs = make(workers=0)
    with pytest.raises(HistoryUnavailable):
        submit(jobs, film, keep=True)
    assert jobs.jobs(OWNER) == []


def test_videos_added_at_once_do_not_pass_the_limit(make, store, film, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MAX_USER_JOBS", "2")
    gate = Gate(after=0)
    jobs = make(gate)
    ready = threading.Barrier(6)

    def add(_: int) -> bool:
        ready.wait()
        try:
            submit(jobs, film, keep=True)
        except TooManyJobs:
            return False
        return True

    with ThreadPoolExecutor(6) as visitors:
        assert sorted(visitors.map(add, range(6))) == [False] * 4 + [True] * 2
    assert len(list((tmp_path / "videos").iterdir())) == 2
    assert len(store.sessions(OWNER)) == 2
    gate.open.set()
