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
from functools import cache
from pathlib import Path
from typing import ClassVar
from urllib.parse import urljoin

import cv2
import numpy as np
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

from fer_core.media.images import read_picture
from fer_core.paths import ROOT
from tests.conftest import NOWHERE, SAMPLE
from tests.forked import ForkedProcess, run_streamlit
from tests.servers import free_port

CHROMIUM = shutil.which("chromium")

# The same engine without windows, which nobody sees here: a tenth less of the processor. It cannot
# deny a camera: it never answers.
HEADLESS_SHELL = shutil.which("chromium-headless-shell") or CHROMIUM
SCREENSHOTS = ROOT / "screenshots"

# Generous: two busy cores may take their time, and an idle machine does not wait.
TIMEOUT_MS = 90_000
expect.set_options(timeout=TIMEOUT_MS)

# Debian's Chromium as root, quiet: no start page, no look-ups, no updates.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    # Pages live for seconds: to optimise their JavaScript, or to collect garbage early and in many
    # threads, takes a quarter more of the processor than it saves.
    "--js-flags=--no-opt --no-maglev --single-threaded-gc --min-semi-space-size=32",
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
    """`streamlit run app.py` on a port of its own; its output is printed when a test fails.

    One that comes after another has its port, if that is free again: to a browser they are the same
    site, whose JavaScript it has read already.
    """

    _left_ports: ClassVar[list[int]] = []

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port(self._left_ports.pop() if self._left_ports else 0)
        self.url = f"http://localhost:{self.port}"
        self.log = folder / "server.log"
        mine = {k: v for k, v in os.environ.items() if not k.startswith("FER_")}
        mine |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
        mine |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        mine.pop("DATABASE_URL", None)
        mine |= {"HOME": str(folder), "DEEPFACE_HOME": str(folder)}
        # As in the Makefile and on hosts: glibc gives back what threads that are gone have freed.
        mine |= {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
        mine |= {"FER_DATA_DIR": str(folder / "data"), **environment}
        self.process = self._start(mine)

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes] | ForkedProcess:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                self.command(), cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def command(self) -> list[str]:
        return [sys.executable, "-m", "streamlit", *self.arguments()]

    def arguments(self) -> list[str]:
        return ["run", "app.py", "--server.port", str(self.port), "--server.headless", "true"]

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
        self._left_ports.append(self.port)


class WarmDashboard(Dashboard):
    """The same in a process that need not import it. For tests of what it does with settings of
    their own; how it starts is seen wherever ``dashboard`` is used."""

    def _start(self, environment: dict[str, str]) -> ForkedProcess:
        return ForkedProcess(run_streamlit, self.arguments(), environment, self.log)


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
def camera_clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``camera_clips("astronaut")``: six seconds of a picture that moves a little.

    ``astronaut``; ``two``: she and her mirror image side by side; ``thirty``: she, at 30 frames a
    second in the place of ten, for what is measured.
    """
    folder = tmp_path_factory.mktemp("camera")

    @cache
    def clip(name: str) -> Path:
        picture = read_picture(SAMPLE)[0:480]
        half = picture[:, 64:384]
        wide = cv2.copyMakeBorder(picture, 0, 0, 64, 64, cv2.BORDER_REPLICATE)
        shown = np.hstack([half, half[:, ::-1]]) if name == "two" else wide
        path = folder / f"{name}.y4m"
        _write_swaying(shown, path, fps=30 if name == "thirty" else 10)
        return path

    return clip


def _write_swaying(picture: np.ndarray, path: Path, fps: int) -> None:
    """A film of 640x480 that Chromium reads without decoding, and repeats."""
    count = 6 * fps
    with path.open("wb") as film:
        film.write(b"YUV4MPEG2 W640 H480 F%d:1 Ip A1:1 C420jpeg\n" % fps)
        for number in range(count):
            left = round(6 + 6 * np.sin(number / count * 2 * np.pi))
            view = cv2.resize(picture[:, left : left + 628], (640, 480))
            film.write(b"FRAME\n" + cv2.cvtColor(view, cv2.COLOR_BGR2YUV_I420).tobytes())


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
            denies = CAMERA_FLAG in flags and ALLOW_FLAG not in flags
            found = _playwright.chromium.launch(
                executable_path=CHROMIUM if denies else HEADLESS_SHELL, args=[*FLAGS, *flags]
            )
            running[flags] = found
        return found

    yield get
    for browser in running.values():
        browser.close()


@pytest.fixture
def chromium(launch: Launch) -> Iterator[Browser]:
    """A Chromium without a camera, for tests that open contexts and pages themselves."""
    browser = launch()
    before = browser.contexts
    yield browser
    for context in browser.contexts:
        if context not in before:
            context.close()


class Tabs:
    """Tabs with cookies of their own, which one test after another uses.

    A new tab reads all of Streamlit's JavaScript, which is most of what a page costs the processor.
    One that was used has read it, and has kept nothing else: no cookie, no storage, no permission.
    """

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._free: dict[tuple[str, ...], list[Page]] = {}

    def take(self, *flags: str, site: str = "") -> Page:
        """A tab of a Chromium with these flags, as of a visitor who was never there.

        For ``site`` one that has read its JavaScript, if there is one.
        """
        free = self._free.setdefault(flags, [])
        there = [page for page in free if page.url.startswith(site)]
        page = there[-1] if there else self._new(flags)
        if there:
            free.remove(page)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
        return page

    def _new(self, flags: tuple[str, ...]) -> Page:
        context = self._launch(*flags).new_context()
        context.set_default_timeout(TIMEOUT_MS)
        return context.new_page()

    def give_back(self, page: Page, *flags: str) -> None:
        """For the next who takes one. Where its server is gone, the tab is closed."""
        for other in page.context.pages:
            if other is not page:
                other.close()
        try:
            page.mouse.move(0, 0)
            # Of the same server, or Chromium would begin another process; and without any script.
            page.goto(urljoin(page.url, "/healthz"))
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
        except PlaywrightError:
            page.context.close()
            return
        page.context.clear_cookies()
        page.context.clear_permissions()
        self._free.setdefault(flags, []).append(page)


@pytest.fixture(scope="package")
def tabs(launch: Launch) -> Tabs:
    return Tabs(launch)


@pytest.fixture
def new_visitor(tabs: Tabs) -> Iterator[Callable[[], Page]]:
    """``new_visitor() -> Page``: an empty tab without a camera. Each has cookies of its own."""
    taken: list[Page] = []

    def take() -> Page:
        taken.append(tabs.take())
        return taken[-1]

    yield take
    for page in taken:
        tabs.give_back(page)


OpenPage = Callable[..., Page]


class Refusals(list[str]):
    """What the browser does not do because a header forbids it: it says so in its console."""

    def note(self, message: ConsoleMessage) -> None:
        if re.search("Content[- ]Security[- ]Policy|[Pp]ermissions[- ][Pp]olicy", message.text):
            self.append(message.text)


@pytest.fixture
def open_page(
    tabs: Tabs, dashboard: str, camera_clips: Callable[[str], Path]
) -> Iterator[OpenPage]:
    """``open_page("/live", camera="astronaut", width=1280, height=900, dark=False) -> Page``.

    Without cookies, as if for the first time. ``camera``: one of ``camera_clips``, ``none`` (no
    device) or ``refused`` (the user denies it). ``flags`` are more of Chromium's. Accelerated
    animations are off; the test fails when the browser refused something because of the headers
    that forbid it.
    """
    taken: list[tuple[Page, list[str]]] = []
    refused = Refusals()

    def start(
        path: str = "/",
        camera: str = "astronaut",
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        flags: Sequence[str] = (),
    ) -> Page:
        flags = list(flags)
        if camera not in ("none", "refused"):
            flags += [f"--use-file-for-fake-video-capture={camera_clips(camera)}", ALLOW_FLAG]
        if camera != "none":
            flags.append(CAMERA_FLAG)
        page = tabs.take(*flags, site=dashboard)
        taken.append((page, flags))
        page.on("console", refused.note)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.goto(dashboard + path)
        return page

    yield start
    for page, flags in taken:
        page.remove_listener("console", refused.note)
        tabs.give_back(page, *flags)
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
