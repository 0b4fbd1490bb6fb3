"""One visitor: a photo, then a live session, in Chromium with a face in its camera."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from fer_core.media.images import read_picture
from fer_core.paths import SAMPLE

LIVE_S = 20
"""How long the camera runs; memory is flat well before."""


_TIMEOUT_MS = 60_000

_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
)


def visit(page: Page, url: str) -> None:
    """Analyse a photo, then run the camera, in ``page``, whose camera shows a face.

    Raises Playwright's errors if a page does not show what it should.
    """
    page.set_default_timeout(_TIMEOUT_MS)
    _photo(page, url)
    _live(page, url)


def visit_in_chromium(url: str) -> None:
    """The same in a separate Chromium."""
    expect.set_options(timeout=_TIMEOUT_MS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = Path(folder) / "camera.mjpeg"
        _write_clip(clip)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*_FLAGS, f"--use-file-for-fake-video-capture={clip}"],
        )
        visit(browser.new_page(), url)
        browser.close()


def _photo(page: Page, url: str) -> None:
    page.goto(f"{url}/photo")
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(SAMPLE)
    expect(page.locator(".fer-reading").first).to_contain_text("happy")


def _live(page: Page, url: str) -> None:
    page.goto(f"{url}/live")
    camera = page.frame_locator("iframe[src*=streamlit_webrtc]")
    camera.get_by_role("button", name="Start", exact=True).click()
    # Any card: on a busy machine a face can be lost and come back with another number.
    expect(page.locator(".fer-now").filter(has_text="happy").first).to_be_visible()
    page.wait_for_timeout(1000 * LIVE_S)
    camera.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Last session")).to_be_visible()


def _write_clip(path: Path) -> None:
    """Four seconds of the sample picture, 640x480, slightly moving; Chromium loops it."""
    picture = read_picture(SAMPLE)
    wide = cv2.copyMakeBorder(picture, 0, 0, 70, 70, cv2.BORDER_REPLICATE)
    with av.open(str(path), "w", format="mjpeg") as clip:
        stream = clip.add_stream("mjpeg", rate=15)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        for number in range(60):
            left = round(6 + 6 * np.sin(number / 60 * 2 * np.pi))
            view = np.ascontiguousarray(wide[:480, left : left + 640]).astype(np.uint8)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(view, format="bgr24")))
        clip.mux(stream.encode())
