"""The models page in a real browser: downloads fail, are tried again and show their progress."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fer_core.paths import ROOT
from tests.browser.conftest import Dashboard
from tests.downloads import CONTENT, WeightsServer, weights_server
from tests.servers import running

# Python runs this file before anything else: the dashboard fetches from the test's own server.
SITECUSTOMIZE = """
import dataclasses, sys
if "streamlit" in sys.orig_argv:
    from fer_core.models.registry import MODELS
    MODELS["deepface"] = dataclasses.replace(
        MODELS["deepface"], addresses=({address!r},), size_bytes={size_bytes}
    )
"""


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with weights_server() as server:
        yield server


@pytest.fixture
def own_dashboard(server: WeightsServer, tmp_path: Path) -> Iterator[str]:
    """A dashboard whose DeepFace weights are refused until ``server.repaired`` is set; then they
    come half way, and on when ``server.go_on`` is set."""
    (tmp_path / "sitecustomize.py").write_text(
        SITECUSTOMIZE.format(
            address=server.url("deepface", "repaired"), size_bytes=len(CONTENT["deepface"])
        )
    )
    with running(Dashboard(tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")) as dashboard:
        yield dashboard.url


def choose(page: Page, what: str, name: str) -> None:
    page.get_by_role("radiogroup", name=f"{what} in use").get_by_text(name, exact=True).click()


def test_a_failed_download_is_tried_again_shows_progress_and_is_used_when_it_ends(
    server, own_dashboard, open_page, screenshot
):
    page = open_page("/healthz")
    page.goto(f"{own_dashboard}/models")
    # Other rows may try their downloads too, and fail for good.
    row = page.locator(".st-key-model_deepface")
    again = row.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    expect(row.get_by_role("alert")).to_contain_text("DeepFace's weights could not be fetched")
    screenshot(page, "models-failed")
    server.repaired.set()
    again.click()
    expect(row.get_by_text("Fetching the weights: ")).to_have_text("Fetching the weights: 34%")
    expect(page.get_by_text("In use now: Compact. DeepFace's")).to_be_visible()
    screenshot(page, "models-downloading")
    server.go_on.set()
    # Nobody touches the page: it takes up the network by itself.
    expect(page.get_by_text("In use now: DeepFace. Installed.")).to_be_visible()
    expect(row.get_by_text("Fetching the weights: ")).to_have_count(0)
    expect(again).to_have_count(0)
    screenshot(page, "models-here")


def test_a_choice_holds_on_every_page(open_page):
    page = open_page("/models")
    choose(page, "Face detector", "Haar cascade")
    expect(page.get_by_text("Chosen by you.")).to_have_count(1)
    choose(page, "Expression network", "Compact")
    expect(page.get_by_text("Chosen by you.")).to_have_count(2)
    page.get_by_role("link", name="Photo", exact=True).click()
    expect(page.get_by_text("Haar cascade finds faces, Compact reads expressions")).to_be_visible()
    page.locator('[data-testid="stPageLink"]').get_by_text("Models").click()
    expect(page.get_by_text("Chosen by you.")).to_have_count(2)


def test_what_cannot_be_had_is_one_sentence_and_a_way_on(open_page):
    page = open_page("/models")
    choose(page, "Expression network", "DeepFace")
    expect(page.get_by_text("The chosen model cannot be used")).to_be_visible()
    page.get_by_role("link", name="Photo", exact=True).click()
    expect(page.get_by_role("heading", name="photos")).to_be_visible()
    expect(page.get_by_text("The chosen model cannot be used")).to_have_count(0)
    expect(page.get_by_role("alert").get_by_text("DeepFace's weights could not be")).to_be_visible()
    page.get_by_text("Choose another on the Models page").click()
    choose(page, "Expression network", "Automatic")
    expect(page.get_by_text("In use now: Compact.")).to_be_visible()
