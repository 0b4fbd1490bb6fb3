"""Tests of sessions: list, filters, names, tags, marks, deletion, and owners."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from fer_core.errors import JobUnknown, SessionUnknown
from fer_core.history import LOCAL, History, Mark
from fer_core.history.removal import UNDO_S
from fer_core.history.tables import sessions
from fer_core.labels import EMOTIONS
from tests.history.frames import OWN, begin, face, frame, frames, times
from tests.waiting import until


def names(found) -> list[str]:
    return [info.name for info in found]


def test_a_session_tells_what_it_is(history):
    before = datetime.now(UTC)
    session_id = history.begin("video", "clip.mp4", OWN, "own/tired", "yunet", owner="ann")
    info = history.session(session_id, "ann")
    assert (info.kind, info.name, info.labels) == ("video", "clip.mp4", OWN)
    assert (info.model, info.detector, info.owner) == ("own/tired", "yunet", "ann")
    assert before <= info.started_at <= datetime.now(UTC)
    assert (info.frames, info.faces, info.duration_s) == (0, 0, 0.0)
    assert (info.finished, info.kept, info.has_thumbnail) == (False, True, False)
    history.finish(session_id)
    assert history.session(session_id, "ann").finished


def test_the_newest_first_and_in_pages(history):
    for number in range(5):
        begin(history, str(number))
    begin(history, "not kept", kept=False)
    assert names(history.sessions(LOCAL)) == ["4", "3", "2", "1", "0"]
    assert names(history.sessions(LOCAL, limit=2, offset=1)) == ["3", "2"]
    assert history.count(LOCAL) == 5
    assert history.count(LOCAL, text="3") == 1


def test_filters(history):
    history.begin("photo", "Änne am See", EMOTIONS, "m", "d")
    live = history.begin("live", "100% sure", EMOTIONS, "m", "d")
    history.begin("video", "100 sure", EMOTIONS, "m", "d")
    history.set_note(live, LOCAL, "with a Note")
    history.set_tags(live, LOCAL, ["pilot", " study one ", ""])
    middle = history.session(live, LOCAL).started_at

    def found(**filters) -> list[str]:
        return names(history.sessions(LOCAL, **filters))

    assert found(kinds=["photo", "video"]) == ["100 sure", "Änne am See"]
    assert found(ids=[live, live + 1, 2**40]) == ["100 sure", "100% sure"]
    assert found(ids=[]) == []
    assert found(text="änne") == ["Änne am See"]
    assert found(text="100%") == ["100% sure"]  # a sign of its own, not "anything"
    assert found(text="a note") == ["100% sure"]
    assert found(tags=["pilot", "study one"]) == ["100% sure"]
    assert found(tags=["pilot", "absent"]) == []
    assert found(since=middle) == ["100 sure", "100% sure"]
    assert found(until=middle) == ["Änne am See"]
    local = middle.astimezone(datetime.now().astimezone().tzinfo).replace(tzinfo=None)
    assert found(since=local) == ["100 sure", "100% sure"]
    assert found(since=middle + timedelta(days=1)) == []


def test_two_that_set_the_same_tags_at_once_both_do(server):
    """PostgreSQL lets both begin; SQLite lets one write at a time."""
    history = History(server.new_database())
    session_id = begin(history)
    arrived: list[str] = []

    def somebody_is_blocked() -> bool:
        query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with history.database.reading() as connection:
            return bool(connection.scalar(query))

    def meet(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("INSERT INTO tags"):
            arrived.append(statement)
            until(lambda: len(arrived) == 2 or somebody_is_blocked())

    sa.event.listen(sa.Engine, "before_cursor_execute", meet)
    try:
        with ThreadPoolExecutor(2) as both:
            for done in [both.submit(history.set_tags, session_id, LOCAL, ["a"]) for _ in "12"]:
                done.result()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", meet)
    assert history.session(session_id, LOCAL).tags == ("a",)
    history.close()


def test_names_notes_and_tags_change(history):
    session_id = begin(history)
    history.rename(session_id, LOCAL, "new \0name \ud800")
    history.set_note(session_id, LOCAL, "a note\nof two lines")
    history.set_tags(session_id, LOCAL, ["b", "a", "b"])
    info = history.session(session_id, LOCAL)
    assert (info.name, info.note) == ("new name ?", "a note\nof two lines")
    assert info.tags == ("a", "b")
    history.set_tags(session_id, LOCAL, ["c"])
    assert history.session(session_id, LOCAL).tags == ("c",)
    assert history.tags(LOCAL) == ["c"]
    history.delete([session_id], LOCAL)
    assert history.tags(LOCAL) == []


def test_faces_have_names(history):
    session_id = begin(history)
    history.append(session_id, [frame(0.0, face(track_id=1), face(track_id=7))])
    assert history.face_names(session_id, LOCAL) == {}
    history.name_face(session_id, LOCAL, 7, " Ann ")
    assert history.face_names(session_id, LOCAL) == {7: "Ann"}
    history.append(session_id, [frame(1.0, face(track_id=7))])
    assert history.face_names(session_id, LOCAL) == {7: "Ann"}
    history.name_face(session_id, LOCAL, 7, "")
    assert history.face_names(session_id, LOCAL) == {}
    with pytest.raises(ValueError, match="no face 2"):
        history.name_face(session_id, LOCAL, 2, "Bob")


def test_marks_come_in_the_order_of_time(history):
    session_id = begin(history)
    late = history.add_mark(session_id, LOCAL, 9.5, "question 2", "asked twice")
    early = history.add_mark(session_id, LOCAL, 1.25, "question 1")
    assert history.marks(session_id, LOCAL) == [
        Mark(early, 1.25, "question 1", ""),
        Mark(late, 9.5, "question 2", "asked twice"),
    ]
    history.remove_mark(session_id, LOCAL, early)
    history.remove_mark(session_id, LOCAL, early)
    assert [mark.id for mark in history.marks(session_id, LOCAL)] == [late]


def test_a_thumbnail_only_if_given(history):
    session_id = begin(history)
    assert history.thumbnail(session_id, LOCAL) is None
    history.set_thumbnail(session_id, LOCAL, b"\xff\xd8jpeg\x00")
    assert history.thumbnail(session_id, LOCAL) == b"\xff\xd8jpeg\x00"
    assert history.sessions(LOCAL)[0].has_thumbnail
    history.set_thumbnail(session_id, LOCAL, None)
    assert history.thumbnail(session_id, LOCAL) is None


def test_a_session_becomes_kept(history):
    session_id = begin(history, kept=False)
    assert history.sessions(LOCAL) == []
    history.keep(session_id, LOCAL)
    assert [info.id for info in history.sessions(LOCAL)] == [session_id]


def test_deleted_is_hidden_until_restored(history):
    session_id, other = begin(history), begin(history)
    history.append(session_id, frames(3))
    history.delete([session_id, other], LOCAL)
    assert history.sessions(LOCAL) == []
    with pytest.raises(SessionUnknown):
        history.table(session_id, LOCAL)
    assert history.purge(60.0) == 0
    assert history.restore([session_id], LOCAL) == 1
    assert history.restore([session_id], LOCAL) == 1, "it is there, whoever brought it back"
    assert len(times(history, session_id)) == 3
    assert history.purge(0.0) == 1
    assert history.restore([other], LOCAL) == 0


def test_what_is_gone_already_does_not_keep_the_others_from_being_deleted(history):
    session_id, gone = begin(history), begin(history)
    assert history.delete([gone], LOCAL) == 1
    assert history.delete([session_id, gone, 999], LOCAL) == 1
    assert history.sessions(LOCAL) == []
    history.purge_own([gone], LOCAL)
    assert history.restore([session_id, gone], LOCAL) == 1
    assert [info.id for info in history.sessions(LOCAL)] == [session_id]
    assert history.delete([], LOCAL) == 0


def test_what_was_deleted_within_the_minute_can_be_restored(history):
    first, second, long_ago, unsaved = (begin(history, kept=number < 3) for number in range(4))
    theirs = begin(history, owner="bob")
    history.delete([first], LOCAL)
    history.delete([second, long_ago, unsaved], LOCAL)
    history.delete([theirs], "bob")
    with history.database.writing() as connection:
        query = sa.update(sessions).where(sessions.c.id == long_ago)
        past = datetime.now(UTC) - timedelta(seconds=UNDO_S)
        connection.execute(query.values(deleted_at=past))
    assert history.restorable(LOCAL) == [first, second]
    history.restore([first], LOCAL)
    assert history.restorable(LOCAL) == [second]


def test_delete_all_is_the_owners_own(history):
    mine, theirs = begin(history, owner="ann"), begin(history, owner="bob")
    history.delete([begin(history, owner="ann")], "ann")
    at_work = begin(history, owner="ann", kept=False)
    history.add_job("n", "p", at_work, owner="ann", detector="d", emotion="e")
    assert history.delete_all("ann") == 2
    with pytest.raises(SessionUnknown):
        history.session(mine, "ann")
    assert history.session(theirs, "bob").id == theirs
    assert history.session(at_work, "ann").id == at_work


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**30])
def test_numbers_no_session_has(history, number):
    with pytest.raises(SessionUnknown):
        history.session(number, LOCAL)
    assert history.delete([number], LOCAL) == 0
    with pytest.raises(JobUnknown):
        history.job(number, LOCAL)


OF_A_SESSION: dict[str, Callable[[History, int, str], object]] = {
    "session": lambda h, i, owner: h.session(i, owner),
    "table": lambda h, i, owner: h.table(i, owner),
    "rename": lambda h, i, owner: h.rename(i, owner, "x"),
    "set_note": lambda h, i, owner: h.set_note(i, owner, "x"),
    "set_tags": lambda h, i, owner: h.set_tags(i, owner, ["x"]),
    "keep": lambda h, i, owner: h.keep(i, owner),
    "face_names": lambda h, i, owner: h.face_names(i, owner),
    "name_face": lambda h, i, owner: h.name_face(i, owner, 1, "x"),
    "marks": lambda h, i, owner: h.marks(i, owner),
    "add_mark": lambda h, i, owner: h.add_mark(i, owner, 0.0, "x"),
    "remove_mark": lambda h, i, owner: h.remove_mark(i, owner, 1),
    "set_thumbnail": lambda h, i, owner: h.set_thumbnail(i, owner, b"x"),
    "thumbnail": lambda h, i, owner: h.thumbnail(i, owner),
    "add_job": lambda h, i, owner: h.add_job("n", "p", i, owner=owner, detector="", emotion=""),
}
OF_A_JOB: dict[str, Callable[[History, int, str], object]] = {
    "job": lambda h, i, owner: h.job(i, owner),
    "remove_job": lambda h, i, owner: h.remove_job(i, owner),
    "cancel_job": lambda h, i, owner: h.cancel_job(i, owner),
    "resume_job": lambda h, i, owner: h.resume_job(i, owner, lambda _active: None),
}
LISTS: dict[str, Callable[[History, str], object]] = {
    "sessions": lambda h, owner: h.sessions(owner),
    "count": lambda h, owner: h.count(owner),
    "tags": lambda h, owner: h.tags(owner),
    "jobs": lambda h, owner: h.jobs(owner),
    "ribbons": lambda h, owner: h.ribbons([each.id for each in h.sessions("ann")], owner),
    "delete_all": lambda h, owner: h.delete_all(owner),
}
OF_THE_MACHINERY = {
    "begin", "append", "finish", "purge", "prune", "remove_unclaimed", "scrub", "close", "check",
    "claim_job", "ended_jobs", "end_job", "heartbeat", "interrupt_stale", "all_jobs",
    "end_waiting", "now",
}  # fmt: skip
"""Called by the recorder, the workers and the housekeeping, never with what a page was sent."""

OF_AN_OWNER = {"of", "delete", "restorable", "restore", "purge_own"}
"""What pages see of the history is what ``of`` gives: tests/history/test_owned.py."""


def full(history: History) -> tuple[int, int]:
    """A session with all a session can have, and a job."""
    session_id = begin(history, owner="ann")
    history.append(session_id, frames(2))
    history.name_face(session_id, "ann", 1, "Ann")
    history.add_mark(session_id, "ann", 0.0, "mark", "note")
    history.set_tags(session_id, "ann", ["tag"])
    history.set_thumbnail(session_id, "ann", b"jpeg")
    job_id = history.add_job("n", "p", session_id, owner="ann", detector="d", emotion="e")
    return session_id, job_id


def everything(history: History, session_id: int, job_id: int) -> list[object]:
    return [
        *(history.session(session_id, "ann"), history.marks(session_id, "ann")),
        *(history.face_names(session_id, "ann"), history.thumbnail(session_id, "ann")),
        *(history.job(job_id, "ann"), history.table(session_id, "ann").to_csv()),
    ]


@pytest.mark.parametrize("method", OF_A_SESSION)
def test_nobody_reaches_the_session_of_another(history, method):
    session_id, job_id = full(history)
    before = everything(history, session_id, job_id)
    with pytest.raises(SessionUnknown):
        OF_A_SESSION[method](history, session_id, "bob")
    assert everything(history, session_id, job_id) == before
    OF_A_SESSION[method](history, session_id, "ann")


def test_nobody_deletes_or_restores_the_session_of_another(history):
    session_id, job_id = full(history)
    before = everything(history, session_id, job_id)
    assert history.delete([session_id], "bob") == 0
    assert everything(history, session_id, job_id) == before
    assert history.delete([session_id], "ann") == 1
    assert history.restore([session_id], "bob") == 0
    assert history.restore([session_id], "ann") == 1
    assert everything(history, session_id, job_id) == before


@pytest.mark.parametrize("method", OF_A_JOB)
def test_nobody_reaches_the_job_of_another(history, method):
    session_id, job_id = full(history)
    before = everything(history, session_id, job_id)
    with pytest.raises(JobUnknown):
        OF_A_JOB[method](history, job_id, "bob")
    assert everything(history, session_id, job_id) == before
    OF_A_JOB[method](history, job_id, "ann")


@pytest.mark.parametrize("method", LISTS)
def test_lists_hold_ones_own_only(history, method):
    session_id, job_id = full(history)
    before = everything(history, session_id, job_id)
    assert not LISTS[method](history, "bob")
    assert everything(history, session_id, job_id) == before
    assert LISTS[method](history, "ann")


def test_every_method_is_tried_with_a_foreign_owner():
    methods = {name for name, _ in inspect.getmembers(History, inspect.isfunction)}
    tried = {*OF_A_SESSION, *OF_A_JOB, *LISTS, *OF_THE_MACHINERY, *OF_AN_OWNER}
    assert {name for name in methods if not name.startswith("_")} == tried
