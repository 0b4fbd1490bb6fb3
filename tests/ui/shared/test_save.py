"""Nothing is saved unless the switch is on; switching it off deletes the session."""

from __future__ import annotations

import threading

import cv2
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.errors import HistoryUnavailable
from fer_core.history import LOCAL, History, history
from fer_core.paths import ROOT, SAMPLE
from fer_core.ui import services
from tests.history.openings import NOWHERE
from tests.waiting import until


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


def upload(page: AppTest, name: str, data: bytes) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "image/jpeg")])
    return page.run()


def test_another_picture_of_the_same_name_is_saved_too(page, astronaut):
    """A camera calls each of its shots the same."""
    page.toggle(key="photo_sample").set_value(False).run()
    upload(page, "camera.jpg", SAMPLE.read_bytes())
    page.toggle(key="photo_keep").set_value(True).run()
    other = cv2.imencode(".jpg", astronaut[:, ::-1])[1].tobytes()
    upload(page, "camera.jpg", other)
    assert not page.exception
    assert [each.name for each in history().sessions(LOCAL)] == ["camera.jpg"] * 2
    assert any("Saved to history: the numbers of 2 pictures" in each.value for each in page.caption)
    page.toggle(key="photo_keep").set_value(False).run()
    assert history().sessions(LOCAL) == []


def test_a_picture_is_saved_once_whatever_comes_and_goes_beside_it(page, astronaut):
    page.toggle(key="photo_keep").set_value(True).run()
    other = cv2.imencode(".jpg", astronaut[:, ::-1])[1].tobytes()
    upload(page, "sample.jpg", other)
    assert [each.name for each in history().sessions(LOCAL)] == ["sample (2).jpg", "sample.jpg"]
    page.file_uploader[0].set_value([])
    page.run()
    assert not page.exception
    assert len(history().sessions(LOCAL)) == 2


def test_with_the_camera_the_choice_holds_from_one_shot_to_the_next(page):
    page.toggle(key="photo_camera").set_value(True).run()
    page.toggle(key="photo_keep").set_value(True).run()
    page.toggle(key="photo_sample").set_value(False).run()  # as "Clear photo": no picture is left
    page.run()
    assert page.toggle(key="photo_keep").value
    page.toggle(key="photo_sample").set_value(True).run()
    assert len(history().sessions(LOCAL)) == 1


def test_what_was_deleted_elsewhere_is_gone_and_can_be_saved_again(page):
    page.toggle(key="photo_keep").set_value(True).run()
    [session] = history().sessions(LOCAL)
    history().delete([session.id], LOCAL)
    page.toggle(key="photo_keep").set_value(False).run()
    assert not page.error
    page.toggle(key="photo_keep").set_value(True).run()
    assert len(history().sessions(LOCAL)) == 1


def test_what_was_deleted_elsewhere_is_not_called_saved(page, astronaut):
    page.toggle(key="photo_keep").set_value(True).run()
    upload(page, "mirrored.jpg", cv2.imencode(".jpg", astronaut[:, ::-1])[1].tobytes())
    first, second = (each.id for each in history().sessions(LOCAL))
    history().delete([first], LOCAL)
    assert "1 of 2 still saved" in saved_line(page)
    history().delete([second], LOCAL)
    assert "Deleted from the history. Switch" in saved_line(page)
    history().restore([first, second], LOCAL)
    assert "Saved to history: the numbers of 2 pictures" in saved_line(page)


def saved_line(page: AppTest) -> str:
    page.run()
    assert not page.exception
    [line] = [each.value for each in page.caption if ":material/bookmark" in each.value]
    return line


def test_what_is_saved_here_is_tidied_although_no_other_page_was_opened(page, monkeypatch):
    started = []
    monkeypatch.setattr(services, "start_housekeeping", lambda: started.append(True))
    page.run()
    assert not started  # nothing is saved yet
    page.toggle(key="photo_keep").set_value(True).run()
    assert started


def test_deleted_sessions_of_an_earlier_run_are_tidied_at_the_start(monkeypatch):
    started = []
    monkeypatch.setattr(services, "start_housekeeping", lambda: started.append(True))
    services.tidy_at_start()
    assert not started
    history().begin("photo", "a.jpg", ("a", "b"), "compact", "haar")
    services.tidy_at_start()
    assert started


def test_a_database_that_comes_back_after_the_start_is_tidied_without_a_visitor(
    monkeypatch, caplog
):
    started: list[bool] = []
    monkeypatch.setattr(services, "start_housekeeping", lambda: started.append(True))
    monkeypatch.setattr(services, "AGAIN_S", 0.05)
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    services.tidy_at_start()
    assert "does not answer" in caplog.text
    assert not started
    monkeypatch.delenv("DATABASE_URL")
    history().begin("photo", "a.jpg", ("a", "b"), "compact", "haar")
    until(lambda: started)
    until(lambda: "tidying" not in [each.name for each in threading.enumerate()])


@pytest.mark.parametrize("methods", [["append"], ["append", "delete"], ["finish", "delete"]])
def test_half_a_photo_is_not_saved(page, monkeypatch, methods):
    def fail(*_args, **_more):
        raise HistoryUnavailable("The history cannot be used.")

    for name in methods:
        monkeypatch.setattr(History, name, fail)
    page.toggle(key="photo_keep").set_value(True).run()
    assert page.error
    assert history().sessions(LOCAL) == []
    assert history().restorable(LOCAL) == []


def test_a_history_that_cannot_be_written_is_a_sentence_and_the_page_goes_on(page, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    page.toggle(key="photo_keep").set_value(True).run()
    assert not page.exception
    assert "cannot be used" in page.error[0].value
    assert "secret" not in page.error[0].value
    assert any("fer-reading" in each.proto.body for each in page.main.get("html"))
