"""Nothing is saved unless the switch is on; switching it off deletes the session."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.history import LOCAL, history
from fer_core.paths import ROOT


@pytest.fixture
def page() -> AppTest:
    made = AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=60).run()
    return made.toggle(key="photo_sample").set_value(True).run()


def test_nothing_is_kept_by_default(page):
    assert not page.exception
    assert history().sessions(LOCAL) == []


def test_a_kept_photo_is_a_session_with_its_faces(page):
    page.toggle(key="photo_keep").set_value(True).run()
    assert not page.exception
    assert any("Saved" in caption.value for caption in page.caption)
    [session] = history().sessions(LOCAL)
    assert (session.kind, session.name, session.faces) == ("photo", "sample.jpg", 1)
    [row] = history().table(session.id, LOCAL).to_dict("records")
    assert row["dominant"] == "happy"
    assert (row["t_s"], row["track_id"]) == (0.0, 1)
    page.run()  # a click elsewhere does not keep it twice
    assert len(history().sessions(LOCAL)) == 1


def test_switched_off_it_leaves_the_history(page):
    page.toggle(key="photo_keep").set_value(True).run()
    page.toggle(key="photo_keep").set_value(False).run()
    assert not page.exception
    assert history().sessions(LOCAL) == []


def test_a_switch_that_is_gone_for_a_while_takes_nothing_with_it(page):
    page.toggle(key="photo_keep").set_value(True).run()
    page.toggle(key="photo_sample").set_value(False).run()
    page.toggle(key="photo_sample").set_value(True).run()
    assert not page.toggle(key="photo_keep").value
    assert len(history().sessions(LOCAL)) == 1
    page.toggle(key="photo_keep").set_value(True).run()
    page.toggle(key="photo_keep").set_value(False).run()
    assert len(history().sessions(LOCAL)) == 1  # the second one has left


def test_a_history_that_cannot_be_written_is_a_sentence_and_the_page_goes_on(page, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    page.toggle(key="photo_keep").set_value(True).run()
    assert not page.exception
    assert "cannot be used" in page.error[0].value
    assert "secret" not in page.error[0].value
    assert any("fer-reading" in each.proto.body for each in page.main.get("html"))
