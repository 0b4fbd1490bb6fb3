"""The look of pages, as far as it can be measured: the style sheet fits, what is above the fold,
nothing jumps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from fer_core.labels import COLORS, Emotion
from fer_core.paths import ROOT
from tests.browser.states import drawn, wear

MOST_SHIFT = 0.05

STYLE = ROOT / "fer_core" / "ui" / "shared" / "style.css"


def test_the_style_sheet_names_nothing_that_a_build_makes_up():
    text = re.sub(r"/\*.*?\*/", "", STYLE.read_text("utf-8"), flags=re.DOTALL)
    selectors = re.sub(r"\{.*?\}", " ", text, flags=re.DOTALL)
    for name in re.findall(r"\.([a-zA-Z][\w-]*)", selectors):
        assert name.startswith(("fer-", "st-key-")), name


def shift(page: Page) -> float:
    """How much has jumped since the page was opened (the sum of all layout shifts)."""
    return float(
        page.evaluate(
            """() => new Promise(done => {
              let sum = 0;
              const add = list => list.forEach(e => { if (!e.hadRecentInput) sum += e.value; });
              const seen = new PerformanceObserver(list => add(list.getEntries()));
              seen.observe({type: 'layout-shift', buffered: true});
              setTimeout(() => { add(seen.takeRecords()); done(sum); }, 300);
            })"""
        )
    )


@contextmanager
def nothing_in_the_cache(page: Page) -> Iterator[None]:
    """As at the first visit, every file comes from the server, fonts among them."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield
    devtools.detach()


PAGES = {
    "/": "See what faces express",
    "/photo": "Facial expressions in photos",
    "/live": "Live",
    "/video": "Facial expressions in videos",
    "/history": "History",
    "/models": "Models",
    "/about": "About",
}
"""The heading of each."""

DEVICES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("device", DEVICES)
def test_a_cold_deep_link(open_page, screenshot, path, device):
    """Nothing jumps, nothing is wider than the screen, and (as ``open_page`` checks) the browser
    refuses nothing because of the headers."""
    width, height = DEVICES[device]
    page = open_page("/healthz", camera="none", width=width, height=height)
    with nothing_in_the_cache(page):
        page.goto(urljoin(page.url, path))
        heading = page.get_by_role("heading").first
        expect(heading).to_have_text(PAGES[path])
        drawn(page)
    assert shift(page) < MOST_SHIFT
    # It begins right below the navigation.
    title, header = heading.bounding_box(), page.get_by_test_id("stHeader").bounding_box()
    assert title is not None
    assert header is not None
    assert title["y"] - (header["y"] + header["height"]) < 32
    for theme in ("light", "dark"):
        wear(page, theme)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        screenshot(page, f"{path.strip('/') or 'overview'}-{device}-{theme}")


def assert_above_the_fold(*elements: Locator) -> None:
    for element in elements:
        expect(element).to_be_visible()
        box, size = element.bounding_box(), element.page.viewport_size
        assert box is not None
        assert size is not None
        assert box["y"] >= 0.0
        assert box["y"] + box["height"] <= size["height"], element


def test_what_the_overview_shows_without_scrolling(open_page, screenshot):
    page = open_page("/")
    drawn(page)
    ways_in = [page.get_by_role("link", name=name) for name in ("Use the camera", "Analyse photos")]
    reading = page.locator(".fer-reading").first
    bars = page.locator(".fer-bars li")
    expect(reading).to_contain_text("happy")
    assert_above_the_fold(*ways_in, reading, bars.last, page.get_by_role("heading", name="Saved"))
    screenshot(page, "overview-desktop")
    page.set_viewport_size({"width": 390, "height": 844})
    assert_above_the_fold(*ways_in, page.get_by_role("link", name="Analyse a video"))
    assert_above_the_fold(page.get_by_role("img", name="Astronaut Eileen Collins"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screenshot(page, "overview-phone")
    page.get_by_role("link", name="See it live with a sample video").click()
    expect(page.get_by_role("heading", name="Live", exact=True)).to_be_visible()
    assert urlsplit(page.url).query == "source=video"


def left_of(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["x"]


def test_links_and_columns_stand_in_line(open_page):
    page = open_page("/", width=390, height=844)
    drawn(page)
    link = page.get_by_role("link", name="See it live with a sample video")
    heading = page.get_by_role("heading", name="See what faces express")
    assert left_of(link.get_by_test_id("stIconMaterial")) == pytest.approx(left_of(heading), abs=2)
    assert link.get_by_text("See it live with a sample video").evaluate(
        "text => text.scrollWidth <= text.parentElement.parentElement.clientWidth + 1"
    )
    # Columns below each other are no further apart than a text and the next.
    columns = page.get_by_test_id("stColumn")
    boxes = [box for each in columns.all() if (box := each.bounding_box())]
    gaps = [below["y"] - above["y"] - above["height"] for above, below in pairwise(boxes)]
    assert gaps
    assert max(gaps) <= 17


def test_what_the_photo_page_shows_without_scrolling(open_page, tmp_path):
    page = open_page("/photo")
    drawn(page)
    inputs = [page.get_by_text(text) for text in ("Take a picture", "Try the sample picture")]
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        assert_above_the_fold(*inputs, page.get_by_text("Add one or more pictures"))
    inputs[1].click()
    expect(page.locator(".fer-reading")).to_contain_text("happy")
    drawn(page)
    picture = page.get_by_test_id("stImage").locator("img")
    assert_above_the_fold(*inputs, picture)
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=1)  # as the sample is: not stretched
    page.set_viewport_size({"width": 1280, "height": 900})
    assert_above_the_fold(page.locator(".fer-bars li").last)
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(box["height"], abs=1)
    # In high contrast, which takes away backgrounds, a switch and a bar can still be seen.
    page.emulate_media(forced_colors="active")
    switch = page.locator("label:has(input[role=switch]) > div:first-of-type").first
    expect(switch).to_have_css("border-top-style", "solid")
    happy = page.locator(".fer-bars li", has_text="happy").locator(".fer-fill")
    glad = COLORS[Emotion.HAPPY]
    expect(happy).to_have_css("background-color", f"rgb({glad.r}, {glad.g}, {glad.b})")
