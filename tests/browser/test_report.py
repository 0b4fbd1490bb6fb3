"""The report, opened from the disk in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from fer_core.export.charts.affect import affect_trail_figure
from fer_core.export.charts.course import course_figure
from fer_core.export.report import html_report
from tests.browser.conftest import SCREENSHOTS
from tests.sessions import HandMark, bump, session

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"

PLOT_HEIGHTS = "[...document.querySelectorAll('.chart')].map((c) => c._fullLayout._size.h)"

SEEN: tuple[tuple[Literal["light", "dark"], int], ...]
SEEN = (("light", 1280), ("dark", 1280), ("light", 390))


def test_it_opens_alone_and_draws_its_charts(new_visitor, tmp_path: Path):
    table = session({1: bump(3.0), 2: bump(7.0)}, gone=lambda t_s: 5 <= t_s < 6)
    file = tmp_path / "report.html"
    marks = [HandMark(4.0, HOSTILE, HOSTILE)]
    text = html_report(table, "Interview", {"Note": HOSTILE}, {2: HOSTILE}, marks)
    file.write_text(text, "utf-8")
    page = new_visitor()
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    heights: list[list[float]] = []
    for theme, width in SEEN:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(file.as_uri())
        assert_it_is_whole(page, theme)
        heights.append(page.evaluate(PLOT_HEIGHTS))
        if SCREENSHOTS.is_dir():
            page.screenshot(path=SCREENSHOTS / f"report-{theme}-{width}.png", full_page=True)
    for chart in zip(*heights, strict=True):  # the rows of a legend take nothing from the lines
        assert min(chart) > 0.95 * max(chart)
    assert requests == [file.as_uri()] * len(SEEN)
    assert problems == []


def test_the_circumplex_is_as_large_after_a_phone_was_turned(new_visitor, tmp_path: Path):
    file = tmp_path / "circumplex.html"
    figure = affect_trail_figure(session({1: bump(3.0)}), 1)
    figure.write_html(file, config={"responsive": True})
    page = new_visitor()
    page.goto(file.as_uri())
    upright, turned = ViewportSize(width=390, height=844), ViewportSize(width=844, height=390)
    widths = [circle_px(page, size) for size in (upright, turned, upright, turned)]
    assert widths[2:] == pytest.approx(widths[:2], abs=1)


@pytest.mark.parametrize("affect", [False, True])
def test_the_numbers_of_both_axes_stand_apart(new_visitor, tmp_path: Path, affect):
    file = tmp_path / "course.html"
    figure = course_figure(session({1: bump(3.0)}), 1, affect=affect)
    figure.write_html(file)
    page = new_visitor()
    page.goto(file.as_uri())
    page.locator(".ytick text").first.wait_for()
    assert page.evaluate(OVERLAPS) == []


OVERLAPS = """() => {
  const boxes = (texts) =>
    [...document.querySelectorAll(texts)].map((text) => text.getBoundingClientRect());
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const numbers = boxes(".ytick text, .y2tick text");
  return boxes(".xtick text").filter((time) => numbers.some((number) => meet(time, number)));
}"""


def circle_px(page: Page, size: ViewportSize) -> float:
    """How wide the circle is once the figure fits a window of this size."""
    page.set_viewport_size(size)
    fits = "width => Math.abs(document.querySelector('.main-svg').clientWidth - width) < 40"
    page.wait_for_function(fits, arg=size["width"])
    box = page.locator(".shapelayer path").bounding_box()
    assert box is not None
    return box["width"]


def assert_it_is_whole(page: Page, theme: str) -> None:
    """With its charts, in this theme, as wide as the window, and on paper."""
    page.wait_for_function("document.querySelectorAll('.chart .main-svg').length >= 4")
    assert page.locator(".chart .scatterlayer .trace path").count() > 20
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink = page.evaluate(
        "getComputedStyle(document.querySelector('.chart .xtick text')).fill.match(/\\d+/g)"
    )
    assert (int(ink[0]) > 128) is (theme == "dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (
        page.evaluate(
            "Math.max(...[...document.querySelectorAll('.main-svg')].map((s) => s.clientWidth))"
        )
        <= 680
    )
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
