"""Tests of the video page: jobs run in the background; results are shown, and saved on request."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from fer_core.errors import HistoryUnavailable
from fer_core.history import LOCAL, JobInfo, history
from fer_core.history.tables import jobs as jobs_table
from fer_core.jobs.renders import AnnotatedVideos
from fer_core.media.images import decode_picture
from fer_core.media.video import read_frame
from fer_core.paths import ROOT
from fer_core.ui import services
from fer_core.ui.video import page as video_page
from fer_core.ui.video import result as video_result
from tests.jobs.test_queue import clip
from tests.waiting import until


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("FER_DETECTOR", "scout")
    monkeypatch.setenv("FER_EMOTION", "compact")
    return AppTest.from_file(str(ROOT / "pages" / "video.py"), default_timeout=60)


def add(page: AppTest, name: str, data: bytes) -> AppTest:
    page.run()
    page.file_uploader[0].set_value([(name, data, "video/mp4")]).run()
    return page.button(key="video_analyse").click().run()


def finished(page: AppTest) -> JobInfo:
    """The newest job, once it is done; the page drawn anew."""
    until(lambda: services._jobs().jobs(LOCAL)[0].state == "done")
    page.run()
    return services._jobs().jobs(LOCAL)[0]


@pytest.fixture
def film(tmp_path: Path) -> bytes:
    return clip(tmp_path / "film.mp4", frames=12).read_bytes()


def test_a_video_that_was_taken_in_leaves_the_memory(page, film, monkeypatch):
    removed: list[str] = []
    remove = MemoryUploadedFileManager.remove_file

    def noted(self: MemoryUploadedFileManager, session_id: str, file_id: str) -> None:
        before = self.get_files(session_id, [file_id])
        remove(self, session_id, file_id)
        removed.extend(file.name for file in before)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", noted)
    add(page, "film.mp4", film)
    assert removed == ["film.mp4"]
    assert finished(page).state == "done"


def test_an_empty_page_says_what_to_do(page):
    page.run()
    assert not page.exception
    assert any("Add one or more videos" in each.value for each in page.get("html"))
    assert not any(each.key == "video_analyse" for each in page.button)  # there is nothing yet


def test_the_sample_video_is_one_click_away(page, monkeypatch, film, tmp_path):
    (tmp_path / "short.mp4").write_bytes(film)
    monkeypatch.setattr(video_page, "SAMPLE_CLIP", tmp_path / "short.mp4")  # the whole takes long
    page.run()
    page.button(key="video_sample").click().run()
    assert finished(page).name == video_page.SAMPLE_TITLE
    assert "12 frames" in " ".join(caption.value for caption in page.caption)


def test_a_video_is_analysed_behind_the_page(page, film):
    add(page, "a film.mp4", film)
    assert not page.exception
    job = finished(page)
    assert not page.exception
    assert job.name == "a film.mp4"
    assert "12 frames" in " ".join(caption.value for caption in page.caption)
    assert history().sessions(LOCAL) == []  # kept only when asked


def test_a_video_of_one_frame(page, tmp_path):
    add(page, "one.mp4", clip(tmp_path / "one.mp4", frames=1).read_bytes())
    assert finished(page).state == "done"
    assert "· 1 frame ·" in " ".join(caption.value for caption in page.caption)


def opened(page, name):
    return any(each.value.startswith(f"**{name}** · 12 frames") for each in page.caption)


def test_another_visit_finds_the_newest_job_open(page, film):
    add(page, "older.mp4", film)
    older = finished(page)
    add(page, "newer.mp4", film)
    finished(page)
    again = AppTest.from_file(str(ROOT / "pages" / "video.py"), default_timeout=60).run()
    assert not again.exception
    assert opened(again, "newer.mp4")
    again.button(key=f"video_open_{older.id}").click().run()
    assert opened(again, "older.mp4")
    again.button(key=f"video_remove_{older.id}").click().run()
    assert opened(again, "newer.mp4")


def test_keep_in_the_history(page, film):
    add(page, "film.mp4", film)
    job = finished(page)
    page.button(key=f"video_keep_{job.id}").click().run()
    assert not page.exception
    assert [each.name for each in history().sessions(LOCAL)] == ["film.mp4"]


def test_a_small_picture_is_stored_only_when_asked(page, film):
    add(page, "film.mp4", film)
    job = finished(page)
    page.button(key=f"video_keep_{job.id}").click().run()
    [session] = history().sessions(LOCAL)
    assert history().thumbnail(session.id, LOCAL) is None
    page.toggle(key=f"video_thumbnail_{job.id}").set_value(True).run()
    assert not page.exception
    jpeg = history().thumbnail(session.id, LOCAL)
    assert jpeg is not None
    assert decode_picture(jpeg).shape == (96, 128, 3)
    page.toggle(key=f"video_thumbnail_{job.id}").set_value(False).run()
    assert history().thumbnail(session.id, LOCAL) is None


@pytest.mark.parametrize("action", ["keep", "render", "cancel"])
def test_a_click_on_a_video_that_was_removed_elsewhere(page, film, action):
    add(page, "film.mp4", film)
    if action != "cancel":
        finished(page)
    [job] = services._jobs().jobs(LOCAL)
    clicked = page.button(key=f"video_{action}_{job.id}")
    services._jobs().remove(job.id, LOCAL)
    clicked.click().run()
    assert not page.exception
    assert not page.error
    assert any("Add one or more videos" in each.value for each in page.get("html"))


def kept(page, film):
    """The toggle of the small picture of a job that was saved, its session, and its thumbnail."""
    add(page, "film.mp4", film)
    job = finished(page)
    page.button(key=f"video_keep_{job.id}").click().run()
    [session] = history().sessions(LOCAL)
    return f"video_thumbnail_{job.id}", session.id


def test_only_a_click_changes_the_small_picture(page, film):
    key, session_id = kept(page, film)
    history().set_thumbnail(session_id, LOCAL, b"chosen in another tab")
    page.run()
    assert not page.exception
    assert history().thumbnail(session_id, LOCAL) == b"chosen in another tab"
    assert page.toggle(key=key).value
    page.toggle(key=key).set_value(False).run()
    assert history().thumbnail(session_id, LOCAL) is None


def test_no_small_picture_without_the_copy_is_a_sentence(page, film):
    key, session_id = kept(page, film)
    Path(services._jobs().jobs(LOCAL)[0].path).unlink()
    page.toggle(key=key).set_value(True).run()
    assert not page.exception
    assert page.error
    assert not any(each.key == key for each in page.toggle)
    assert history().thumbnail(session_id, LOCAL) is None


def test_the_small_picture_is_of_the_part_that_was_analysed(page, tmp_path):
    film = clip(tmp_path / "film.mp4", frames=12, fps=10)
    page.run()
    page.file_uploader[0].set_value([("film.mp4", film.read_bytes(), "video/mp4")]).run()
    page.number_input(key="video_from").set_value(0.8).run()
    page.button(key="video_analyse").click().run()
    job = finished(page)
    page.button(key=f"video_keep_{job.id}").click().run()
    page.toggle(key=f"video_thumbnail_{job.id}").set_value(True).run()
    [session] = history().sessions(LOCAL)
    jpeg, middle = history().thumbnail(session.id, LOCAL), read_frame(film, 0.95)
    assert jpeg is not None
    assert middle is not None
    # It gets brighter by 2 with each frame, and there is no face in it.
    assert decode_picture(jpeg).mean() == pytest.approx(middle.mean(), abs=2.5)


def test_a_timeline_outlives_the_copy_of_its_video(page, film):
    add(page, "film.mp4", film)
    job = finished(page)
    jobs = services._jobs()
    assert video_result._frame(jobs, job, 0.1) is not None
    Path(job.path).unlink()
    assert video_result._frame(jobs, job, 0.1) is None
    page.run()
    assert not page.exception
    assert opened(page, "film.mp4")


def test_what_needs_the_copy_is_not_offered_without_it(page, film):
    add(page, "film.mp4", film)
    job = finished(page)
    with history().database.writing() as connection:
        connection.execute(sa.update(jobs_table).values(state="interrupted", done_s=0.2))
    page.run()
    resume, render = f"video_resume_{job.id}", f"video_render_{job.id}"
    assert {resume, render} <= {each.key for each in page.button}
    assert any("It can resume where it stopped" in each.value for each in page.markdown)
    Path(job.path).unlink()
    page.run()
    assert not page.exception
    assert not {resume, render} & {each.key for each in page.button}
    [row] = [each.value for each in page.markdown if "Interrupted" in each.value]
    assert "to analyse the rest, add the video again" in row
    assert "resume" not in row


def test_results_deleted_in_the_history_are_a_sentence(page, film):
    _, session_id = kept(page, film)
    sentence = "results of this video were deleted"
    history().delete([session_id], LOCAL)
    page.run()
    assert not page.exception
    assert sentence in page.info[0].value
    history().purge(0.0)
    again = AppTest.from_file(str(ROOT / "pages" / "video.py"), default_timeout=60).run()
    assert not again.exception
    assert any(sentence in each.value for each in again.markdown)
    assert not any("video_open" in str(each.key) for each in again.button)


def test_remove_forgets_it(page, film):
    add(page, "film.mp4", film)
    job = finished(page)
    page.button(key=f"video_remove_{job.id}").click().run()
    assert not page.exception
    assert services._jobs().jobs(LOCAL) == []
    assert not Path(job.path).exists()


def test_the_place_of_a_removed_video_is_taken_by_no_other_until_the_next_click(page, film):
    for name in ("first.mp4", "second.mp4", "third.mp4"):
        add(page, name, film)
    until(lambda: not any(job.active for job in services._jobs().jobs(LOCAL)))
    third, second, first = services._jobs().jobs(LOCAL)
    page.run()
    for removed in (second, third):
        page.button(key=f"video_remove_{removed.id}").click().run()
    assert not page.exception
    rows = [each.value for each in page.markdown if ".mp4" in each.value]
    assert [row.endswith(":small[Removed]") for row in rows[:3]] == [True, True, False]
    page.button(key=f"video_remove_{first.id}").click().run()
    assert not page.exception
    add(page, "fourth.mp4", film)
    assert not any("Removed" in each.value for each in page.markdown)


def test_what_is_no_video_is_a_sentence_beside_its_name(page):
    add(page, "notes.mp4", b"no film at all")
    assert not page.exception
    assert "notes.mp4" in page.error[0].value.replace("\\", "")
    assert not page.file_uploader[0].value


@pytest.mark.parametrize("name", ["a.3gp", "b.mts", "c.wmv", "d"])
def test_what_a_video_is_its_content_tells(page, film, name):
    add(page, name, film)
    assert not page.error
    assert finished(page).name == name
    assert not page.file_uploader[0].proto.type


def test_an_end_before_the_start_is_said(page, film):
    page.run()
    page.file_uploader[0].set_value([("film.mp4", film, "video/mp4")]).run()
    page.number_input(key="video_from").set_value(5.0).run()
    page.number_input(key="video_to").set_value(2.0).run()
    assert not page.exception
    assert "after the start" in page.warning[0].value


def test_frames_too_far_apart_to_follow_faces_are_told(page, film):
    def told() -> bool:
        return any("cannot be followed" in each.value for each in page.caption)

    page.run()
    page.file_uploader[0].set_value([("film.mp4", film, "video/mp4")]).run()
    page.selectbox(key="video_how").set_value(video_page.NTH).run()
    assert not told()
    page.number_input(key="video_nth").set_value(90).run()
    assert told()
    page.selectbox(key="video_how").set_value(video_page.A_SECOND).run()
    assert not told()
    page.number_input(key="video_fps").set_value(0.1).run()
    assert told()


def test_the_choice_of_frames_lasts_for_the_next_videos(page, film):
    for choice in (video_page.NTH, video_page.A_SECOND):
        page.run()
        page.file_uploader[0].set_value([("film.mp4", film, "video/mp4")]).run()
        page.selectbox(key="video_how").set_value(choice).run()
        assert page.number_input[0].label.startswith(choice), "it says what is counted"
        page.number_input[0].set_value(9).run()
        page.file_uploader[0].set_value([]).run()
        assert not page.number_input
        page.file_uploader[0].set_value([("film.mp4", film, "video/mp4")]).run()
        assert (page.selectbox(key="video_how").value, page.number_input[0].value) == (choice, 9)


def test_a_history_that_is_away_is_a_sentence(page, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    page.run()
    assert not page.exception
    assert "cannot be used" in page.error[0].value


def test_copies_whose_time_is_over_go_when_the_server_starts(page, film, monkeypatch):
    add(page, "film.mp4", film)
    job = finished(page)
    st.cache_resource.clear()  # as after a restart
    monkeypatch.setattr(services, "timedelta", lambda **_: timedelta(0))
    services.tidy_at_start()
    until(lambda: history().jobs(LOCAL) == [])
    assert not Path(job.path).exists()


def test_a_folder_that_may_not_be_entered_does_not_keep_the_server_from_starting(monkeypatch):
    monkeypatch.setattr(services, "AGAIN_S", 0.05)
    with monkeypatch.context() as here:
        # A name that is too long fails as one does that may not be entered, also for root.
        here.setenv("FER_DATA_DIR", f"/{'x' * 300}")
        services.tidy_at_start()
    until(lambda: "tidying" not in [each.name for each in threading.enumerate()])


def test_a_server_that_never_stored_anything_does_not_begin_at_the_start(monkeypatch):
    monkeypatch.setattr(services, "_jobs", lambda: pytest.fail("nothing to tidy"))
    services.tidy_at_start()


def test_a_history_that_goes_away_before_a_click_is_a_sentence(page, film, monkeypatch):
    add(page, "film.mp4", film)
    job = finished(page)

    def away(*_: object) -> None:
        raise HistoryUnavailable("The history cannot be used.")

    monkeypatch.setattr(AnnotatedVideos, "render", away)
    page.button(key=f"video_render_{job.id}").click().run()
    assert not page.exception
    assert [each.value for each in page.error] == ["**film.mp4**: The history cannot be used."]
