"""A separate dashboard, a Chromium with a fake camera, and tabs on the live page."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.sync_api import BrowserContext, Frame, Page, sync_playwright

from benchmarks._camera import write_camera_clip
from benchmarks._scenes import SHARED
from tests.browser.conftest import ALLOW_FLAG, CAMERA_FLAG, CHROMIUM, FLAGS, Dashboard

PROBE = Path(__file__).with_name("_camera.js")

# So that background tabs run as in the foreground.
AWAKE = (
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)

# As in Procfile and Dockerfile. Without them, glibc gives every thread its own arena, and keeps
# memory freed by ended threads.
MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}

PATIENCE_S = 30.0
"""How long a start may take before it counts as failed."""

STATS_LINE = re.compile(
    r"frames a second · latency (\d+) ms \(95% within (\d+) ms\) · ([\d,]+) frames analysed"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a tab saw since the last call: spans in seconds, latencies in milliseconds.

    ``analysis_ms`` is the page's own median and 95th percentile of its last three seconds.
    """

    span_s: float
    analysed: int
    shown: int
    ways_ms: list[float]
    analysis_ms: tuple[float, float]


@dataclass(frozen=True, slots=True)
class StartTimes:
    """Seconds from the click; None if it did not come within ``PATIENCE_S``."""

    picture_s: float | None
    analysed_s: float | None


class LiveTab:
    """The live page in a browser context of its own."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self._context = context
        self._page: Page = context.new_page()
        self._page.goto(address)
        self._camera = self._find_camera()
        self._read_s = time.monotonic()
        self._analysed = 0

    def time_start(self) -> StartTimes:
        """Press Start once, and wait for the picture and the first analysed frame."""
        self._camera.get_by_role("button", name="Start", exact=True).click()
        clicked_s = time.monotonic()
        picture_s = self._until(self._has_picture, clicked_s)
        return StartTimes(picture_s, self._until(lambda: self._stats()[0] > 0, clicked_s))

    def stop(self) -> None:
        """Press Stop, and wait until the camera can be started again."""
        self._camera.get_by_role("button", name="Stop", exact=True).click()
        self._camera.get_by_role("button", name="Start", exact=True).wait_for()

    def read(self) -> Seen:
        """What happened since this was last called."""
        analysed, analysis_ms = self._stats()
        probe = self._camera.evaluate("ferSeen()")
        now_s = time.monotonic()
        seen = Seen(
            span_s=now_s - self._read_s,
            analysed=analysed - self._analysed,
            shown=probe["shown"],
            ways_ms=probe["waysMs"],
            analysis_ms=analysis_ms,
        )
        self._read_s, self._analysed = now_s, analysed
        return seen

    def wait(self, span_s: float) -> None:
        """Let the browser work; Playwright's events are handled meanwhile."""
        self._page.wait_for_timeout(span_s * 1e3)

    def close(self) -> None:
        """Close the tab without Stop, as users do."""
        self._context.close()

    def _find_camera(self) -> Frame:
        found: list[Frame] = []

        def look() -> bool:
            found[:] = [frame for frame in self._page.frames if "streamlit_webrtc" in frame.url]
            return bool(found)

        if self._until(look, time.monotonic()) is None:
            raise RuntimeError("the live page shows no camera")
        return found[0]

    def _has_picture(self) -> bool:
        video = self._camera.locator("video")  # two pixels mean connected without a picture
        return bool(video.count() and video.first.evaluate("video => video.videoWidth > 16"))

    def _stats(self) -> tuple[int, tuple[float, float]]:
        line = self._page.get_by_text("frames analysed")
        found = STATS_LINE.search(line.first.inner_text()) if line.count() else None
        if not found:
            return 0, (float("nan"), float("nan"))
        return int(found[3].replace(",", "")), (float(found[1]), float(found[2]))

    def _until(self, condition: Callable[[], bool], since_s: float) -> float | None:
        """Seconds from ``since_s`` until the condition held, or None."""
        while (waited_s := time.monotonic() - since_s) < PATIENCE_S:
            if condition():
                return waited_s
            self._page.wait_for_timeout(20)
        return None


class Workshop:
    """Server and browser, ready for tabs; a context manager that ends both."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        weights = SHARED / "weights"
        own = {"FER_WEIGHTS_DIR": str(weights)} if weights.is_dir() else {}
        self._server = Dashboard(folder, **MALLOC, **own)

    def __enter__(self) -> Self:
        clip = self._folder / "camera.mjpeg"
        write_camera_clip(clip)
        self._server.wait_until_ready()
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *(*FLAGS, *AWAKE, ALLOW_FLAG, CAMERA_FLAG),
                f"--use-file-for-fake-video-capture={clip}",
            ],
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._browser.close()
        self._playwright.stop()
        self._server.stop()

    def open_live(self) -> LiveTab:
        """A fresh context with the live page in it."""
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(path=PROBE)
        return LiveTab(context, f"{self._server.url}/live")

    def server_mb(self) -> float:
        """Resident memory of the server, in megabytes."""
        status = Path(f"/proc/{self._server.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1e3

    def server_cpu_s(self) -> float:
        """Seconds of processor time the server has used."""
        # utime and stime: the 14th and 15th field; the second is the name, which may contain
        # spaces.
        stat = Path(f"/proc/{self._server.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
