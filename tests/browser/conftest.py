"""A real server and a real Chromium with a fake camera."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from fer_core.media.images import read_picture
from fer_core.paths import ROOT
from tests.conftest import NOWHERE, SAMPLE
from tests.servers import free_port

CHROMIUM = shutil.which("chromium")
SCREENSHOTS = ROOT / "screenshots"

# Generous: two busy cores may take their time, and an idle machine does not wait.
TIMEOUT_MS = 90_000
expect.set_options(timeout=TIMEOUT_MS)

# Debian's Chromium as root, quiet: no start page, no look-ups, no updates.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]

# urlopen would keep the proxies of whoever called it first, and tests have one that answers nobody.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

CAMERA_FLAG = "--use-fake-device-for-media-stream"
ALLOW_FLAG = "--use-fake-ui-for-media-stream"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium is absent"))


class Dashboard:
    """`streamlit run app.py` on a port of its own; its output is printed when a test fails."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = folder / "server.log"
        mine = {k: v for k, v in os.environ.items() if not k.startswith("FER_")}
        mine |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
        mine |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        mine.pop("DATABASE_URL", None)
        mine |= {"HOME": str(folder), "DEEPFACE_HOME": str(folder)}
        mine |= {"FER_DATA_DIR": str(folder / "data"), **environment}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=mine, stdout=log, stderr=subprocess.STDOUT
            )

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "streamlit", "run", "app.py"),
            *("--server.port", str(self.port), "--server.headless", "true"),
        ]

    def wait_until_ready(self, timeout_s: float = 90.0) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with DIRECT.open(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"the dashboard did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="package")
def _dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    server = Dashboard(tmp_path_factory.mktemp("dashboard"))
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(_dashboard: Dashboard) -> Dashboard:
    """The running dashboard itself."""
    return _dashboard


@pytest.fixture
def dashboard(_dashboard: Dashboard, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the running dashboard."""
    begin = _dashboard.log.stat().st_size
    yield _dashboard.url
    print("--- the dashboard's output ---")
    print(_dashboard.log.read_bytes()[begin:].decode(errors="replace"))


@pytest.fixture(scope="session")
def camera_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of the astronaut, 640x480, moving a little; Chromium loops it."""
    path = tmp_path_factory.mktemp("camera") / "astronaut.mjpeg"
    wide = cv2.copyMakeBorder(read_picture(SAMPLE), 0, 0, 64, 64, cv2.BORDER_REPLICATE)
    _swaying(wide[0:480], path)
    return path


@pytest.fixture(scope="session")
def two_faces_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``camera_clip``, with the astronaut and her mirror image side by side."""
    path = tmp_path_factory.mktemp("camera") / "two.mjpeg"
    one = read_picture(SAMPLE)[0:480, 64:384]
    _swaying(np.hstack([one, one[:, ::-1]]), path)
    return path


def _swaying(picture: np.ndarray, path: Path) -> None:
    """Write six seconds of a picture, 640 pixels wide or more and 480 high, that moves a little."""
    with av.open(str(path), "w", format="mjpeg") as clip:
        stream = clip.add_stream("mjpeg", rate=15)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        for number in range(90):
            left = round(6 + 6 * np.sin(number / 90 * 2 * np.pi))
            view = np.ascontiguousarray(picture[:, left : left + 628])
            still = cv2.resize(view, (640, 480)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(still, format="bgr24")
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode())


# Not for the whole session: its event loop would be running under all tests that come after.
@pytest.fixture(scope="package")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


Launch = Callable[..., Browser]


@pytest.fixture(scope="package")
def launch(_playwright: Playwright) -> Iterator[Launch]:
    """``launch(*flags) -> Browser``: a Chromium with these flags, the same one for all who ask.

    To start one takes a second. What tests must not share, cookies, permissions and storage,
    belongs to a context (``Browser.new_context``), which each closes.
    """
    running: dict[tuple[str, ...], Browser] = {}

    def get(*flags: str) -> Browser:
        found = running.get(flags)
        if found is None or not found.is_connected():
            found = _playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            running[flags] = found
        return found

    yield get
    for browser in running.values():
        browser.close()


@pytest.fixture
def chromium(launch: Launch) -> Iterator[Browser]:
    """A Chromium without a camera, for tests that open contexts and pages themselves."""
    browser = launch()
    yield browser
    for context in browser.contexts:
        context.close()


OpenPage = Callable[..., Page]


def watch(context: BrowserContext, refused: list[str]) -> None:
    """Note what the browser does not do because a header forbids it: it says so in its console."""

    def listen(message: ConsoleMessage) -> None:
        if re.search("Content[- ]Security[- ]Policy|[Pp]ermissions[- ][Pp]olicy", message.text):
            refused.append(message.text)

    context.on("console", listen)


@pytest.fixture
def open_page(
    launch: Launch, dashboard: str, camera_clip: Path, two_faces_clip: Path
) -> Iterator[OpenPage]:
    """``open_page("/live", camera="astronaut", width=1280, height=900, dark=False) -> Page``.

    Without cookies, as if for the first time. ``camera``: ``astronaut``, ``two`` (faces), ``none``
    (no device) or ``refused`` (the user denies it). ``flags`` are more of Chromium's. Accelerated
    animations are off; the test fails when the browser refused something because of the headers
    that forbid it.
    """
    contexts: list[BrowserContext] = []
    refused: list[str] = []

    def start(
        path: str = "/",
        camera: str = "astronaut",
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        flags: Sequence[str] = (),
    ) -> Page:
        flags = list(flags)
        if camera != "none":
            clip = two_faces_clip if camera == "two" else camera_clip
            flags += [CAMERA_FLAG, f"--use-file-for-fake-video-capture={clip}"]
        if camera in ("astronaut", "two"):
            flags.append(ALLOW_FLAG)
        context = launch(*flags).new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        contexts.append(context)
        watch(context, refused)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(dashboard + path)
        return page

    yield start
    for context in contexts:
        context.close()
    assert refused == []


@pytest.fixture
def screenshot() -> Callable[[Page, str], None]:
    """Keep a picture of the page in the git-ignored screenshots/, where there is that folder."""

    def take(page: Page, name: str) -> None:
        if not SCREENSHOTS.is_dir():  # one takes a second, and there are fifty
            return
        size = page.viewport_size
        assert size is not None
        # The page scrolls inside itself, so the window has to grow to show all of it.
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], height + 80)})
        page.wait_for_timeout(800)
        page.screenshot(path=SCREENSHOTS / f"{name}.png")
        page.set_viewport_size(size)

    return take
