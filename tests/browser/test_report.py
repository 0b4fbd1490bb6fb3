"""The report, opened from the disk in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fer_core.export.report import html_report
from tests.browser.conftest import SCREENSHOTS, TIMEOUT_MS
from tests.sessions import HandMark, bump, session

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [("light", 1280, False), ("dark", 1280, True), ("phone", 390, False)],
)
def test_it_opens_alone_and_draws_its_charts(chromium: Browser, tmp_path: Path, name, width, dark):
    table = session({1: bump(3.0), 2: bump(7.0)}, gone=lambda t_s: 5 <= t_s < 6)
    file = tmp_path / "report.html"
    marks = [HandMark(4.0, HOSTILE, HOSTILE)]
    text = html_report(table, "Interview", {"Note": HOSTILE}, {2: HOSTILE}, marks)
    file.write_text(text, "utf-8")
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('.chart .main-svg').length >= 4")
    assert page.locator(".chart .scatterlayer .trace path").count() > 20
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink = page.evaluate(
        "getComputedStyle(document.querySelector('.chart .xtick text')).fill.match(/\\d+/g)"
    )
    assert (int(ink[0]) > 128) is dark
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
    if SCREENSHOTS.is_dir():
        page.screenshot(path=SCREENSHOTS / f"report-{name}.png", full_page=True)
    assert requests == [file.as_uri()]
    assert problems == []
