"""A video job whose database fails during the analysis, and returns."""

from __future__ import annotations

import pytest

from fer_core.errors import HistoryUnavailable
from fer_core.history import LOCAL, History
from fer_core.jobs import queue as jobs_module
from fer_core.jobs import worker
from fer_core.jobs.queue import VideoJobs
from tests.history.conftest import Server
from tests.jobs.test_queue import Gate, analyzer, clip, submit, table
from tests.waiting import until


def test_a_job_survives_its_database(server: Server, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    monkeypatch.setattr(worker, "PATIENCE_S", 0.0)
    monkeypatch.setattr(jobs_module, "STALE_S", 0.5)
    monkeypatch.setattr(jobs_module, "POLL_S", 0.1)
    store = History(server.new_database())
    gate = Gate(after=2)  # the detector looks every half second
    jobs = VideoJobs(store, tmp_path / "videos", lambda *_: analyzer(gate))
    film = clip(tmp_path / "film.mp4", frames=90)
    try:
        number = submit(jobs, film, keep=True)
        until(gate.reached.is_set)
        found = until(lambda: len(table(store, jobs.job(number, LOCAL))))
        server.stop()
        try:
            with pytest.raises(HistoryUnavailable):
                jobs.jobs(LOCAL)
            gate.open.set()
            until(lambda: not jobs._at_work)  # the worker has given it up
        finally:
            server.start()
        # What was saved is there; the job is found by its silence and goes on when asked.
        job = until(lambda: next((j for j in jobs.jobs(LOCAL) if j.state == "interrupted"), None))
        assert len(table(store, job)) >= found
        jobs.resume(number, LOCAL)
        job = until(lambda: next((j for j in jobs.jobs(LOCAL) if j.state == "done"), None))
        assert table(store, job)["t_s"].nunique() == 90
    finally:
        gate.open.set()
        jobs.close()
        store.close()
