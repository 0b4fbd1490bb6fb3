"""A guard before the pages' own uploads: how much may come, and how slowly.

Streamlit reads whatever its widgets' browsers send for as long as it comes. The HTTP API has limits
of its own (fer_core/api).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_core.doors.linger import send_last

UPLOADS = "/_stcore/upload_file/"

SILENCE_S = 30.0
"""An upload that sends nothing for so long is given up."""

GRACE_S = 60.0
SLOWEST_BYTES_S = 16_000
"""After ``GRACE_S`` an upload must have come at this rate on average: the slowest mobile network
does, and who sends drop by drop does not hold a connection and its memory for good."""

FRAMING_BYTES = 1 << 20
"""What a form adds to the file in it, and more."""


class UploadGuard:
    """ASGI middleware: uploads larger than ``limit_mb`` (of 2^20 bytes, as Streamlit counts), or
    too slow, are answered with a sentence and cut off."""

    def __init__(
        self, app: ASGIApp, limit_mb: int, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._limit_mb = limit_mb
        self._limit_bytes = (limit_mb << 20) + FRAMING_BYTES
        self._clock_s = clock_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit_bytes:
            await self._too_large()(scope, receive, partial(_send_lingering, receive, send))
            return
        began_s, received, answered = self._clock_s(), 0, False

        async def receive_and_count() -> Message:
            nonlocal received
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await receive()
            except TimeoutError:
                raise _Refused(_too_slow()) from None
            received += len(message.get("body", b""))
            if received > self._limit_bytes:
                raise _Refused(self._too_large())
            passed_s = self._clock_s() - began_s
            unfinished = message["type"] == "http.request" and message.get("more_body", False)
            if unfinished and passed_s > GRACE_S and received < passed_s * SLOWEST_BYTES_S:
                raise _Refused(_too_slow())
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, receive_and_count, send_and_note)
        except _Refused as refused:
            if not answered:
                await refused.answer(scope, receive, partial(_send_lingering, receive, send))

    def _too_large(self) -> PlainTextResponse:
        return _closing(413, f"This file is too large: {self._limit_mb} MB is the limit.")


class _Refused(Exception):
    def __init__(self, answer: PlainTextResponse) -> None:
        super().__init__()
        self.answer = answer


async def _send_lingering(receive: Receive, send: Send, message: Message) -> None:
    if message["type"] == "http.response.body" and not message.get("more_body", False):
        await send_last(message, receive, send)
    else:
        await send(message)


def _too_slow() -> PlainTextResponse:
    return _closing(408, "The upload came too slowly. Try again on a better connection.")


def _closing(status: int, sentence: str) -> PlainTextResponse:
    # What is still on its way is not read any more.
    return PlainTextResponse(sentence, status, {"Connection": "close"})
