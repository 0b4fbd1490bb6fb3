"""The photo page in a real browser."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from fer_core.media.images import decode_picture
from tests.browser.states import wear
from tests.browser.test_live import until
from tests.conftest import SAMPLE


def upload(page: Page, *files) -> None:
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(list(files))


def test_upload_a_photo_and_read_happy(open_page, screenshot):
    page = open_page("/photo")
    expect(page.get_by_text("Add one or more pictures")).to_be_visible()
    screenshot(page, "photo-empty")
    upload(page, SAMPLE)
    expect(page.locator(".fer-reading").first).to_contain_text("happy")
    expect(page.locator('[data-testid="stImage"] img')).to_be_visible()
    expect(page.locator('[data-testid="stDataFrame"]')).to_be_visible()
    screenshot(page, "photo-result")


def test_the_files_can_be_downloaded(open_page):
    page = open_page("/photo")
    upload(page, SAMPLE)
    contents = {}
    for label in ("Annotated picture (PNG)", "CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label, exact=True).click()
        contents[label] = download.value.path().read_bytes()
    assert decode_picture(contents["Annotated picture (PNG)"]).shape == (512, 512, 3)
    assert b"happy" in contents["CSV"].splitlines()[1]
    assert json.loads(contents["JSON"])[0]["faces"][0]["dominant"] == "happy"


def test_bad_files_are_one_sentence_each(open_page, tmp_path, screenshot):
    damaged, empty = tmp_path / "damaged.jpg", tmp_path / "empty.png"
    damaged.write_bytes(SAMPLE.read_bytes()[:3000])
    empty.write_bytes(b"")
    page = open_page("/photo")
    upload(page, damaged, empty, SAMPLE)
    expect(page.get_by_text("damaged or incomplete")).to_be_visible()
    expect(page.get_by_text("0 bytes")).to_be_visible()
    expect(page.locator(".fer-reading").first).to_contain_text("happy")
    expect(page.get_by_text("Traceback")).to_have_count(0)
    screenshot(page, "photo-bad-files")


def test_a_picture_from_the_camera(open_page):
    page = open_page("/photo")
    page.get_by_text("Take a picture with the camera").click()
    # Streamlit takes no picture, and says nothing, while the camera is still starting.
    expect(page.locator("video")).to_have_js_property("readyState", 4)
    # Nor does it say that the first picture of a camera may be a blank one.
    video = page.locator("video")
    until(page, lambda: video.evaluate("v => v.currentTime") > 1, "a camera that is on")
    page.get_by_role("button", name="Take Photo").click()
    expect(page.locator(".fer-reading").first).to_contain_text("happy")


@pytest.mark.parametrize(("device", "width"), [("desktop", 1280), ("phone", 390)])
def test_the_sample_fits_every_screen(open_page, screenshot, device, width):
    page = open_page("/photo", width=width)
    page.get_by_text("Try the sample picture").click()
    expect(page.locator(".fer-reading").first).to_contain_text("happy")
    for theme in ("light", "dark"):
        wear(page, theme)
        expect(page.locator('[data-testid="stDataFrame"]')).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        screenshot(page, f"photo-{device}-{theme}")


def test_readyz(dashboard):
    with urllib.request.urlopen(f"{dashboard}/readyz", timeout=60) as answer:
        assert answer.headers["content-type"] == "application/json"
        assert json.load(answer)["ready"] is True
