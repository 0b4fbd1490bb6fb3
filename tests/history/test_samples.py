"""Frames that are saved to the history are read back as the same table."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from fer_core.errors import SessionUnknown
from fer_core.history import LOCAL, History
from fer_core.history import samples as samples_module
from fer_core.history.tables import samples
from fer_core.labels import EMOTIONS, Emotion
from fer_core.timeline.table import Timeline
from tests.forked import Piped
from tests.history.frames import OWN, begin, face, frame, frames, times, whole
from tests.history.streams import streams
from tests.history.workers import write_a_session


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=40,
)
@given(streams())
def test_the_table_is_that_of_the_timeline(history, stream):
    labels, results = stream
    timeline = Timeline(labels)
    for result in results:
        timeline.append(result)
    session_id = history.begin("video", "any", labels, "model", "detector")
    for part in (results[:2], results[2:]):
        history.append(session_id, part)
    table = history.table(session_id, LOCAL)
    pd.testing.assert_frame_equal(table, timeline.to_frame(), check_exact=True)
    info = history.session(session_id, LOCAL)
    everyone = [each.track_id for result in results for each in result.faces]
    assert info.frames == len(results)
    assert info.faces == len(set(everyone) - {None}) + everyone.count(None)
    assert info.labels == labels
    if results:
        assert info.duration_s == results[-1].t_s - results[0].t_s


def test_parts_that_are_read_one_after_the_other_make_one_table(history, monkeypatch):
    monkeypatch.setattr(samples_module, "READ_ROWS", 7)
    session_id = begin(history)
    history.append(session_id, [frame(0.0), *frames(30, start=1)])
    table = history.table(session_id, LOCAL)
    assert list(table["t_s"]) == [0.0, *whole(frames(30, start=1))]
    assert table["happy"].notna().sum() == 30


def test_frames_that_were_saved_are_not_saved_twice(history):
    session_id = begin(history)
    history.append(session_id, frames(4))
    history.append(session_id, frames(6))
    history.append(session_id, [])
    assert times(history, session_id) == whole(frames(6))
    assert history.session(session_id, LOCAL).frames == 6


def test_all_of_a_batch_or_nothing(history):
    session_id = begin(history)
    other = history.begin("live", "own", OWN, "model", "detector")
    history.append(session_id, frames(2))
    with pytest.raises(ValueError, match="serious, smiling"):
        history.append(other, [frame(0.0), frame(1.0, face())])
    assert times(history, other) == []
    assert history.session(other, LOCAL).frames == 0


def test_a_session_that_is_gone_takes_no_frames(history):
    session_id = begin(history)
    history.delete([session_id], LOCAL)
    history.append(session_id, frames(2))  # it may be restored
    history.purge(0.0)
    with pytest.raises(SessionUnknown, match="no session"):
        history.append(session_id, frames(4))


def test_the_samples_can_be_read_by_sql(history):
    session_id = begin(history)
    history.append(session_id, [frame(0.0), frame(0.5, face(Emotion.SAD, share=0.625))])
    query = sa.text(
        "SELECT dominant, shares ->> :position FROM samples WHERE session_id = :id ORDER BY t_s"
    )
    position = list(EMOTIONS).index(Emotion.SAD)
    with history.database.reading() as connection:
        rows = connection.execute(query, {"position": position, "id": session_id}).all()
        nothing = connection.execute(sa.select(samples).order_by(samples.c.number)).first()
    assert rows[0] == (None, None)
    assert (rows[1][0], float(rows[1][1])) == ("sad", 0.625)
    assert nothing is not None
    assert [*nothing[:3], *nothing[3:]] == [session_id, 0, 0.0, *[None] * (len(nothing) - 3)]


def test_threads_write_one_session_and_others(history):
    shared, own = begin(history), [begin(history) for _ in range(3)]
    failed = []

    def write(session_id: int) -> None:
        try:
            for number in range(0, 60, 10):
                history.append(session_id, frames(10, start=number))
                history.append(shared, frames(10, start=number))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(each,)) for each in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [times(history, each) for each in (*own, shared)] == [whole(frames(60))] * 4


def test_two_processes_begin_and_write_at_once(empty_url):
    """They also make the tables at once: the database is empty when both start."""
    both = [Piped(write_a_session, empty_url, 300) for _ in range(2)]
    assert [process.pipe.recv() for process in both] == ["begun"] * 2
    for process in both:
        process.pipe.send("go")
    assert [process.wait(60) for process in both] == [0, 0]
    history = History(empty_url)
    written = [times(history, each.id) for each in history.sessions(LOCAL)]
    history.close()
    assert written == [whole(frames(300))] * 2


def test_a_long_session_is_read_in_good_time(history):
    """Alone, 0.3 s of a core for these 20 minutes; the limit leaves room for a busy machine."""
    count = 3_000
    session_id = begin(history)
    history.append(session_id, frames(count))
    names = [f'"{column.name}"' for column in samples.c if column.name not in ("number", "t_s")]
    target = f"INSERT INTO samples (number, t_s, {', '.join(names)})"
    source = f"SELECT number + :by, t_s + :by / 30.0, {', '.join(names)} FROM samples"
    query = sa.text(f"{target} {source} WHERE number < :count")
    with history.database.writing() as connection:
        connection.execute(query, [{"by": count * i, "count": count} for i in range(1, 12)])
    before_s = time.thread_time()
    table = history.table(session_id, LOCAL)
    assert time.thread_time() - before_s < 3.0
    assert len(table) == 12 * count
    assert np.all(np.diff(table["t_s"]) > 0.0)
    assert math.isclose(table["happy"].mean(), 0.7)


def test_a_batch_is_written_in_good_time(sqlite_history):
    """Alone, 3 ms of a core for a second of 30 frames."""
    session_id = begin(sqlite_history)
    spent_s = []
    for number in range(0, 600, 30):
        before_s = time.thread_time()
        sqlite_history.append(session_id, frames(30, start=number))
        spent_s.append(time.thread_time() - before_s)
    assert np.median(spent_s) < 0.02


def test_a_session_that_is_deleted_while_it_is_read_is_not_empty(history, url):
    """All of it or a sentence; no file without rows."""
    session_id = begin(history)
    history.append(session_id, frames(3))
    other = History(url)
    deleted: list[int] = []

    def delete_before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM samples" in statement and not deleted:
            deleted.append(other.delete_all(LOCAL))

    engine = history.database._engine
    sa.event.listen(engine, "before_cursor_execute", delete_before)
    try:
        rows = len(history.table(session_id, LOCAL))
    except SessionUnknown:
        rows = None
    # SQLite goes on reading what was there at first.
    assert (deleted, rows) == ([1], 3 if "sqlite" in url else None)
    other.close()
