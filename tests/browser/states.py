"""The states of pages on which accessibility and layout are tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from playwright.sync_api import Page, expect

from fer_core.media.images import read_picture
from fer_core.paths import SAMPLE_CLIP
from fer_core.ui.photo.show import MOST_OPEN
from tests.browser.test_live import until
from tests.conftest import SAMPLE


def drawn(page: Page) -> None:
    """Wait until the page's run has ended and its pictures are there."""
    app = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    expect(app).to_be_attached()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    complete = "[...document.images].every(image => image.complete)"
    until(page, lambda: page.evaluate(complete), "the pictures are there")


def wear(page: Page, theme: Literal["light", "dark"]) -> None:
    """Change to a theme, as a visitor's system does, and wait until the page has it."""
    page.emulate_media(color_scheme=theme)
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", theme)


FACES = 12


def photo_with_faces(page: Page, folder: Path) -> None:
    """Twelve faces, one of them blurred, how they move, and a file that is broken."""
    face = read_picture(SAMPLE)[::2, ::2]
    blurred = cv2.GaussianBlur(face, (0, 0), 3.0)
    crowd = np.tile(np.hstack([face, face[:, ::-1], face, face]), (FACES // 4, 1, 1))
    crowd[: face.shape[0], : face.shape[1]] = blurred
    cv2.imwrite(str(folder / "crowd.png"), crowd)
    (folder / "damaged.jpg").write_bytes(SAMPLE.read_bytes()[:3000])
    files = [folder / "crowd.png", folder / "damaged.jpg"]
    page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(files)
    expect(page.get_by_text(f"{FACES} faces", exact=True)).to_be_visible()
    page.get_by_text("smaller faces").click()
    expect(page.get_by_text("Too blurred to read well", exact=True)).to_be_visible()
    expect(page.get_by_text("damaged or incomplete")).to_be_visible()
    page.get_by_text("Movements", exact=True).click()
    expect(page.locator(".fer-moves")).to_have_count(MOST_OPEN)
    expect(page.locator(".fer-moves").last).to_be_visible()
    drawn(page)


def saved_photo(page: Page, folder: Path) -> None:
    """The sample, saved to the history, and the history page."""
    page.get_by_text("Try the sample picture").click()
    page.get_by_text("Save to history").click()
    expect(page.get_by_text("Saved to history")).to_be_visible()
    page.get_by_role("link", name="History", exact=True).click()
    # The photo page had a table, too.
    expect(page.get_by_role("heading", name="sample.jpg")).to_be_visible()
    drawn(page)


def as_it_comes(page: Page, folder: Path) -> None:
    """Nothing is done to it."""
    drawn(page)


def chosen_video(page: Page, folder: Path) -> None:
    """A video that is not analysed yet, and the choice of its frames."""
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(SAMPLE_CLIP)
    expect(page.get_by_role("button", name="Analyse")).to_be_enabled()
    page.get_by_text("Which frames").click()
    expect(page.get_by_text("From second")).to_be_visible()
    drawn(page)


def without_camera(page: Page, folder: Path) -> None:
    """The live page says that there is none."""
    expect(page.get_by_text("No camera was found")).to_be_visible()
    drawn(page)


STATES: dict[str, tuple[str, Callable[[Page, Path], None]]] = {
    "overview": ("/", as_it_comes),
    "photo, empty": ("/photo", as_it_comes),
    "photo, faces and an error": ("/photo", photo_with_faces),
    "live": ("/live", without_camera),
    "video": ("/video", as_it_comes),
    "video, chosen": ("/video", chosen_video),
    "history": ("/history", as_it_comes),
    "history, a session": ("/photo", saved_photo),
    "models": ("/models", as_it_comes),
    "about": ("/about", as_it_comes),
}
"""By name: the address, and what is done there until the page is in this state. A further state is
a line here."""
