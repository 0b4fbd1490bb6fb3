"""Many users at once: ``python -m benchmarks.load``.

Fifty users sign in with the password, open pages and upload photos for two minutes, with pauses of
five to fifteen seconds between clicks, while four live sessions run. Server, users and live
sessions share this machine; all traffic stays on it.

Users and live sessions are not browsers, which would need all processors, but speak the pages' own
protocol (``_visitor.py``, ``_live_peers.py``). A photo's time is from the start of the upload until
its chart is there and its annotated picture is fetched; a page's, from the click until all of it is
there. Half of the clicks are photos: a third each of a camera's picture, a picture of two
megapixels, and a phone's of twelve.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import cv2
import httpx
import numpy as np
from websockets.exceptions import WebSocketException

from benchmarks._beside import LivePeers, Span, Watch
from benchmarks._report import Report, show, table
from benchmarks._scenes import SHARED, astronaut
from benchmarks._visitor import VisitFailed, Visitor
from benchmarks.live_page import median_and_p95
from fer_core.server.auth.password import hash_password
from tests.browser.conftest import Dashboard

THINKING_S = (5.0, 15.0)
PHOTOS_SHARE = 0.5
READING = "fer-reading"
"""A class that what a face shows has on the photo page."""

PAGES = ("", "photo", "live", "video", "history", "models", "about")
SIZES = ((640, 480), (1600, 1200), (4000, 3000))

COME_S = 30.0
"""The time over which the users load their first page, with everything a browser requests."""

ALONE_S = 20.0
"""How long the live sessions are measured alone."""

SETTLE_S = 10.0
"""After the start of the live sessions: first frames, the search for a bit rate."""

AS_ON_A_HOST = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""What the Procfile sets."""


@dataclass(slots=True)
class Seen:
    """The users' results: seconds, and errors."""

    first_s: list[float] = field(default_factory=list)
    photos_s: list[float] = field(default_factory=list)
    pages_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def photos() -> list[bytes]:
    """One file of each of ``SIZES``, JPEG, as noisy as a camera makes them."""
    files = []
    for width, height in SIZES:
        wide = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_CUBIC)
        noise = np.random.default_rng(0).normal(0.0, 3.0, wide.shape)
        noisy = np.clip(wide + noise, 0, 255).astype(np.uint8)
        files.append(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return files


class User:
    """A user who signs in, waits, clicks and looks. Errors are counted."""

    def __init__(self, visitor: Visitor, files: Sequence[bytes], seen: Seen) -> None:
        self._visitor = visitor
        self._files = files
        self._seen = seen
        self._page = ""

    async def come(self) -> None:
        """Load the first page, at some time within ``COME_S``."""
        await asyncio.sleep(random.uniform(0.0, COME_S))
        await self._timed(self._seen.first_s, self._visitor.arrive())

    async def stay(self, until_s: float) -> None:
        """Click around until that time of the monotonic clock."""
        await asyncio.sleep(random.uniform(0.0, THINKING_S[1]))
        while time.monotonic() + (thinking_s := random.uniform(*THINKING_S)) < until_s:
            await asyncio.sleep(thinking_s)
            if random.random() >= PHOTOS_SHARE:
                await self._open(random.choice([page for page in PAGES if page != self._page]))
                continue
            if self._page != "photo":
                await self._open("photo")
            await self._timed(self._seen.photos_s, self._hand_over(random.choice(self._files)))

    async def warm_up(self) -> None:
        """Warm up: load each page, and analyse a picture."""
        await self._visitor.arrive("photo")
        await self._hand_over(self._files[0])
        for page in PAGES:
            await self._visitor.open(page)

    async def _open(self, page: str) -> None:
        self._page = page
        await self._timed(self._seen.pages_s, self._visitor.open(page))

    async def _hand_over(self, file: bytes) -> None:
        """Upload a new photo, and wait for its readings and its picture."""
        # Data after a JPEG's end makes another file of the same picture.
        await self._visitor.upload("photo.jpg", file + secrets.token_bytes(16))
        readings = [each for each in self._visitor.run.all("html") if READING in each.html.body]
        if not readings or not self._visitor.run.all("imgs"):
            raise VisitFailed("the page shows no result")
        await self._visitor.look()

    async def _timed(self, times_s: list[float], doing: Awaitable[None]) -> None:
        began_s = time.perf_counter()
        try:
            await doing
            times_s.append(time.perf_counter() - began_s)
        except (VisitFailed, httpx.HTTPError, WebSocketException, OSError) as error:
            self._seen.errors[f"{type(error).__name__}: {error}"] += 1


async def measure(
    server: Dashboard, password: str, count: int, streams: int, seconds: float
) -> Report:
    """Measure live sessions alone, while ``count`` users arrive, and with them for this long."""
    seen, files = Seen(), photos()
    async with AsyncExitStack() as stack:
        # One after the other, because the login checks passwords in turn; no page is open yet.
        visitors = [
            await stack.enter_async_context(Visitor(server.url, password)) for _ in range(count + 1)
        ]
        users = [User(visitor, files, seen) for visitor in visitors]
        await users.pop().warm_up()
        watch = stack.enter_context(Watch(server.process.pid))
        peers = stack.enter_context(LivePeers(server.url, password, streams))
        await asyncio.to_thread(peers.wait)
        await asyncio.sleep(SETTLE_S)
        alone = await spent(asyncio.sleep(ALONE_S))
        # For all of that time, even if the last of few users arrives early.
        everybody = (user.come() for user in users)
        coming = await spent(asyncio.gather(asyncio.sleep(COME_S), *everybody))
        until_s = time.monotonic() + seconds
        beside = await spent(asyncio.gather(*(user.stay(until_s) for user in users)))
        connected = peers.connected()
    spans = alone, coming, beside
    figures = {
        "users": count,
        "streams": streams,
        "photos": len(seen.photos_s),
        "pages": len(seen.pages_s),
        "first_pages": len(seen.first_s),
        "errors": dict(seen.errors),
        "still_live": connected,
        "log_errors": server.log.read_text(errors="replace").count("Traceback"),
        "photo_s_p50_p95_max": (*median_and_p95(seen.photos_s), max(seen.photos_s, default=0.0)),
        "page_s_p50_p95_max": (*median_and_p95(seen.pages_s), max(seen.pages_s, default=0.0)),
        "first_s_p50_p95_max": (*median_and_p95(seen.first_s), max(seen.first_s, default=0.0)),
        "analysed_fps_alone_coming_beside": [peers.rates(span, "analysed") for span in spans],
        "returned_fps_alone_coming_beside": [peers.rates(span, "returned") for span in spans],
        "server_cores_alone_coming_beside": [watch.cores(span) for span in spans],
        "memory_mb_alone_coming": [float(np.mean(watch.memory_mb(s))) for s in (alone, coming)],
        "memory_mb_thirds_peak": thirds_and_peak(watch.memory_mb(beside)),
    }
    title = f"{count} users beside {streams} live session{'s' * (streams != 1)}"
    return Report(title, figures, tables(figures), NOTES)


async def spent(doing: Awaitable[object]) -> Span:
    """The time span of an awaitable."""
    began_s = time.monotonic()
    await doing
    return Span(began_s, time.monotonic())


def thirds_and_peak(samples: Sequence[float]) -> list[float]:
    """The means of the three thirds, and the largest."""
    return [float(np.mean(part)) for part in np.array_split(samples, 3)] + [max(samples)]


NOTES = [
    "Targets: no error; 95 % of the photos within 2 s; live sessions keep half of their frame rate "
    "without users; memory stays level.",
]


def tables(figures: dict[str, Any]) -> list[str]:
    """The figures as Markdown tables."""
    users = [
        [title, figures[count], *(f"{s:.2f}" for s in figures[times])]
        for title, count, times in (
            ("a photo", "photos", "photo_s_p50_p95_max"),
            ("opening a page", "pages", "page_s_p50_p95_max"),
            ("the first page", "first_pages", "first_s_p50_p95_max"),
        )
    ]
    live = [
        ["frames analysed a second", *map(_rates, figures["analysed_fps_alone_coming_beside"])],
        ["frames shown a second", *map(_rates, figures["returned_fps_alone_coming_beside"])],
        [
            "processors of the server",
            *(f"{n:.2f}" for n in figures["server_cores_alone_coming_beside"]),
        ],
        [
            "its memory, MB",
            *(f"{mb:.0f}" for mb in figures["memory_mb_alone_coming"]),
            " / ".join(f"{mb:.0f}" for mb in figures["memory_mb_thirds_peak"]),
        ],
    ]
    errors = [f"{count} times {text}" for text, count in figures["errors"].items()]
    return [
        table(["", "how many", "median s", "95 % within s", "longest s"], users),
        f"Errors of users: {'; '.join(errors) or 'none'}. In the log: {figures['log_errors']}. "
        f"Live sessions still running: {figures['still_live']} of {figures['streams']}.",
        table(["", "live sessions alone", "while users come", "beside them"], live),
        "Frames are per session. Memory with users: means of the three thirds of the time, peak.",
    ]


def _rates(rates: Sequence[float]) -> str:
    return " / ".join(f"{rate:.1f}" for rate in rates)


@click.command(help=__doc__)
@click.option("--users", default=50, show_default=True, help="Signed-in users.")
@click.option("--streams", default=4, show_default=True, help="Live sessions.")
@click.option("--seconds", default=120.0, show_default=True, help="How long the users stay.")
@click.option("--json", "as_json", is_flag=True, help="The figures, for programs.")
def run(users: int, streams: int, seconds: float, as_json: bool) -> None:
    password = secrets.token_urlsafe(12)
    weights = SHARED / "weights"
    own = {"FER_WEIGHTS_DIR": str(weights)} if weights.is_dir() else {}
    with tempfile.TemporaryDirectory() as folder:
        server = Dashboard(
            Path(folder), FER_PASSWORD_HASH=hash_password(password), **AS_ON_A_HOST, **own
        )
        try:
            server.wait_until_ready()
            report = asyncio.run(measure(server, password, users, streams, seconds))
        finally:
            server.stop()
    show(report, as_json)


if __name__ == "__main__":
    run()
