"""Tests of the process pool, including killed processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fer_core.batch.pool import Workers
from fer_core.paths import ROOT
from tests.batch.picklable_tasks import give_up, named, note, refuse
from tests.downloads import files_in
from tests.waiting import until


def test_a_file_that_kills_its_process_costs_only_itself(tmp_path):
    work = [named(tmp_path, f"a{i}", f"b{i}") for i in range(4)]
    work.insert(1, named(tmp_path, "c", "poison", "d"))
    every = {each.file for piece in work for each in piece}
    with Workers(note, give_up, 2) as workers:
        assert sum(workers.run(work)) == len(every)
    left = files_in(tmp_path)
    assert left == every - {"poison"} | {"poison.tried", "poison.lost"}
    until(lambda: not multiprocessing.active_children())


def test_a_process_that_somebody_killed_costs_nothing(tmp_path):
    with Workers(note, give_up, 1) as workers:
        assert sum(workers.run([named(tmp_path, "a", "once"), named(tmp_path, "b")])) == 3
    assert files_in(tmp_path) == {"a", "once", "once.tried", "b"}


def test_what_the_work_raises_comes_through_and_ends_the_processes(tmp_path):
    with pytest.raises(ValueError, match=r"^a$"), Workers(refuse, give_up, 1) as workers:
        list(workers.run([named(tmp_path, "a"), named(tmp_path, "b")]))
    until(lambda: not multiprocessing.active_children())


def test_no_work():
    with Workers(note, give_up, 1) as workers:
        assert list(workers.run([])) == []


def is_running(pid: int) -> bool:
    """False also for a zombie process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="/proc is absent")
def test_processes_end_with_the_one_that_started_them(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.batch.picklable_tasks", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,  # Python tells there what the killed process left behind
    )
    until(lambda: bool(list(tmp_path.glob("*.pid"))))
    [told] = tmp_path.glob("*.pid")
    pid = int(told.stem)
    assert is_running(pid)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    until(lambda: not is_running(pid))
