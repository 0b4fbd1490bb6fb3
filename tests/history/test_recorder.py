"""Tests of the background writer: it never blocks, and reports the frames it could not save."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest

from fer_core.history import LOCAL, History, Recorder
from fer_core.history import recorder as recorder_module
from tests.forked import Piped
from tests.history.conftest import Server
from tests.history.frames import OWN, begin, face, frame, frames, times, whole
from tests.history.workers import record
from tests.waiting import until


@pytest.fixture
def quick(monkeypatch):
    """Try again soon."""
    monkeypatch.setattr(recorder_module, "FLUSH_S", 0.02)
    monkeypatch.setattr(recorder_module, "_FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(recorder_module, "_LONGEST_PAUSE_S", 0.1)


class Stubborn:
    """A database that another connection writes to and does not let go."""

    def __init__(self, history: History) -> None:
        self._connection = history.database.writing()
        self._connection.__enter__()

    def let_go(self) -> None:
        self._connection.__exit__(None, None, None)


def test_what_goes_in_is_saved(history):
    session_id = begin(history)
    recorder = Recorder(history, session_id)
    for each in frames(100):
        recorder.add(each)
    until(lambda: len(times(history, session_id)) == 100)
    recorder.add(frame(99.0))
    recorder.close()
    assert times(history, session_id) == [*whole(frames(100)), 99.0]
    assert recorder.error == ""
    recorder.add(frame(100.0))  # too late: nobody would write it
    recorder.close()
    assert len(times(history, session_id)) == 101


def test_closing_saves_more_than_a_batch(sqlite_history):
    session_id = begin(sqlite_history)
    recorder = Recorder(sqlite_history, session_id)
    for each in frames(2_000):
        recorder.add(each)
    recorder.close(timeout_s=60.0)
    assert times(sqlite_history, session_id) == whole(frames(2_000))


def test_adding_does_not_wait_for_the_database(sqlite_history, quick, monkeypatch):
    session_id = begin(sqlite_history)
    append = sqlite_history.append
    writers: set[int | None] = set()

    def noted(*rows: Any) -> None:
        writers.add(threading.get_ident())
        append(*rows)

    monkeypatch.setattr(sqlite_history, "append", noted)
    recorder = Recorder(sqlite_history, session_id)
    stubborn = Stubborn(sqlite_history)
    for each in frames(300):
        recorder.add(each)
    # Whoever had waited for the database would have been refused by now.
    assert writers <= {recorder._thread.ident}
    stubborn.let_go()
    recorder.close(timeout_s=60.0)
    assert times(sqlite_history, session_id) == whole(frames(300))


def test_a_server_that_goes_away_and_comes_back(server: Server, quick):
    history = History(server.new_database())
    session_id = begin(history)
    recorder = Recorder(history, session_id)
    recorder.add(frame(0.0))
    until(lambda: times(history, session_id) == [0.0])
    server.stop()
    try:
        recorder.add(frame(1.0))
        until(lambda: recorder.error)
        assert "does not answer" in recorder.error
        assert "The live picture goes on; waiting to be saved: 1 frame." in recorder.error
        assert server.password not in recorder.error
        recorder.add(frame(2.0))
    finally:
        server.start()
    until(lambda: recorder.error == "")
    until(lambda: times(history, session_id) == [0.0, 1.0, 2.0])
    recorder.close()
    history.close()


def test_what_finds_no_room_is_counted(server: Server, quick, monkeypatch):
    monkeypatch.setattr(recorder_module, "MAX_WAITING", 10)
    history = History(server.new_database())
    session_id = begin(history)
    recorder = Recorder(history, session_id)
    server.stop()
    try:
        for each in frames(25):
            recorder.add(each)
        until(
            lambda: "waiting to be saved: 10 frames. This session lost 15 frames." in recorder.error
        )
    finally:
        server.start()
    until(lambda: recorder.error == "This session lost 15 frames.")
    recorder.close()
    assert times(history, session_id) == whole(frames(10, start=15))
    history.close()


def test_closing_while_the_server_is_away_ends(server: Server, quick):
    history = History(server.new_database())
    recorder = Recorder(history, begin(history))
    server.stop()
    try:
        for each in frames(3):
            recorder.add(each)
        recorder.close(timeout_s=30.0)
    finally:
        server.start()
    assert "does not answer" in recorder.error
    assert "This session lost 3 frames." in recorder.error
    assert "goes on" not in recorder.error
    history.close()


def test_a_session_that_is_deleted_for_good_is_not_recorded_any_more(history, quick):
    session_id = begin(history)
    recorder = Recorder(history, session_id)
    history.delete([session_id], LOCAL)
    history.purge(0.0)
    recorder.add(frame(0.0))
    until(lambda: recorder.error)
    assert "no longer recorded" in recorder.error
    recorder.add(frame(1.0))
    recorder.close()


def test_a_mistake_of_the_programme_is_said_too(sqlite_history, quick, caplog):
    session_id = sqlite_history.begin("live", "own", OWN, "m", "d")
    recorder = Recorder(sqlite_history, session_id)
    recorder.add(frame(0.0, face()))
    until(lambda: recorder.error)
    assert "serious, smiling" in recorder.error
    recorder.close()


def test_recorders_end_their_threads(sqlite_history):
    before = set(threading.enumerate())
    recorders = [Recorder(sqlite_history, begin(sqlite_history)) for _ in range(5)]
    assert len(set(threading.enumerate()) - before) == 5
    for recorder in recorders:
        recorder.add(frame(0.0))
        recorder.close()
    assert set(threading.enumerate()) <= before


def crashed(history, url, enough):
    """The seconds of the frames that a process had recorded when it was killed, and of those that
    are saved; killed once its frames are ``enough``."""
    live = Piped(record, url)
    seen_s = [0.0]
    while not enough(seen_s[-1]):
        seen_s.append(live.pipe.recv())
    live.kill()
    live.wait(60)
    with suppress(EOFError, OSError):  # in the middle of one that was cut short
        while True:
            seen_s.append(live.pipe.recv())
    [info] = history.sessions(LOCAL)
    saved = times(history, info.id)
    assert not info.finished
    assert info.frames == len(saved)
    return seen_s, saved


def test_a_crash_leaves_what_was_saved(history, url):
    def saved_some(_last_s):
        infos = history.sessions(LOCAL)
        return bool(infos and infos[0].frames)

    seen_s, saved = crashed(history, url, saved_some)
    assert 0.0 <= saved[0] <= saved[-1] <= seen_s[-1] + 1.0


@pytest.mark.soak
def test_a_crash_loses_the_last_second_at_most(history, url):
    seen_s, saved = crashed(history, url, lambda last_s: last_s >= 2.5)
    # A second of the recorder, and what a busy machine takes for a write.
    assert saved[-1] > seen_s[-1] - 2.0
