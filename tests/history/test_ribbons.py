"""Tests of small ribbons: the dominant expression in each part of a session."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from fer_core.history import History
from fer_core.history.ribbons import PIECES, most_frequent
from fer_core.history.tables import samples
from fer_core.labels import EMOTIONS
from fer_core.schema import FrameResult
from tests.sessions import face


def keep(store: History, owner: str, frames: list[FrameResult]) -> int:
    session_id = store.begin("video", "film", EMOTIONS, "m", "d", owner=owner)
    store.append(session_id, frames)
    return session_id


def film(happy_from_s: float, gone_from_s: float, length_s: float = 10.0) -> list[FrameResult]:
    """Neutral, then happy, then nobody; twenty frames a second, from second 5 on."""
    frames = []
    for number in range(round(20 * length_s)):
        t_s = number / 20
        faces = () if t_s >= gone_from_s else (face(0.9 if t_s >= happy_from_s else 0.1),)
        frames.append(FrameResult(64, 48, faces, "m", "d", t_s=5.0 + t_s, labels=EMOTIONS))
    return frames


def test_a_ribbon_has_the_order_of_the_session(tmp_path):
    store = History(f"sqlite:///{tmp_path / 'history.sqlite3'}")
    try:
        mine = keep(store, "ada", film(happy_from_s=2.5, gone_from_s=7.5))
        still = keep(store, "ada", film(0.0, 99.0, length_s=0.05))
        theirs = keep(store, "bob", film(2.5, 7.5))
        deleted = keep(store, "ada", film(2.5, 7.5))
        store.delete([deleted], "ada")
        ribbons = store.ribbons([mine, still, theirs, deleted], "ada")
    finally:
        store.close()
    assert set(ribbons) == {mine, still}
    ribbon = list(map(most_frequent, ribbons[mine]))
    assert len(ribbon) == PIECES
    assert sorted(ribbon, key=["neutral", "happy", None].index) == ribbon
    for label, part in (("neutral", 0.25), ("happy", 0.5), (None, 0.25)):
        assert abs(ribbon.count(label) / PIECES - part) < 0.05, label
    assert ribbons[still] == ({"happy": 1},) * PIECES, "a frame lasts until the next"


def test_a_pause_of_the_camera_is_no_expression(history):
    before, after = film(99.0, 99.0), film(0.0, 99.0)
    pause = [replace(frame, t_s=frame.t_s + 40.0) for frame in after]
    mine = keep(history, "ada", before + pause)
    ribbon = list(map(most_frequent, history.of("ada").ribbons([mine])[mine]))
    assert sorted(ribbon, key=["neutral", None, "happy"].index) == ribbon
    assert abs(ribbon.count(None) / PIECES - 0.6) < 0.07


def test_frames_two_seconds_apart_have_no_pause(history):
    frames = [replace(frame, t_s=2.0 * i) for i, frame in enumerate(film(0.0, 99.0, 0.5))]
    mine = keep(history, "ada", frames)
    assert all(map(most_frequent, history.of("ada").ribbons([mine])[mine]))


def test_the_faces_of_a_photo_are_counted(tmp_path):
    store = History(f"sqlite:///{tmp_path / 'history.sqlite3'}")
    try:
        faces = (face(0.9), face(0.9), face(0.1))
        photo = keep(store, "ada", [FrameResult(64, 48, faces, "m", "d", labels=EMOTIONS)])
        nobody = keep(store, "ada", [FrameResult(64, 48, (), "m", "d", labels=EMOTIONS)])
        ribbons = store.ribbons([photo, nobody], "ada")
    finally:
        store.close()
    assert ribbons[photo][0] == {"happy": 2, "neutral": 1}
    assert ribbons[nobody] == ({},) * PIECES


def lose_samples(store: History) -> None:
    """Delete them without a note, so that only what was counted before is still known."""
    with store.database.writing() as connection:
        connection.execute(sa.delete(samples))


def test_a_session_is_counted_once_for_all_visitors_while_it_does_not_grow(history):
    mine = keep(history, "ada", film(happy_from_s=0.0, gone_from_s=99.0))
    counted = history.of("ada").ribbons([mine])
    lose_samples(history)
    assert history.of("ada").ribbons([mine]) == counted
    assert history.of("bob").ribbons([mine]) == {}
    more = FrameResult(64, 48, (face(0.1),), "m", "d", t_s=99.0, labels=EMOTIONS)
    history.append(mine, [more])
    assert history.of("ada").ribbons([mine])[mine][-1] == {"neutral": 1}


def test_the_same_number_in_another_database_is_another_session(tmp_path, monkeypatch):
    store = History()
    counted = []
    for name, happy_from_s in (("one", 0.0), ("two", 99.0)):
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / name}.sqlite3")
        mine = keep(store, "ada", film(happy_from_s, 99.0))
        counted.append(most_frequent(store.ribbons([mine], "ada")[mine][0]))
    store.close()
    assert counted == ["happy", "neutral"]


def test_only_so_many_ribbons_are_kept_in_memory(history, monkeypatch):
    monkeypatch.setattr("fer_core.history.ribbons.MOST_KNOWN", 2)
    first, second, third = (keep(history, "ada", film(0.0, 99.0)) for _ in range(3))
    for each in (first, second, first, third):
        history.ribbons([each], "ada")
    lose_samples(history)
    found = history.ribbons([first, third], "ada") | history.ribbons([second], "ada")
    assert [bool(found[each][0]) for each in (first, second, third)] == [True, False, True]
