"""A video in the place of the camera, in a real browser that has no camera."""

from __future__ import annotations

import re
from functools import partial

from playwright.sync_api import Page, expect

from tests.browser.test_live import switch, until
from tests.media.clips import clip

BRIGHTEST = """() => Math.max(...[...document.querySelectorAll('.fer-moves .fer-region')]
  .map((part) => Number(getComputedStyle(part).fillOpacity)))"""


def shows(page: Page, expression: str) -> bool:
    """Whether the page says that the face shows it now."""
    return expression in page.locator(".fer-now").first.inner_text()


def test_the_sample_video_plays_changes_and_stops(open_page, screenshot):
    page = open_page("/live?source=video", camera="none", height=800)
    expect(page.get_by_alt_text("The first picture of the video")).to_be_visible()
    screenshot(page, "playback-before")
    page.get_by_role("button", name="Start", exact=True).click()
    picture = page.get_by_label("The video, with faces marked")
    expect(picture).to_be_visible()
    # What else the clip shows is tested where it is read, in tests/ui/live/test_playback.py.
    for expression in ("happy", "surprise"):
        until(page, partial(shows, page, expression), expression)
        if expression == "happy":
            screenshot(page, "playback-running")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Last session")).to_be_visible()
    expect(picture).to_be_hidden()
    screenshot(page, "playback-summary")


def test_back_and_forward_change_the_source(open_page):
    page = open_page("/live", camera="none")
    video = page.get_by_alt_text("The first picture of the video")
    control = page.get_by_test_id("stButtonGroup")
    expect(page.get_by_text("No camera was found")).to_be_visible()
    control.get_by_text("A video").click()
    expect(video).to_be_visible()
    page.go_back()
    expect(video).to_have_count(0)
    expect(control.get_by_role("radio", name="Camera")).to_be_checked()
    page.go_forward()
    expect(video).to_be_visible()
    assert page.url.endswith("/live?source=video")
    control.get_by_text("Camera").click()
    expect(video).to_have_count(0)


def test_the_source_is_kept_until_a_link_asks_for_another(open_page):
    page = open_page("/live?source=video", camera="none")
    video = page.get_by_alt_text("The first picture of the video")
    expect(video).to_be_visible()
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="About", exact=True)).to_be_visible()
    page.get_by_role("link", name="Live", exact=True).click()
    expect(video).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="Use the camera").click()
    expect(page.get_by_text("No camera was found")).to_be_visible()
    expect(video).to_have_count(0)


def test_leaving_the_page_ends_it(open_page, dashboard):
    def nothing_runs() -> bool:
        return "fer_live_streams 0.0\n" in page.request.get(f"{dashboard}/metrics").text()

    page = open_page("/live?source=video", camera="none")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_label("The video, with faces marked")).to_be_visible()
    assert not nothing_runs()
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="About", exact=True)).to_be_visible()
    until(page, nothing_runs, "the end")


def test_an_upload_that_plays_once_ends_with_the_summary(open_page, tmp_path):
    page = open_page("/live?source=video", camera="none")
    page.get_by_role("button", name="Sample video").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploaderDropzone").locator("button").click()
    chooser.value.set_files(clip(tmp_path / "mine.webm", count=20, fps=10))
    taken = page.get_by_test_id("stPopoverButton").filter(has_text="mine.webm")
    expect(taken.first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_text("Loop", exact=True).click()
    page.get_by_role("button", name="Start", exact=True).click()
    # Nobody presses Stop.
    expect(page.get_by_role("heading", name="Last session")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_a_phone_in_the_dark(open_page, screenshot):
    page = open_page("/live?source=video", camera="none", width=390, height=844, dark=True)
    switch(page, "Movements of the face")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_label("The video, with faces marked")).to_be_visible()
    # The drawn face beside the list of what it shows.
    diagram = page.locator(".fer-moves")
    expect(diagram.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"AU\d+ .*%"))
    expect(diagram.get_by_role("listitem").first).to_contain_text(re.compile(r"AU\d+ "))
    until(page, lambda: page.evaluate(BRIGHTEST) > 0.15, "a part of the face is lit")
    sideways = page.evaluate(
        "() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
    )
    assert sideways <= 0
    screenshot(page, "playback-running-phone-dark")
