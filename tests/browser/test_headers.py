"""The security headers in a real browser: what they block. That all pages work with them
is checked wherever a test opens one (``open_page``)."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TIMEOUT_MS, Refusals, WarmDashboard
from tests.browser.test_live import until

SMUGGLED = (
    (
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; "
        "document.body.append(s)",
        "inline script",
        "script-src",
    ),
    (
        "const s = document.createElement('script'); s.src = 'http://127.0.0.1:9/x.js'; "
        "document.body.append(s)",
        "/x.js",
        "script-src",
    ),
    (
        "document.body.insertAdjacentHTML('beforeend', '<b onclick=\"1\">x</b>')",
        "event handler",
        "script-src",
    ),
    ("setTimeout('window.hacked = 1')", "string as JavaScript", "script-src"),
    ("fetch('http://127.0.0.1:9/?fetch=was-seen').catch(() => 0)", "?fetch=", "connect-src"),
    ("new Image().src = 'http://127.0.0.1:9/?image=was-seen'", "?image=", "img-src"),
)
"""What a script might do, and the words and the rule with which the browser refuses it."""


def test_what_was_smuggled_in_does_nothing(new_visitor, dashboard):
    refused = Refusals()
    page = new_visitor()
    page.on("console", refused.note)
    page.goto(f"{dashboard}/about")
    expect(page.get_by_role("heading", name="About", exact=True)).to_be_visible()
    assert refused == []
    for deed, what, rule in SMUGGLED:
        page.evaluate(f"() => {{ {deed} }}")
        until(page, lambda: any(what in text and rule in text for text in refused), deed)  # noqa: B023
    assert page.evaluate("window.hacked") is None
    page.remove_listener("console", refused.note)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """``elsewhere(address)``: the address of another site's page that shows this one in a frame."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def page(address: str) -> str:
        (tmp_path / "index.html").write_text(f'<iframe src="{address}" width=900 height=700>')
        # Another port is another origin.
        return f"http://localhost:{server.server_port}/"

    yield page
    server.shutdown()
    server.server_close()


def test_another_site_cannot_show_it_in_a_frame(chromium, dashboard, elsewhere):
    said: list[str] = []
    page = chromium.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(elsewhere(dashboard))
    until(page, lambda: any("frame-ancestors" in text for text in said), "it is refused")
    assert page.frame_locator("iframe").get_by_role("heading").count() == 0


def test_a_named_site_can(chromium, elsewhere, tmp_path):
    asked = elsewhere("")
    server = WarmDashboard(tmp_path, FER_FRAMED_BY=asked.rstrip("/"))
    try:
        server.wait_until_ready()
        page = chromium.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(elsewhere(server.url))
        expect(page.frame_locator("iframe").get_by_role("heading").first).to_be_visible()
    finally:
        server.stop()
