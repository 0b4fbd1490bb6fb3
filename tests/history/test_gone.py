"""Deleted sessions are gone from the file, byte by byte; tests of the housekeeping."""

from __future__ import annotations

import itertools
import json
import random
import re
import sqlite3
import struct
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import fer_core.history as package
from fer_core.errors import SessionUnknown
from fer_core.history import LOCAL, History
from fer_core.history.retention import SCRUB_PAUSE, Housekeeper, tidy
from fer_core.history.tables import sessions
from tests.history import conftest
from tests.history.frames import begin, face, frame, frames
from tests.waiting import until

SECRET = "Wilhelmina Quux"
ODD_S, ODD_SHARE = 4321.123456789, 0.8765432123
TRACES = [
    *(f"{SECRET} {what}".encode() for what in ("name", "note", "tag", "face", "mark", "thumbnail")),
    struct.pack(">d", ODD_S),  # as SQLite writes a number
    json.dumps(ODD_SHARE).encode(),
]


def remains(database: Path) -> list[bytes]:
    """What of a session is still in a SQLite file or the files beside it."""
    files = [path.read_bytes() for path in database.parent.iterdir()]
    return [trace for trace in TRACES if any(trace in content for content in files)]


def fill(history: History) -> list[int]:
    """Sessions of which every second has traces, written alternately; the numbers of these."""
    ids = [begin(history, f"{SECRET} name" if number % 2 else "plain") for number in range(8)]
    for start in range(0, 120, 15):
        for number, session_id in enumerate(ids):
            part = frames(15, start=start)
            if number % 2:
                odd = frame(ODD_S + start, face(share=ODD_SHARE))
                part = [frame(ODD_S, face(share=ODD_SHARE))] if start == 0 else [odd]
            history.append(session_id, part)
            history.set_note(session_id, LOCAL, f"{SECRET} note " * start if number % 2 else "n")
    for session_id in ids[1::2]:
        history.set_tags(session_id, LOCAL, [f"{SECRET} tag"])
        history.name_face(session_id, LOCAL, 1, f"{SECRET} face")
        history.add_mark(session_id, LOCAL, ODD_S, f"{SECRET} mark")
        history.set_thumbnail(session_id, LOCAL, f"{SECRET} thumbnail".encode() * 999)
        history.rename(session_id, LOCAL, "another")
    return ids[1::2]


def age(history: History, session_id: int, **past: timedelta) -> None:
    values = {name: datetime.now(UTC) - ago for name, ago in past.items()}
    with history.database.writing() as connection:
        query = sa.update(sessions).where(sessions.c.id == session_id)
        connection.execute(query.values(**values))


def test_nothing_of_a_deleted_session_is_left_in_the_file(sqlite_history, sqlite_file):
    history = sqlite_history
    deleted = fill(history)
    assert remains(sqlite_file) == TRACES  # or else the search itself is blind
    history.delete(deleted, LOCAL)
    assert history.purge(0.0) == 4
    assert history.scrub()
    assert remains(sqlite_file) == []
    assert [len(history.table(info.id, LOCAL)) for info in history.sessions(LOCAL)] == [120] * 4
    history.close()
    assert remains(sqlite_file) == []


def test_rows_that_sqlite_moved_about_leave_no_copies(sqlite_history, sqlite_file):
    """Without VACUUM, copies stay in the gaps of the pages, whatever ``secure_delete`` does."""
    chance = random.Random(1)
    ids = []
    for number in range(60):
        ids.append(begin(sqlite_history, f"{SECRET} {number:02}"))
        for _ in range(4):
            note = f"{SECRET} {ids.index(chosen := chance.choice(ids)):02} " * chance.randint(1, 90)
            sqlite_history.set_note(chosen, LOCAL, note)
    sqlite_history.delete(ids[1::2], LOCAL)
    assert sqlite_history.purge(0.0) == 30
    assert sqlite_history.scrub()
    found = re.findall(rf"{SECRET} (\d\d)".encode(), sqlite_file.read_bytes())
    assert {int(number) % 2 for number in found} == {0}


def test_nothing_is_left_when_all_are_deleted(sqlite_history, sqlite_file):
    fill(sqlite_history)
    assert sqlite_history.delete_all(LOCAL) == 8
    assert remains(sqlite_file) == []
    assert sqlite_history.sessions(LOCAL) == []


def test_a_reader_in_the_way_only_delays_it(sqlite_history, sqlite_file, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.05)
    history = sqlite_history
    history.delete(fill(history), LOCAL)
    with history.database.reading() as reader:
        reader.execute(sa.select(sessions)).all()
        assert history.purge(0.0) == 4
        assert not history.scrub()
        assert remains(sqlite_file)
    history.close()
    assert history.scrub()
    assert remains(sqlite_file) == []


def test_what_another_process_deletes_meanwhile_is_not_forgotten(sqlite_history, sqlite_file):
    history, other = sqlite_history, History(f"sqlite:///{sqlite_file}")
    history.delete([begin(history)], LOCAL)
    assert history.purge(0.0) == 1
    other.delete(fill(other), LOCAL)
    purged: list[int] = []

    def before(statement: str) -> None:
        if "wal_checkpoint" in statement and not purged:
            purged.append(other.purge(0.0))

    with history.database.reading() as connection:
        driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_trace_callback(before)
    assert not history.scrub()
    assert purged == [4]
    assert history.scrub()
    assert remains(sqlite_file) == []
    other.close()


def test_on_both_databases_no_row_is_left(history):
    session_id = begin(history)
    history.append(session_id, frames(3))
    history.set_tags(session_id, LOCAL, ["tag"])
    history.add_mark(session_id, LOCAL, 0.0, "mark")
    history.delete([session_id], LOCAL)
    history.purge(0.0)
    with history.database.reading() as connection:
        for table in ("sessions", "samples", "tags", "faces", "marks"):
            count = sa.text(f"SELECT count(*) FROM {table}")
            assert connection.execute(count).scalar_one() == 0, table


def test_a_number_is_not_given_twice(history):
    session_id = begin(history)
    history.delete_all(LOCAL)
    assert begin(history) > session_id


def test_a_round_of_the_housekeeping(history):
    old, new, deleted, just_deleted = (begin(history, str(number)) for number in range(4))
    unclaimed, fresh, at_work = (begin(history, str(number), kept=False) for number in range(3))
    history.delete([deleted, just_deleted], LOCAL)
    history.add_job("n", "p", at_work, owner=LOCAL, detector="d", emotion="e")
    age(history, old, started_at=timedelta(days=31))
    age(history, deleted, deleted_at=timedelta(minutes=2))
    for each in (unclaimed, at_work):
        age(history, each, started_at=timedelta(hours=2))
    assert tidy(history, None) == 2
    assert history.session(old, LOCAL).id == old
    assert tidy(history, 30) == 1
    for gone in (old, unclaimed):
        with pytest.raises(SessionUnknown):
            history.session(gone, LOCAL)
    for there in (new, fresh, at_work):
        assert history.session(there, LOCAL).id == there
    history.restore([just_deleted], LOCAL)
    assert history.restore([deleted], LOCAL) == 0


def test_the_housekeeper_works_at_once_and_again(sqlite_history, monkeypatch):
    monkeypatch.setenv("FER_RETENTION_DAYS", "1")
    made: History = sqlite_history
    rounds, at_work = [], threading.Semaphore(0)

    def asked() -> History:
        rounds.append(begin(sqlite_history))
        age(sqlite_history, rounds[-1], started_at=timedelta(days=2))
        at_work.release()
        return made

    housekeeper = Housekeeper(asked, interval_s=0.01)
    assert all(at_work.acquire(timeout=30.0) for _ in range(3))
    housekeeper.stop()
    assert len(rounds) >= 3
    assert sqlite_history.sessions(LOCAL) == []


def test_the_housekeeper_says_once_what_fails_and_goes_on(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    broken = History(f"sqlite:///{tmp_path}/file/history.sqlite3")
    rounds, at_work = [], threading.Semaphore(0)

    def asked() -> History:
        rounds.append(1)
        at_work.release()
        if len(rounds) == 2:
            raise RuntimeError("a mistake")
        return broken

    housekeeper = Housekeeper(asked, interval_s=0.01)
    assert all(at_work.acquire(timeout=30.0) for _ in range(4))
    housekeeper.stop()
    said = [record.message for record in caplog.records]
    assert len([each for each in said if "cannot be used" in each]) == 1
    assert "tidying the history" in said


def test_a_full_disk_is_said_once_and_the_traces_go_later(small_disk, caplog):
    file = small_disk / "folder" / "history.sqlite3"
    history = History(f"sqlite:///{file}")
    history.set_thumbnail(begin(history), LOCAL, bytes(500_000))
    deleted = begin(history, f"{SECRET} name")
    history.close()  # and so its log goes
    conftest.fill(small_disk, free=300_000)
    history.delete([deleted], LOCAL)
    age(history, deleted, deleted_at=timedelta(minutes=2))
    rounds: list[int] = []

    def asked() -> History:
        rounds.append(1)
        return history

    housekeeper = Housekeeper(asked, interval_s=0.01)
    until(lambda: bool(caplog.records))
    so_far = len(rounds)
    until(lambda: len(rounds) > so_far + 20)
    (small_disk / "filler").unlink()
    with closing(sqlite3.connect(file)) as connection:
        until(lambda: connection.execute("PRAGMA user_version").fetchone() == (0,))
    housekeeper.stop()
    assert remains(file) == []
    [said] = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert "not overwritten yet" in said
    assert "disk is full" in said
    history.close()


class SlowDisk(History):
    """A history that takes a while to be rebuilt, and notes when it was."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.times_s: list[tuple[float, float]] = []

    def scrub(self) -> bool:
        start_s = time.monotonic()
        time.sleep(0.01)
        done = super().scrub()
        self.times_s.append((start_s, time.monotonic()))
        return done


def test_after_a_file_was_rebuilt_others_can_write_for_longer(sqlite_file):
    history = SlowDisk(f"sqlite:///{sqlite_file}")
    housekeeper = Housekeeper(lambda: history, interval_s=0.0)
    until(lambda: len(history.times_s) == 3)
    housekeeper.stop()
    history.close()
    for (start_s, end_s), (next_s, _) in itertools.pairwise(history.times_s):
        assert next_s - end_s >= SCRUB_PAUSE * (end_s - start_s)


def test_housekeeping_starts_once(monkeypatch):
    monkeypatch.setattr(package, "_housekeeper", None)
    package.start_housekeeping()
    first = package._housekeeper
    package.start_housekeeping()
    assert first is not None
    assert package._housekeeper is first
    first.stop()
    package.history().close()
