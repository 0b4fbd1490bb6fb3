"""Videos and the history in a real browser: analysed in the background, saved, and opened again."""

from __future__ import annotations

import io
import re
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from fer_core.media.images import read_picture
from tests.browser.conftest import OpenPage
from tests.browser.states import drawn
from tests.browser.test_live import until
from tests.conftest import SAMPLE

SECONDS = 4

DONE = re.compile("^Done")
"""And not "70% done"."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The astronaut, who comes, stays, is hidden for a second, and is back; 15 frames a second."""
    path = tmp_path_factory.mktemp("film") / "astronaut film.mp4"
    picture = cv2.resize(read_picture(SAMPLE), (320, 320))
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 320, "yuv420p"
        for number in range(15 * SECONDS):
            shown = np.zeros_like(picture) if 20 <= number < 35 else picture
            frame = av.VideoFrame.from_ndarray(shown.astype(np.uint8), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def analyse(page: Page, film: Path, keep: bool = False) -> None:
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(film)
    if keep:
        page.get_by_text("Save to history", exact=True).click()
    page.get_by_role("button", name="Analyse").click()


def chart(page: Page):
    return page.locator(".js-plotly-plot").first


def click_at(page: Page, share: float) -> None:
    """Click the course of the shares, so far along its time axis, once it stands where it is."""
    drawn(page)
    plot = chart(page).locator(".nsewdrag").first
    box = plot.bounding_box()
    assert box is not None
    plot.click(position={"x": share * box["width"], "y": box["height"] / 2})


def remove_all(page: Page) -> None:
    """Leave no job behind for the next test."""
    drawn(page)
    remove = page.get_by_role("button", name="Remove", exact=True)
    for left in reversed(range(remove.count())):
        remove.first.click()
        expect(remove).to_have_count(left)


def test_a_video_becomes_a_timeline_with_files_and_a_marked_video(
    open_page: OpenPage, film, screenshot
):
    page = open_page("/video")
    expect(page.get_by_text("Add one or more videos")).to_be_visible()
    screenshot(page, "video-empty")
    analyse(page, film)
    expect(chart(page)).to_be_visible()
    expect(page.get_by_text(DONE)).to_be_visible()
    expect(page.get_by_text("60 frames")).to_be_visible()
    # Its place was there before it: a rule of the style sheet.
    expect(page.locator('[data-testid="stElementContainer"][class*="_course"]')).to_have_css(
        "min-height", "352px"
    )
    expect(page.locator('[class*="st-key-video_row_"]')).to_have_css("min-height", "72px")
    with page.expect_download() as download:
        page.get_by_role("button", name="Parquet").click()
    table = pd.read_parquet(io.BytesIO(download.value.path().read_bytes()))
    assert table["t_s"].nunique() == 15 * SECONDS
    assert set(table["dominant"].dropna()) == {"happy"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    assert b"astronaut film" in download.value.path().read_bytes()
    screenshot(page, "video-timeline")

    page.get_by_role("button", name="Make the annotated video").click()
    # In full: "Make the annotated video" stands there for a moment longer.
    page.get_by_role("button", name="Annotated video", exact=True).click()
    video = page.get_by_test_id("stVideo")
    expect(video).to_be_visible()
    # Not by wait_for_function, whose eval the page's headers forbid.
    until(page, lambda: video.evaluate("v => v.readyState >= 2"), "a picture")
    size = video.evaluate("v => [v.videoWidth, v.videoHeight, v.duration]")
    assert size[:2] == [320, 320]
    assert size[2] == pytest.approx(SECONDS, abs=0.3)
    page.keyboard.press("Escape")
    remove_all(page)
    expect(page.get_by_text("Add one or more videos")).to_be_visible()


def test_a_reload_does_not_lose_the_job_and_what_is_kept_is_in_the_history(
    open_page: OpenPage, film, screenshot
):
    page = open_page("/video")
    analyse(page, film, keep=True)
    # The name alone would also be that of the file in the upload widget, before it was taken in.
    expect(page.get_by_role("button", name="Remove", exact=True)).to_be_visible()
    page.reload()
    expect(chart(page)).to_be_visible()
    expect(page.get_by_text(DONE)).to_be_visible()
    expect(page.get_by_text("Saved to history")).to_be_visible()
    remove_all(page)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("Saved until you delete it")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    # The list is drawn on a canvas: its first row's box is a click into the first column.
    page.locator(".dvn-scroller").first.click(position={"x": 17, "y": 52})
    expect(chart(page)).to_be_visible()
    page.get_by_text("Name, tags and note").click()
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_value("astronaut film.mp4")
    name.fill("Launch day")
    name.press("Enter")
    # The heading comes from what was saved, the field from what was typed.
    expect(page.get_by_role("heading", name="Launch day")).to_be_visible()
    drawn(page)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Launch day")
    expect(chart(page)).to_be_visible()  # renaming does not close it
    screenshot(page, "history-session")
    phone = open_page("/history", width=390, dark=True)
    expect(phone.get_by_test_id("stDataFrame").first).to_be_visible()
    screenshot(phone, "history-phone-dark")
    page.get_by_role("button", name="Delete 1 session").click()
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    # Until the page has taken it, everything below is replaced under a click.
    expect(undo).to_have_count(0)
    drawn(page)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    page.get_by_role("button", name="Delete all", exact=True).click()
    page.get_by_role("button", name="Delete all permanently").click()
    expect(page.get_by_text("Nothing is saved yet")).to_be_visible()


def test_a_file_that_is_no_video_is_a_sentence(open_page: OpenPage, tmp_path):
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(b"this is no film")
    page = open_page("/video")
    analyse(page, wrong)
    # Until it was taken in, the widget for uploads names it too.
    expect(page.get_by_role("alert").filter(has_text="wrong.mp4")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
