"""Two tabs of one visitor: one shows what the other does, and is clicked before it does so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from fer_core.history import LOCAL, History
from fer_core.history.tables import jobs as jobs_table
from fer_core.history.tables import sessions as sessions_table
from tests.browser.conftest import OpenPage
from tests.browser.states import drawn, saved_photo
from tests.browser.test_film import clip
from tests.browser.test_video import DONE, analyse, chart, click_at, remove_all


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("film") / "astronaut.mp4", "libx264")


def analysed(page: Page, film: Path, keep: bool = False) -> None:
    analyse(page, film, keep)
    expect(page.get_by_text(DONE)).to_be_visible()
    expect(chart(page)).to_be_visible()
    drawn(page)


def look_away(page: Page) -> None:
    """End the page's own looks for changes: it is clicked as if there had been none since."""
    page.evaluate("() => { for (let id = setInterval(() => {}, 1e6); id; id--) clearInterval(id) }")


def test_a_mark_in_a_session_that_another_tab_deleted(open_page: OpenPage, film):
    page = open_page("/video")
    analysed(page, film, keep=True)
    remove_all(page)
    page.get_by_role("link", name="History").click()
    other = open_page("/history")
    for tab in (page, other):
        expect(chart(tab)).to_be_visible()
        drawn(tab)
    look_away(other)
    page.locator(".dvn-scroller").first.click(position={"x": 17, "y": 52})
    page.get_by_role("button", name="Delete 1 session").click()
    expect(page.get_by_text("1 deleted.")).to_be_visible()

    other.get_by_role("button", name="Report").click()
    expect(other.get_by_text("any more. Choose one from the history.")).to_be_visible()
    other.get_by_label("Label").fill("too late")
    other.get_by_role("button", name="Add mark").click()
    expect(other.get_by_text("1 deleted.")).to_be_visible()
    expect(other.get_by_test_id("stException")).to_have_count(0)
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("1 deleted.")).to_have_count(0)


def test_a_saved_session_that_another_tab_changes(open_page: OpenPage, tmp_path):
    page = open_page("/photo")
    saved_photo(page, tmp_path)
    other, overview = open_page("/history"), open_page("/")
    expect(other.get_by_role("heading", name="sample.jpg")).to_be_visible()
    expect(overview.get_by_text("sample.jpg").first).to_be_visible()
    page.get_by_text("Name, tags and note").click()
    page.get_by_label("Name", exact=True).fill("the astronaut")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(other.get_by_role("heading", name="the astronaut")).to_be_visible()
    expect(overview.get_by_text("the astronaut")).to_be_visible()
    expect(page.get_by_role("heading", name="the astronaut")).to_be_visible()
    drawn(page)
    page.locator(".dvn-scroller").first.click(position={"x": 17, "y": 52})
    page.get_by_role("button", name="Delete 1 session").click()
    expect(other.get_by_text("1 deleted.")).to_be_visible()
    expect(other.get_by_role("heading", name="the astronaut")).to_have_count(0)
    page.get_by_role("button", name="Delete permanently").click()
    expect(other.get_by_text("1 deleted.")).to_have_count(0)


def delete_the_newest(page: Page) -> None:
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator(".dvn-scroller")).to_be_visible()
    drawn(page)
    page.locator(".dvn-scroller").first.click(position={"x": 17, "y": 52})
    page.get_by_role("button", name="Delete 1 session").click()


def test_a_saved_photo_that_another_tab_deletes(open_page: OpenPage):
    photos, page = open_page("/photo"), open_page("/about")
    photos.get_by_text("Try the sample picture").click()
    photos.get_by_text("Save to history").click()
    expect(photos.get_by_text("Saved to history")).to_be_visible()
    delete_the_newest(page)
    expect(photos.get_by_text("Deleted from the history")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(photos.get_by_text("Saved to history")).to_be_visible()


def test_a_saved_live_session_that_another_tab_deletes(open_page: OpenPage):
    live, page = open_page("/live?source=video"), open_page("/about")
    live.get_by_role("button", name="Start", exact=True).click()
    live.get_by_text("Save to history").click()
    expect(live.locator(".fer-now").first).to_be_visible()
    live.get_by_role("button", name="Stop", exact=True).click()
    expect(live.get_by_role("heading", name="Last session")).to_be_visible()
    delete_the_newest(page)
    deleted = live.get_by_text("This session was deleted from the history")
    expect(deleted).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(deleted).to_have_count(0)


def test_a_video_that_another_tab_removed(open_page: OpenPage, film):
    page = open_page("/video")
    analysed(page, film)
    other = open_page("/video")
    expect(chart(other)).to_be_visible()
    drawn(other)
    look_away(other)
    remove_all(page)

    click_at(other, share=0.5)
    expect(other.get_by_text("The picture of this moment is no longer available.")).to_be_visible()
    other.get_by_role("button", name="Make the annotated video").click()
    expect(other.get_by_text("Add one or more videos")).to_be_visible()
    expect(other.get_by_test_id("stException")).to_have_count(0)


def test_a_video_that_another_process_resumes(open_page: OpenPage, server, film):
    page = open_page("/video")
    analysed(page, film)
    with closing(History(f"sqlite:///{server.log.parent / 'data' / 'history.sqlite3'}")) as store:
        [job] = store.jobs(LOCAL)
        with store.database.writing() as connection:
            connection.execute(sa.update(jobs_table).values(state="cancelled"))
        expect(page.get_by_text("Cancelled; what was analysed")).to_be_visible()
        store.resume_job(job.id, LOCAL, lambda _count: None)
    expect(page.get_by_text(DONE)).to_be_visible()
    remove_all(page)


def test_the_results_of_a_video_come_by_themselves(open_page: OpenPage, server, film):
    page = open_page("/video")
    analysed(page, film)
    with closing(History(f"sqlite:///{server.log.parent / 'data' / 'history.sqlite3'}")) as store:
        session_id = store.jobs(LOCAL)[0].session_id or 0
        of_the_job = sessions_table.c.id == session_id
        frames = store.session(session_id, LOCAL).frames
        # As it is while its first frame is being read; the worker counts them as they are saved.
        for count, shown in (
            (0, page.get_by_text("nothing has been analysed yet")),
            (frames, chart(page)),
            (4 * frames, page.get_by_text(f"{4 * frames} frames")),
        ):
            with store.database.writing() as connection:
                connection.execute(sa.update(sessions_table).where(of_the_job).values(frames=count))
            expect(shown).to_be_visible()
    remove_all(page)


def test_what_another_tab_writes_to_a_video(open_page: OpenPage, film):
    page, other = open_page("/video"), open_page("/video")
    analysed(page, film)
    expect(chart(other)).to_be_visible()
    page.get_by_role("button", name="Save to history").click()
    expect(other.get_by_text("Saved to history")).to_be_visible()
    page.get_by_label("Label").fill("question")
    page.get_by_role("button", name="Add mark").dblclick()
    expect(other.get_by_role("button", name="Remove", exact=True)).to_have_count(2)
    expect(page.get_by_role("button", name="Remove", exact=True)).to_have_count(2)
    drawn(page)
    expect(page.get_by_text("A mark needs a label")).to_have_count(0)
    page.get_by_role("button", name="Make the annotated video").click()
    expect(other.get_by_role("button", name="Annotated video", exact=True)).to_be_visible()
    page.get_by_role("button", name="Name faces").click()
    page.get_by_placeholder("name").fill("Ada")
    page.get_by_placeholder("name").press("Enter")
    other.get_by_role("button", name="Name faces").click()
    expect(other.get_by_placeholder("name")).to_have_value("Ada")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove", exact=True).first.click()
    expect(other.get_by_text("Add one or more videos")).to_be_visible()
