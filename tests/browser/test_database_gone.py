"""A database that fails during a visit: each page explains it, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WarmDashboard
from tests.browser.states import drawn
from tests.history.conftest import Server, running_server
from tests.servers import running


@pytest.fixture
def database() -> Iterator[Server]:
    """A PostgreSQL server of this test's own."""
    with running_server() as server:
        yield server


@pytest.fixture
def dashboard(database: Server, tmp_path: Path) -> Iterator[str]:
    with running(WarmDashboard(tmp_path, DATABASE_URL=database.new_database())) as server:
        yield server.url


def go(page: Page, name: str, heading: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    drawn(page)  # what the page before it said stands there until then


def test_the_database_goes_and_comes_back(open_page, database):
    page = open_page("/photo")
    page.get_by_text("Try the sample picture").click()
    page.get_by_text("Save to history").click()
    expect(page.get_by_text("Saved to history")).to_be_visible()
    go(page, "Video", "Facial expressions in videos")
    expect(page.get_by_text("Add one or more videos")).to_be_visible()
    go(page, "History", "History")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()

    database.stop("immediate")
    for name, heading in (("Video", "Facial expressions in videos"), ("History", "History")):
        go(page, name, heading)
        expect(page.get_by_role("alert")).to_contain_text("database")
        expect(page.get_by_test_id("stException")).to_have_count(0)
    # What needs no database goes on.
    go(page, "Photo", "Facial expressions in photos")
    page.get_by_text("Try the sample picture").click()
    expect(page.locator(".fer-reading").first).to_contain_text("happy")

    go(page, "History", "History")
    expect(page.get_by_role("alert")).to_contain_text("database")
    database.start()
    # By itself.
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
