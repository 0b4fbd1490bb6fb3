"""Machines that share a database and whose clocks differ; and a clock that is set back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from fer_core.history import LOCAL, History
from fer_core.history.removal import UNCLAIMED_S, UNDO_S
from fer_core.jobs.queue import STALE_S, VideoJobs
from tests.history.conftest import Server
from tests.history.frames import begin
from tests.history.test_gone import age
from tests.history.test_jobs import add
from tests.history.workers import set_job
from tests.media.clips import fake_analyzer

MODULES = ("database", "jobs", "removal", "sessions")


class HourAhead(datetime):
    """The clock of a machine that is an hour ahead."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        """That machine's time."""
        return datetime.now(tz) + timedelta(hours=1)  # type: ignore[arg-type]


@pytest.fixture
def shared(server: Server) -> Iterator[History]:
    """A history in PostgreSQL, which machines may share."""
    made = History(server.new_database())
    yield made
    made.close()


@pytest.fixture
def hour_ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Set the clock of this machine an hour forward."""

    def set_forward() -> None:
        for module in (*(f"fer_core.history.{name}" for name in MODULES), "fer_core.jobs.queue"):
            monkeypatch.setattr(f"{module}.datetime", HourAhead, raising=False)

    return set_forward


def test_a_machine_that_is_ahead_takes_no_living_job_for_silent(shared, hour_ahead):
    job_id = add(shared)
    shared.claim_job("w")
    hour_ahead()
    assert shared.interrupt_stale(STALE_S) == 0
    assert shared.heartbeat(job_id, "w", 1.0, None) == "running"
    assert abs(shared.job(job_id, LOCAL).heartbeat_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_machine_that_is_ahead_leaves_jobs_to_the_machine_with_their_videos(shared, hour_ahead):
    add(shared)
    hour_ahead()
    assert shared.claim_job("w", lambda _path: False) is None


def test_a_machine_that_is_ahead_removes_nothing_early(shared, hour_ahead):
    started, deleted, unclaimed = begin(shared), begin(shared), begin(shared, kept=False)
    age(shared, started, started_at=timedelta(hours=23.5))
    age(shared, unclaimed, started_at=timedelta(seconds=UNCLAIMED_S / 2))
    shared.delete([deleted], LOCAL)
    hour_ahead()
    assert shared.restorable(LOCAL) == [deleted]
    assert shared.purge(UNDO_S) == 0
    assert shared.prune(1) == 0
    assert shared.remove_unclaimed() == 0


def test_a_machine_that_is_ahead_keeps_videos_for_their_time(shared, hour_ahead, tmp_path):
    film = tmp_path / "videos" / f"{32 * '0'}.video"
    film.parent.mkdir()
    film.touch()
    waiting, done = add(shared), add(shared)
    set_job(shared, waiting, path=str(film))
    set_job(shared, done, state="done")
    hour_ahead()
    VideoJobs(shared, film.parent, lambda *_: fake_analyzer()).expire(timedelta(hours=1))
    assert film.is_file()
    assert {job.state for job in shared.jobs(LOCAL)} == {"waiting", "done"}


def test_a_dead_job_is_found_after_the_clock_was_set_back(history):
    dead, lively = add(history), add(history)
    for worker in ("dead", "lively"):
        history.claim_job(worker)
    set_job(history, dead, heartbeat_at=datetime.now(UTC) + timedelta(hours=1))
    assert history.interrupt_stale(STALE_S) == 1
    assert history.job(dead, LOCAL).state == "interrupted"
    assert history.heartbeat(lively, "lively", 1.0, None) == "running"
