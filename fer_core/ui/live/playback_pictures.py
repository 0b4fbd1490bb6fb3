"""The pictures of a playback, one request each, marked when they are asked for.

Plain answers of a few kilobytes get through every proxy and firewall that lets the page through,
also one that holds back what does not end, as a stream of pictures would not. The browser asks for
the next picture when it has drawn the last: a slow line gets fewer of them, and no queue.

The routes stand beside the pages and not behind them. What opens them is an address that cannot be
guessed; only the page that plays the clip knows it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import cv2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fer_core.export.draw import annotate
from fer_core.live.playback import Playback, Shown

if TYPE_CHECKING:  # the server starts without streamlit-webrtc
    from fer_core.ui.live.webrtc import Marks

HOLD_S = 1.0
"""How long a request waits for a picture before it is told that there is none yet."""

LOOK_S = 0.01

QUALITY = 80

TIME_HEADER = "X-Time-S"
"""What the browser sends back as ``after`` to get a later picture."""


@dataclass(eq=False)
class Screen:
    """Where the pictures of a playback can be had: ``/playback/TOKEN?after=SECONDS``."""

    playback: Playback
    marks: Marks
    token: str = field(default_factory=secrets.token_urlsafe)

    def __post_init__(self) -> None:
        _SCREENS[self.token] = self


_SCREENS: WeakValueDictionary[str, Screen] = WeakValueDictionary()


async def _picture(request: Request) -> Response:
    """200 with a JPEG, 204 while there is none, 410 once the playback is over."""
    screen = _SCREENS.get(request.path_params["token"])
    deadline_s = time.monotonic() + HOLD_S
    while screen is not None and screen.playback.running:
        shown = screen.playback.next_picture(_seconds(request.query_params.get("after", "")))
        if shown is not None:
            jpeg = await run_in_threadpool(_jpeg, screen, shown)
            headers = {TIME_HEADER: repr(shown.frame.t_s), "Cache-Control": "no-store"}
            return Response(jpeg, headers=headers, media_type="image/jpeg")
        if time.monotonic() > deadline_s:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        await asyncio.sleep(LOOK_S)
    return Response(status_code=410, headers={"Cache-Control": "no-store"})


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _jpeg(screen: Screen, shown: Shown) -> bytes:
    began_s, worked_s = time.monotonic(), time.thread_time()
    bgr, marks = shown.frame.bgr, screen.marks
    if shown.result is not None:
        bgr = annotate(bgr, shown.result, marks.landmarks, marks.pose)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    waited_s = time.monotonic() - began_s - (time.thread_time() - worked_s)
    screen.playback.report_wait(max(0.0, waited_s))
    return data.tobytes()


ROUTES: list[Route] = [Route("/playback/{token}", _picture)]
"""For ``st.App(routes=…)``."""
