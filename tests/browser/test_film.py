"""A video and its chart in a real browser: one cursor, one zoom, copied pictures of charts."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from fer_core.media.images import read_picture
from tests.browser.conftest import OpenPage
from tests.browser.states import drawn, wear
from tests.browser.test_live import until, zoom
from tests.browser.test_video import SECONDS, analyse, chart, click_at, remove_all
from tests.conftest import SAMPLE

IN_COLOURS = """
(plot) => getComputedStyle(plot.querySelector(".xtick text")).fill
  === getComputedStyle(document.querySelector("[data-testid=stApp]")).color
"""
ZOOMED_UNTIL_IT_GOES = """
(plot) => {
  const zoom = () => (plot.emit ? plot.emit("plotly_relayout", {}) : clearInterval(zooms));
  const zooms = setInterval(zoom, 50);
}
"""
PNG = b"\x89PNG\r\n"


def clip(path: Path, codec: Literal["libx264", "mpeg4"]) -> Path:
    """The astronaut, who moves to the right; 15 frames a second."""
    picture = cv2.resize(read_picture(SAMPLE), (240, 240))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(15 * SECONDS):
            shown = np.zeros((240, 320, 3), np.uint8)
            shown[:, number : number + 240] = picture
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="bgr24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("film") / "astronaut.mp4", "libx264")


def player(page: Page):
    return page.locator(".fer-stage video")


def now_s(page: Page) -> float:
    return float(player(page).evaluate("v => v.currentTime"))


def cursor_s(page: Page) -> float:
    """Where the slider under the chart stands."""
    return float(
        page.get_by_role("slider", name="Moment").evaluate("i => (i.value - i.min) / 1000")
    )


def chart_width(page: Page) -> float:
    box = chart(page).locator(".nsewdrag").first.bounding_box()
    return box["width"] if box else 0.0


def test_film_and_chart_are_in_sight_and_have_one_cursor(open_page: OpenPage, film, screenshot):
    page = open_page("/video")
    analyse(page, film)
    expect(chart(page)).to_be_visible()
    expect(page.get_by_text("Done ·")).to_be_visible()
    expect(page.locator(".fer-stage")).to_have_attribute("data-marks", "happy 100%")

    # What is seen without scrolling.
    for width, height in ((390, 844), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        for part in (page.locator(".fer-stage"), chart(page).locator(".barlayer path").first):
            until(page, partial(ends_above, part, height), f"{part} at {width}x{height}")
    until(page, lambda: chart_width(page) > 390, "the chart has its room again")

    # A click in the chart seeks the film, and says what there was.
    click_at(page, share=0.75)
    until(page, lambda: abs(now_s(page) - 0.75 * SECONDS) < 0.2, "the film at the click")
    expect(page.get_by_text("0:02.9 ·")).to_be_visible()
    assert abs(cursor_s(page) - 0.75 * SECONDS) < 0.2

    # An arrow key on the slider does too.
    page.get_by_role("slider", name="Moment").press("Home")
    until(page, lambda: now_s(page) < 0.1, "the film at its beginning")
    left = page.locator(".fer-cursor").first.bounding_box()

    # Playing moves the cursor; where the film is stopped, its moment is chosen.
    player(page).evaluate("v => v.play()")
    until(page, lambda: cursor_s(page) > 1.0, "a cursor that moves")
    player(page).evaluate("v => v.pause()")
    moved = page.locator(".fer-cursor").first.bounding_box()
    assert left is not None
    assert moved is not None
    assert moved["x"] > left["x"] + 20
    expect(page.get_by_text("0:00.0 ·")).to_have_count(0)
    until(page, lambda: abs(cursor_s(page) - now_s(page)) < 0.1, "one cursor for both")

    # The pointer in the chart shows the picture there, and leaves the film alone.
    stopped_s = now_s(page)
    box = chart(page).locator(".nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20)
    peek = page.locator(".fer-peek")
    expect(peek).to_be_visible()
    until(
        page,
        lambda: abs(peek.locator("video").evaluate("v => v.currentTime") - 0.5 * SECONDS) < 0.2,
        "the picture under the pointer",
    )
    assert now_s(page) == stopped_s
    page.mouse.move(2, 2)
    expect(peek).to_be_hidden()
    screenshot(page, "film")

    # A page that turns dark has a chart in its new colours.
    wear(page, "dark")
    until(page, lambda: chart(page).evaluate(IN_COLOURS), "a chart in the page's colours")
    wear(page, "light")

    # On the whole screen it has its marks, too.
    page.get_by_role("button", name="Full screen", exact=True).click()
    leave = page.get_by_role("button", name="Leave full screen")
    expect(leave).to_be_visible()
    until(page, lambda: player(page).bounding_box()["height"] == 900, "a film as high as the page")
    assert page.locator(".fer-stage canvas").bounding_box() == player(page).bounding_box()
    expect(page.locator(".fer-stage")).to_have_attribute("data-marks", "happy 100%")
    leave.click()
    expect(page.get_by_role("button", name="Full screen", exact=True)).to_be_visible()
    remove_all(page)


def test_the_span_in_sight_is_summed_up_and_copied(open_page: OpenPage, film):
    page = open_page("/video")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    analyse(page, film)
    expect(chart(page)).to_be_visible()
    expect(page.get_by_text("Done ·")).to_be_visible()
    drawn(page)
    zoom(page, chart(page), 0.25, 0.5)
    whole = page.get_by_role("button", name="Whole session")
    expect(whole).to_be_visible()
    expect(page.get_by_text("0:01.0 to 0:02.0", exact=True)).to_be_visible()
    whole.click()
    expect(whole).to_have_count(0)

    status = page.locator(".fer-tools [role=status]").first
    page.get_by_role("button", name="Copy PNG").first.click()
    expect(status).to_have_text("Copied as PNG.")
    copied = page.evaluate_handle("navigator.clipboard.read()").evaluate(
        """async ([item]) => {
            const bytes = new Uint8Array(await (await item.getType("image/png")).arrayBuffer());
            return btoa(String.fromCharCode(...bytes.slice(0, 24)));
        }"""
    )
    head = base64.b64decode(copied)
    assert head.startswith(PNG)
    assert int.from_bytes(head[16:20]) > 800, "twice as wide as it is shown"
    page.get_by_role("button", name="Copy SVG").first.click()
    expect(status).to_have_text("Copied as SVG.")
    text = page.evaluate_handle("navigator.clipboard").evaluate("c => c.readText()")
    assert text.startswith("<svg")
    assert "happy" in text

    # Where the browser refuses, it is a file.
    page.context.clear_permissions()
    page.evaluate_handle("navigator.clipboard").evaluate(
        "c => { c.write = () => Promise.reject(new Error('refused')) }"
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Copy PNG").first.click()
    assert download.value.suggested_filename == "Face 1-expressions.png"
    assert download.value.path().read_bytes().startswith(PNG)
    expect(status).to_have_text("Saved as PNG: this browser lets no page copy it.")

    # A chart that goes while it is being zoomed leaves nothing to be done.
    errors: list[str] = []

    def note(error: PlaywrightError) -> None:
        errors.append(str(error))

    page.on("pageerror", note)
    chart(page).evaluate(ZOOMED_UNTIL_IT_GOES)
    remove_all(page)
    expect(page.get_by_text("Add one or more videos")).to_be_visible()
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 400))")  # more than SPAN_MS
    page.remove_listener("pageerror", note)
    assert errors == []


def test_a_film_the_browser_cannot_play_is_still_pictures(open_page: OpenPage, tmp_path):
    page = open_page("/video", width=390, height=844, dark=True)
    analyse(page, clip(tmp_path / "old.avi", "mpeg4"))
    expect(page.get_by_text("This browser cannot play this kind of video.")).to_be_visible()
    expect(page.get_by_text("Done ·")).to_be_visible()
    expect(page.get_by_text("Picture at 0:00.0")).to_be_visible()
    click_at(page, share=0.6)
    shown = page.get_by_text("Picture at 0:02")
    expect(shown).to_be_visible()
    expect(page.get_by_test_id("stColumn").filter(has=shown).locator("img")).to_be_visible()
    remove_all(page)


def ends_above(part, height: int) -> bool:
    box = part.bounding_box()
    return box is not None and box["height"] > 0 and box["y"] + box["height"] <= height
