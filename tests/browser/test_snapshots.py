"""Live by snapshots in a real browser, with the astronaut before the camera."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from statistics import fmean

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_live import camera_frame, frames_analysed, switch, until

# Notes when each snapshot is taken, in ms. Charts make pictures too, but no JPEGs.
COUNT = """
() => {
  window.taken = [];
  const toDataURL = HTMLCanvasElement.prototype.toDataURL;
  HTMLCanvasElement.prototype.toDataURL = function (...how) {
    if (how[0] === "image/jpeg") window.taken.push(performance.now());
    return toDataURL.apply(this, how);
  };
}
"""

HIDE = """
(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


def taken(page: Page) -> int:
    return int(page.evaluate("window.taken.length"))


def gaps_ms(page: Page) -> list[float]:
    return [later - earlier for earlier, later in pairwise(page.evaluate("window.taken"))]


def choose(page: Page) -> None:
    # Until the camera has its height, what is below it moves away from under a click.
    expect(camera_frame(page).get_by_role("button", name="Start", exact=True)).to_be_visible()
    switch(page, "Snapshots instead of video")
    expect(page.get_by_text("Snapshots of your camera appear here.")).to_be_visible()
    page.evaluate(COUNT)


def picture(page: Page) -> Locator:
    return page.get_by_alt_text("The newest snapshot of your camera")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def start(page: Page, frames: int = 3) -> None:
    press(page, "Start")
    until(page, lambda: frames_analysed(page) >= frames, f"{frames} frames")


def stop(page: Page) -> None:
    press(page, "Stop")
    expect(page.get_by_role("heading", name="Last session")).to_be_visible()


def test_a_session_by_snapshots(open_page, screenshot):
    page = open_page("/live")
    choose(page)
    screenshot(page, "snapshots-before")
    start(page, frames=6)
    expect(page.locator(".fer-now").first).to_contain_text("happy")
    expect(picture(page)).to_be_visible()
    assert picture(page).evaluate("p => [p.naturalWidth, p.naturalHeight]") == [640, 480]
    # At most five a second; a busy browser notes one late, and the next in time.
    assert fmean(gaps_ms(page)) >= 195.0
    # The same picture all the time, not one put in the place of another.
    picture(page).evaluate("p => { p.dataset.first = 'yes' }")
    before = taken(page)
    until(page, lambda: taken(page) >= before + 3, "3 more")
    assert picture(page).get_attribute("data-first") == "yes"
    screenshot(page, "snapshots-running")
    stop(page)
    expect(page.get_by_test_id("stMetricValue").first).to_contain_text("happy")
    screenshot(page, "snapshots-summary")
    before = taken(page)
    page.wait_for_timeout(1500)
    assert taken(page) == before
    # Start again: a new session, counted from nothing.
    press(page, "Start")
    until(page, lambda: 0 < frames_analysed(page) < 8, "a new count")


def test_what_is_drawn_into_the_picture(open_page):
    page = open_page("/live")
    choose(page)
    switch(page, "Landmarks")
    start(page)

    def turquoise() -> int:
        return int(
            picture(page).evaluate(
                """(p) => {
                  const canvas = new OffscreenCanvas(p.naturalWidth, p.naturalHeight);
                  const context = canvas.getContext("2d");
                  context.drawImage(p, 0, 0);
                  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
                  let count = 0;
                  for (let i = 0; i < data.length; i += 4) {
                    const [r, g, b] = data.subarray(i, i + 3);
                    count += r < 140 && g > 180 && b > 170 && g - r > 70;
                  }
                  return count;
                }"""
            )
        )

    until(page, lambda: turquoise() > 30, "landmarks are drawn")
    switch(page, "Landmarks")
    until(page, lambda: turquoise() < 10, "landmarks are gone")


def test_nothing_is_sent_while_python_has_not_answered(open_page, server):
    page = open_page("/live")
    choose(page)
    start(page)
    before = taken(page)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        page.wait_for_timeout(4000)
        # The one that was due when the server stopped.
        assert taken(page) <= before + 2
        held = taken(page)
        page.wait_for_timeout(2000)
        assert taken(page) == held
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    until(page, lambda: taken(page) >= held + 3, "it goes on")
    assert max(gaps_ms(page)) >= 4000.0


def test_a_hidden_tab_sends_nothing(open_page):
    page = open_page("/live")
    choose(page)
    start(page)
    page.evaluate(HIDE, True)
    before = taken(page)
    page.wait_for_timeout(2500)
    assert taken(page) == before
    page.evaluate(HIDE, False)
    until(page, lambda: taken(page) >= before + 3, "it goes on")
    stop(page)


def test_back_to_the_video_and_to_another_page(open_page):
    page = open_page("/live")
    choose(page)
    start(page)
    switch(page, "Snapshots instead of video")
    expect(page.locator("iframe[src*=streamlit_webrtc]")).to_be_visible()
    expect(page.get_by_role("heading", name="Last session")).to_have_count(0)
    before = taken(page)
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="About", exact=True)).to_be_visible()
    assert taken(page) == before


@pytest.mark.parametrize(
    ("camera", "sentence"),
    [("refused", "The browser blocked the camera"), ("none", "No camera was found")],
)
def test_no_camera(open_page, screenshot, camera, sentence):
    page = open_page("/live", camera=camera)
    choose(page)
    press(page, "Start")
    expect(page.get_by_role("status").get_by_text(sentence)).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    screenshot(page, f"snapshots-{camera}")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            "() => { Object.defineProperty(navigator, 'mediaDevices', { value: undefined }) }",
            "over https",
        ),
        (
            "() => { navigator.mediaDevices.getUserMedia = "
            "async () => { throw new DOMException('', 'NotReadableError') } }",
            "could not be opened",
        ),
    ],
    ids=["insecure", "busy"],
)
def test_a_camera_that_cannot_be_used(open_page, script, sentence):
    page = open_page("/live")
    choose(page)
    page.evaluate(script)
    press(page, "Start")
    expect(page.get_by_role("status").get_by_text(sentence)).to_be_visible()


def test_on_a_phone_in_the_dark(open_page, screenshot):
    page = open_page("/live", width=390, height=844, dark=True)
    choose(page)
    start(page)
    sideways = page.evaluate(
        "() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
    )
    assert sideways <= 0
    screenshot(page, "snapshots-running-phone-dark")
    stop(page)
