"""A guard before the pages' own uploads: how much may come, of one and of all, and how slowly.

Streamlit reads whatever its widgets' browsers send for as long as it comes. The HTTP API has limits
of its own (fer_core/server/api).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_core.server.drain import send_last

UPLOADS = "/_stcore/upload_file/"

SILENCE_S = 30.0
"""An upload that sends nothing for so long is given up."""

GRACE_S = 60.0
SLOWEST_BYTES_S = 16_000
"""After ``GRACE_S`` an upload must have come at this rate on average: the slowest mobile network
does, and who sends drop by drop does not hold a connection and its memory for good."""

FRAMING_BYTES = 1 << 20
"""What a form adds to the file in it, and more."""

TOO_SLOW = "The upload came too slowly. Try again on a better connection."
NO_ROOM = "There is no room for further files just now. Try again in a minute."


def too_large(limit_mb: int) -> str:
    """The sentence for a file of more megabytes than that."""
    return f"This file is too large: {limit_mb} MB is the limit."


def announced_bytes(headers: Headers) -> int:
    """The size that a request gives itself; 0 where it gives none, or nonsense."""
    text = headers.get("content-length", "")
    # Python refuses to read numbers of thousands of digits.
    return int(text[:20]) if text.isascii() and text.isdecimal() else 0


class UploadGuard:
    """ASGI middleware: uploads larger than ``limit_mb`` (of 2^20 bytes, as Streamlit counts), too
    slow, or for which there is no room, are answered with a sentence and cut off.

    ``room_mb``: what all uploads may take in memory at once, those that are coming and those that
    are ``held``, in bytes, for the pages. An upload that has the memory for itself is not refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_mb: int,
        room_mb: int,
        held: Callable[[], int],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._limit_mb = limit_mb
        self._limit_bytes = (limit_mb << 20) + FRAMING_BYTES
        self._room_bytes = max(room_mb << 20, self._limit_bytes)
        self._held = held
        self._coming: dict[object, int] = {}
        self._clock_s = clock_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send)
            return
        size = announced_bytes(Headers(scope=scope))
        refusal = None
        if size > self._limit_bytes:
            refusal = self._refuse_size()
        elif size and not self._has_room(size):  # what brings nothing may take something away
            refusal = _closing(503, NO_ROOM)
        if refusal:
            await refusal(scope, receive, partial(_send_lingering, receive, send))
            return
        this = object()
        self._coming[this] = size
        try:
            await self._pass_on(this, scope, receive, send)
        finally:
            del self._coming[this]

    def _has_room(self, size: int) -> bool:
        return self._held() + sum(self._coming.values()) + size <= self._room_bytes

    async def _pass_on(self, this: object, scope: Scope, receive: Receive, send: Send) -> None:
        began_s, received, answered = self._clock_s(), 0, False

        async def receive_and_count() -> Message:
            nonlocal received
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await receive()
            except TimeoutError:
                raise _Refused(_closing(408, TOO_SLOW)) from None
            received += len(message.get("body", b""))
            if received > self._limit_bytes:
                raise _Refused(self._refuse_size())
            if received > self._coming[this]:  # its size was not announced
                if not self._has_room(received - self._coming[this]):
                    raise _Refused(_closing(503, NO_ROOM))
                self._coming[this] = received
            passed_s = self._clock_s() - began_s
            unfinished = message["type"] == "http.request" and message.get("more_body", False)
            if unfinished and passed_s > GRACE_S and received < passed_s * SLOWEST_BYTES_S:
                raise _Refused(_closing(408, TOO_SLOW))
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
        except ClientDisconnect:
            pass  # a tab that was closed: nobody to answer, and nothing for the log

    def _refuse_size(self) -> PlainTextResponse:
        return _closing(413, too_large(self._limit_mb))


class _Refused(Exception):
    def __init__(self, answer: PlainTextResponse) -> None:
        super().__init__()
        self.answer = answer


async def _send_lingering(receive: Receive, send: Send, message: Message) -> None:
    if message["type"] == "http.response.body" and not message.get("more_body", False):
        await send_last(message, receive, send)
    else:
        await send(message)


def _closing(status: int, sentence: str) -> PlainTextResponse:
    # What is still on its way is not read any more.
    return PlainTextResponse(sentence, status, {"Connection": "close"})
