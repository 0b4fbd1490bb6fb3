"""Tests of the history page: search, names, comparison, export, and deletion with undo."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import polars
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from fer_core.history import LOCAL, History, history
from fer_core.history.removal import UNDO_S
from fer_core.history.ribbons import PIECES
from fer_core.history.tables import sessions
from fer_core.labels import COLORS, EMOTIONS, Emotion
from fer_core.paths import ROOT
from fer_core.schema import Box, Face, FrameResult
from fer_core.timeline.spreadsheet import BOM
from fer_core.ui.history.archive import archive
from fer_core.ui.history.filters import _span
from fer_core.ui.history.page import STEP
from tests.sessions import moving


def results(emotion: Emotion, seconds: int = 4) -> list[FrameResult]:
    """One face for so long, ten frames a second."""
    shares = tuple(0.7 if each is emotion else 0.05 for each in EMOTIONS)
    face = Face(Box(10, 10, 40, 40), 0.9, probabilities=shares, track_id=1)
    return [
        FrameResult(64, 64, (face,), "compact", "haar", t_s=number / 10)
        for number in range(10 * seconds)
    ]


def keep(store: History, name: str, kind: str = "live", owner: str = LOCAL) -> int:
    emotion = Emotion.HAPPY if "glad" in name else Emotion.SAD
    session_id = store.begin(kind, name, EMOTIONS, "compact", "haar", owner=owner)  # type: ignore[arg-type]
    store.append(session_id, results(emotion))
    store.finish(session_id)
    return session_id


@pytest.fixture
def store() -> Iterator[History]:
    made = history()
    yield made
    made.close()


@pytest.fixture
def page(store: History) -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "history.py"), default_timeout=60)


def listed(page: AppTest) -> list[str]:
    return list(page.dataframe[0].value["name"]) if page.dataframe else []


def select(page: AppTest, *rows: int, version: int = 0) -> AppTest:
    """Select rows of the list, as a click does; it is another one where other sessions moved up."""
    page.session_state[f"history_list_{version}"] = {
        "selection": {"rows": list(rows), "columns": [], "cells": []}
    }
    return page.run()


@pytest.mark.parametrize("movements", [{}, {"jawOpen": 0.6}])
def test_movements_are_shown_where_a_session_has_them(store, page, movements):
    session_id = store.begin("live", "old", EMOTIONS, "compact", "haar")
    [still] = results(Emotion.HAPPY)[0].faces
    face = moving(still, movements) if movements else still
    frames = [replace(frame, faces=(face,)) for frame in results(Emotion.HAPPY)]
    store.append(session_id, frames)
    store.finish(session_id)
    page.session_state[f"history_{session_id}_moment"] = 1.0
    page.run()
    assert not page.exception
    drawn = "".join(each.proto.json for each in page.main.get("bidi_component"))
    assert ("movements from 0:00.0" in drawn) is bool(movements)
    assert ('"AU26 jaw drop"' in drawn) is bool(movements)
    assert ("**Movements**" in {each.value for each in page.markdown}) is bool(movements)


def test_an_empty_history_says_how_to_fill_it(page):
    page.run()
    assert not page.exception
    assert "Nothing is saved yet" in page.get("html")[0].proto.body
    # The ways in are called as on the first page.
    called = {element.value for element in page.markdown}
    assert called >= {
        "[Use the camera](/live?source=camera)",
        "[Analyse photos](/photo)",
        "[Analyse a video](/video)",
    }


def test_sessions_are_listed_newest_first_and_only_ones_own(page, store):
    keep(store, "sad one")
    keep(store, "glad one", kind="video")
    keep(store, "not mine", owner="somebody else")
    page.run()
    assert not page.exception
    assert listed(page) == ["glad one", "sad one"]


def test_the_list_shows_each_session_in_small(page, store):
    keep(store, "sad one")
    keep(store, "glad one", kind="video")
    page.run()
    for picture, emotion in zip(
        page.dataframe[0].value["expressions"], ("happy", "sad"), strict=True
    ):
        svg = b64decode(picture.removeprefix("data:image/svg+xml;base64,")).decode()
        assert f'width="{PIECES}" height="1" fill="{COLORS[Emotion(emotion)].as_hex()}"' in svg


def test_the_newest_is_open_until_another_is_selected(page, store):
    keep(store, "sad one")
    keep(store, "glad one")
    page.run()
    assert [each.value for each in page.subheader] == ["glad one"]
    assert not any(each.key == "history_delete" for each in page.button)  # it is not selected
    select(page, 1)
    assert [each.value for each in page.subheader] == ["sad one"]


def test_filters(page, store):
    keep(store, "sad one")
    tagged = keep(store, "glad one", kind="video")
    store.set_tags(tagged, LOCAL, ["pilot"])
    store.set_note(tagged, LOCAL, "after lunch")
    page.run()
    page.text_input(key="history_text").set_value("LUNCH").run()
    assert listed(page) == ["glad one"]
    page.text_input(key="history_text").set_value("").run()
    page.multiselect(key="history_tags").set_value(["pilot"]).run()
    assert listed(page) == ["glad one"]
    page.text_input(key="history_text").set_value("nowhere").run()
    assert "No session matches" in page.info[0].value
    page.button(key="history_show_all").click().run()
    assert not page.exception
    assert not page.warning
    assert listed(page) == ["glad one", "sad one"]


def test_the_list_says_that_there_are_more_sessions_and_shows_them(page, store):
    for number in range(STEP + 2):
        store.begin("photo", f"{number:03}.jpg", EMOTIONS, "compact", "haar")
    keep(store, "glad one")
    page.run()
    assert len(listed(page)) == STEP
    assert any("The newest 100 of 103 sessions." in each.value for each in page.caption)
    page.text_input(key="history_text").set_value("glad").run()
    assert not any("The newest 100" in each.value for each in page.caption)
    page.text_input(key="history_text").set_value("jpg").run()
    assert any("100 of 102 sessions that match" in each.value for each in page.caption)
    page.text_input(key="history_text").set_value("").run()
    page.button(key="history_show_more").click().run()
    assert not page.exception
    assert len(listed(page)) == 103
    assert not any(each.key == "history_show_more" for each in page.button)


def test_a_day_means_all_of_it():
    since, until = _span((date(2026, 11, 20), date(2026, 11, 21)))
    assert since == datetime(2026, 11, 20, tzinfo=UTC)
    assert until == datetime(2026, 11, 22, tzinfo=UTC)
    assert _span(()) == (None, None)
    assert _span((date(2026, 11, 20),)) == (datetime(2026, 11, 20, tzinfo=UTC), None)


def test_a_session_is_opened_renamed_noted_and_tagged(page, store):
    number = keep(store, "glad one")
    select(page.run(), 0)
    assert not page.exception
    page.text_input(key=f"history_{number}_title").set_value("Advert A").run()
    page.text_area(key=f"history_{number}_note").set_value("first viewing").run()
    page.multiselect(key=f"history_{number}_tags").set_value(["ads"]).run()
    assert not page.exception
    session = store.session(number, LOCAL)
    assert (session.name, session.note, session.tags) == ("Advert A", "first viewing", ("ads",))


def test_what_another_tab_has_written_stays_and_is_shown(page, store):
    number = keep(store, "glad one")
    page.run()
    store.name_face(number, LOCAL, 1, "Anna")  # in another tab, as all that follows
    store.set_note(number, LOCAL, "first viewing")
    store.set_tags(number, LOCAL, ["ads"])
    page.text_input(key="history_text").set_value("glad").run()
    page.text_input(key=f"history_{number}_title").set_value("glad two").run()
    assert not page.exception
    session = store.session(number, LOCAL)
    assert (session.name, session.note, session.tags) == ("glad two", "first viewing", ("ads",))
    assert store.face_names(number, LOCAL) == {1: "Anna"}
    assert page.text_input(key=f"history_{number}_name_1").value == "Anna"
    assert page.text_area(key=f"history_{number}_note").value == "first viewing"
    assert page.multiselect(key=f"history_{number}_tags").value == ["ads"]


def test_a_face_is_named_and_a_name_without_letters_is_none(page, store):
    number = keep(store, "glad one")
    page.run()
    page.text_input(key=f"history_{number}_name_1").set_value(" Anna ").run()
    page.text_input(key=f"history_{number}_title").set_value("  ").run()
    assert not page.exception
    assert store.face_names(number, LOCAL) == {1: "Anna"}
    assert page.text_input(key=f"history_{number}_name_1").value == "Anna"
    assert page.text_input(key=f"history_{number}_title").value == "glad one"


def test_what_cannot_be_written_stays_in_its_field_with_a_sentence(page, store):
    number = keep(store, "glad one")
    page.run()
    refuse_writing(store)
    page.text_area(key=f"history_{number}_note").set_value("first viewing").run()
    assert not page.exception
    assert ["cannot be used" in each.value for each in page.error] == [True]
    assert page.text_area(key=f"history_{number}_note").value == "first viewing"
    allow_writing(store)
    page.text_area(key=f"history_{number}_note").set_value("first viewing!").run()
    assert not page.error
    assert store.session(number, LOCAL).note == "first viewing!"


def refuse_writing(store: History) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON sessions "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )


def allow_writing(store: History) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")


@pytest.mark.parametrize("action", ["INSERT", "DELETE"])
def test_a_mark_that_cannot_be_written_is_a_sentence(page, store, action):
    number = keep(store, "glad one")
    mark_id = store.add_mark(number, LOCAL, 1.0, "question")
    page.run()
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER full BEFORE {action} ON marks "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    if action == "INSERT":
        page.text_input(key=f"history_{number}_mark_label_0").set_value("answer")
        next(each for each in page.button if each.label == "Add mark").click().run()
    else:
        page.button(key=f"history_{number}_remove_{mark_id}").click().run()
    assert not page.exception
    assert ["cannot be used" in each.value for each in page.warning] == [True]
    assert [mark.label for mark in store.marks(number, LOCAL)] == ["question"]


def test_deleted_sessions_come_back_by_undo(page, store):
    keep(store, "sad one")
    keep(store, "glad one")
    select(page.run(), 0)
    page.button(key="history_delete").click().run()
    assert not page.exception
    assert listed(page) == ["sad one"]
    page.button(key="history_undo").click().run()
    assert listed(page) == ["glad one", "sad one"]


def test_each_deletion_of_the_minute_can_be_undone_also_after_a_reload(page, store):
    for name in ("glad one", "sad one", "glad two"):
        keep(store, name)
    for version in range(2):
        select(page.run(), 0, version=version)
        page.button(key="history_delete").click().run()
    assert listed(page) == ["glad one"]
    again = AppTest.from_file(str(ROOT / "pages" / "history.py"), default_timeout=60).run()
    assert any("2 deleted." in each.value for each in again.caption)
    assert again.button(key="history_undo").label == "Undo (2)"
    again.button(key="history_undo").click().run()
    assert not again.exception
    assert listed(again) == ["glad two", "sad one", "glad one"]
    assert not any(each.key == "history_undo" for each in again.button)


def test_after_the_minute_there_is_no_undo_and_a_late_click_says_why(page, store):
    first, second = keep(store, "sad one"), keep(store, "glad one")
    select(page.run(), 0, 1)
    page.button(key="history_delete").click().run()
    store.purge_own([second], LOCAL)  # as the housekeeping does
    page.button(key="history_undo").click().run()
    assert not page.exception
    assert [each.value for each in page.warning] == ["1 session had already been deleted for good."]
    assert listed(page) == ["sad one"]
    store.delete([first], LOCAL)
    age(store, first, UNDO_S)
    page.run()
    assert not page.warning
    assert not any(each.key == "history_undo" for each in page.button)


def age(store: History, number: int, seconds: float) -> None:
    """As if the session had been deleted so long ago."""
    with store.database.writing() as connection:
        query = sa.update(sessions).where(sessions.c.id == number)
        past = datetime.now(UTC) - timedelta(seconds=seconds)
        connection.execute(query.values(deleted_at=past))


def test_a_selection_does_not_pass_to_another_session(page, store):
    for name in ("glad one", "sad one", "glad two"):
        keep(store, name)
    select(page.run(), 2)
    assert [each.value for each in page.subheader] == ["glad one"]
    page.text_input(key="history_text").set_value("sad").run()
    assert not page.exception
    assert not any(each.key == "history_delete" for each in page.button)
    page.text_input(key="history_text").set_value("").run()
    select(page, 0, version=2)
    keep(store, "a newer one")  # in another tab
    page.button(key="history_delete").click().run()
    assert not page.exception
    assert listed(page) == ["a newer one", "sad one", "glad one"]


def test_a_selection_stays_with_its_session(page, store):
    for name in ("sad one", "glad one"):
        keep(store, name)
    select(page.run(), 1)
    keep(store, "a newer one")  # in another tab
    page.run()
    assert not page.exception
    assert [each.value for each in page.subheader] == ["sad one"]


def test_what_cannot_be_deleted_is_a_sentence(page, store):
    keep(store, "glad one")
    select(page.run(), 0)
    refuse_writing(store)
    page.button(key="history_delete").click().run()
    assert not page.exception
    assert ["cannot be used" in each.value for each in page.warning] == [True]
    assert listed(page) == ["glad one"]


def test_deleted_for_good(page, store):
    keep(store, "sad one")
    number = keep(store, "glad one")
    select(page.run(), 0)
    page.button(key="history_delete").click().run()
    page.button(key="history_purge").click().run()
    assert listed(page) == ["sad one"]
    assert store.restore([number], LOCAL) == 0


def test_deleting_permanently_leaves_others_their_undo(page, store):
    mine, theirs = keep(store, "glad one"), keep(store, "not mine", owner="somebody else")
    elsewhere = keep(store, "sad one")
    store.delete([theirs], "somebody else")
    store.delete([elsewhere], LOCAL)  # in another tab
    select(page.run(), 0)
    page.button(key="history_delete").click().run()
    assert any("2 deleted." in each.value for each in page.caption)
    assert page.button(key="history_purge").label == "Delete 1 permanently"
    page.button(key="history_purge").click().run()
    assert not page.exception
    assert store.restore([mine], LOCAL) == 0
    assert store.restore([theirs], "somebody else") == 1
    assert store.restore([elsewhere], LOCAL) == 1


def test_delete_all_leaves_those_of_others(page, store):
    keep(store, "sad one")
    other = keep(store, "not mine", owner="somebody else")
    page.run()
    page.button(key="history_delete_all").click().run()
    assert not page.exception
    assert store.count(LOCAL) == 0
    assert store.session(other, "somebody else").frames == 40


def test_two_sessions_are_compared(page, store):
    keep(store, "sad one")
    keep(store, "glad one")
    select(page.run(), 0, 1)
    assert not page.exception
    assert any(header.value == "Compare" for header in page.subheader)
    assert not page.info


def test_of_many_sessions_it_is_said_which_are_compared(page, store):
    for name in ("sad one", "glad one", "sad one", "glad two", "glad two"):
        keep(store, name)
    select(page.run(), *range(5))
    assert not page.exception
    assert "The first 4 of those selected in the list are compared." in page.info[0].value
    titles = [
        f"{name} · Face 1" for name in ("glad two (1)", "glad two (2)", "sad one", "glad one")
    ]
    assert page.selectbox(key="history_compare_first").options == titles


def test_the_archive_holds_a_table_for_each(store):
    keep(store, "../sad one")
    keep(store, "glad one")
    data = archive(store.of(LOCAL), store.sessions(LOCAL))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        names = opened.namelist()
        assert "sessions.csv" in names
        assert len(names) == 4
        assert not any("/" in name for name in names)
        table = opened.read(next(n for n in names if "glad" in n)).decode("utf-8-sig")
    assert table.startswith("t_s,track_id")
    assert len(table.splitlines()) == 41


def test_the_archive_holds_all_that_somebody_wrote(store):
    number, other = keep(store, "Dr. Smith interview, glad"), keep(store, "=sad one.MP4")
    store.name_face(number, LOCAL, 1, "=Anna")
    store.add_mark(number, LOCAL, 1.25, "question 1", "@loud")
    store.set_thumbnail(number, LOCAL, b"a picture")
    data = archive(store.of(LOCAL), store.sessions(LOCAL))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        files = {name: opened.read(name).decode("utf-8-sig") for name in opened.namelist()}
    assert files[f"{number}_Dr._Smith_interview_glad.jpg"] == "a picture"
    assert f"{number}_Dr._Smith_interview_glad.csv" in files
    assert f"{other}_sad_one.csv" in {name.replace("__", "_") for name in files}
    listed = pd.read_csv(io.StringIO(files["sessions.csv"]))
    assert list(listed["Name"]) == ["'=sad one.MP4", "Dr. Smith interview, glad"]
    assert files["marks.csv"] == f"session,t_s,label,note\n{number},1.25,question 1,'@loud\n"
    assert files["faces.csv"] == f"session,track_id,name\n{number},1,'=Anna\n"
    summary = pd.read_csv(io.StringIO(files["summary.csv"]))
    assert list(summary["session_name"]) == ["'=sad one.MP4", "Dr. Smith interview, glad"]
    assert list(summary["face_name"].fillna("")) == ["", "'=Anna"]
    assert (summary["observed_s"] > 3.0).all()
    assert summary["sad_time"][0] > summary["happy_time"][0]


def test_the_files_of_an_archive_are_in_memory_one_at_a_time(store):
    for number in range(10):
        store.set_thumbnail(keep(store, f"glad {number}"), LOCAL, bytes(3_000_000))
    chosen = store.sessions(LOCAL)
    tracemalloc.start()
    try:
        archive(store.of(LOCAL), chosen)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * 3_000_000


def test_notes_and_tags_are_texts(page, store):
    number = keep(store, "glad **one**")
    store.set_note(number, LOCAL, "[click](https://evil.example) ![](https://evil.example/x.png)")
    store.set_tags(number, LOCAL, [":smile:", "<b>t</b>"])
    select(page.run(), 0)
    [line] = (each.value for each in page.caption if "Started" in each.value)
    assert "Tags: \\:\u2060smile\\:, \\<b\\>t\\</b\\>" in line
    assert r"Note: \[click\]\(https\:" in line
    assert "](" not in line


def test_the_archive_opens_right_in_a_spreadsheet(store):
    number = keep(store, "Jürgen's glad one")
    store.set_note(number, LOCAL, '=HYPERLINK("http://evil.example")')
    store.set_tags(number, LOCAL, ["@all"])
    with zipfile.ZipFile(io.BytesIO(archive(store.of(LOCAL), store.sessions(LOCAL)))) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    assert all(data.startswith(BOM) for data in files.values())
    for table in (
        pd.read_csv(io.BytesIO(files["sessions.csv"])),
        polars.read_csv(files["sessions.csv"]),
    ):
        assert table["Note"][0] == '\'=HYPERLINK("http://evil.example")'
        assert table["Tags"][0] == "'@all"
        assert table["session"][0] == number


def test_retention_is_said(page, store, monkeypatch):
    monkeypatch.setenv("FER_RETENTION_DAYS", "30")
    keep(store, "glad one")
    page.run()
    assert "Saved for 30 days" in page.caption[0].value
