"""Tests of jobs whose database is locked for a while by another program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fer_core.history import History, database
from fer_core.jobs import worker
from fer_core.jobs.queue import VideoJobs
from tests.jobs.test_queue import Gate, analyzer, clip, ended, submit, times
from tests.waiting import until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    monkeypatch.setattr(worker, "PAUSE_S", 0.05)


@pytest.fixture
def store(_quick: None, tmp_path: Path) -> Iterator[History]:
    made = History(f"sqlite:///{tmp_path / 'history.sqlite3'}")
    yield made
    made.close()


@contextmanager
def locked_while_at_work(store: History, tmp_path: Path, jobs: VideoJobs, gate: Gate):
    """A job in whose analysis the database gets locked; its number."""
    number = submit(jobs, clip(tmp_path / "film.mp4", frames=90))
    until(gate.reached.is_set)
    with store.database.writing():
        gate.open.set()
        yield number


@pytest.fixture
def gate() -> Gate:
    return Gate(after=2)  # the detector looks every half second


@pytest.fixture
def jobs(store: History, tmp_path: Path, gate: Gate) -> Iterator[VideoJobs]:
    made = VideoJobs(store, tmp_path / "videos", lambda *_: analyzer(gate))
    yield made
    made.close()


def test_a_job_waits_for_a_locked_database(store, tmp_path, jobs, gate, caplog):
    with locked_while_at_work(store, tmp_path, jobs, gate) as number:
        until(lambda: len(caplog.records) > 1)
    job = ended(jobs, number, "done")
    assert times(store, job) == pytest.approx([n / 30 for n in range(90)], abs=1e-3)
    assert job.sentence == ""


def test_closing_does_not_wait_for_the_database(store, tmp_path, jobs, gate, caplog):
    with locked_while_at_work(store, tmp_path, jobs, gate):
        until(lambda: caplog.records)
        jobs.close()
        until(lambda: not any(thread.is_alive() for thread in jobs._threads))
