"""Limits the uploads of pages: who may send any, their size, alone and together, their slowness.

Streamlit itself reads whatever a browser sends for as long as it comes. The HTTP API has its own
limits (fer_core/server/api).
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
"""An upload that sends nothing for this long is ended."""

GRACE_S = 60.0
SLOWEST_BYTES_S = 16_000
"""After ``GRACE_S`` an upload must have this average rate: the slowest mobile network reaches it,
and a client that sends byte by byte cannot hold a connection and its memory for ever."""

FRAMING_BYTES = 1 << 20
"""More than a form adds to the file in it."""

TOO_SLOW = "The upload was too slow. Try again on a better connection."
NO_ACCESS = "This page may not upload files. Reload it and, if it asks, sign in."
NO_ROOM = "The server cannot hold more files right now. Try again in a minute."


def too_large(limit_mb: int) -> str:
    """The sentence for a file larger than this limit in megabytes."""
    return f"This file is too large: {limit_mb} MB is the limit."


def announced_bytes(headers: Headers) -> int:
    """The size that a request announces; 0 if it announces none, or nonsense."""
    text = headers.get("content-length", "")
    # Python refuses to read numbers of thousands of digits.
    return int(text[:20]) if text.isascii() and text.isdecimal() else 0


class UploadGuard:
    """ASGI middleware: cuts off uploads that are larger than ``limit_mb`` (of 2^20 bytes, as in
    Streamlit), too slow, or do not fit into memory, and answers with a sentence.

    ``room_mb``: the memory for all uploads, those arriving and those ``held`` for the pages, in
    bytes. A single upload that has the memory to itself is not refused. ``may_upload`` is asked
    with the session in the URL: Streamlit gives a session to everybody, also to a visitor who sees
    nothing but a request to sign in.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit_mb: int,
        room_mb: int,
        held: Callable[[], int],
        may_upload: Callable[[str], bool],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._limit_mb = limit_mb
        self._limit_bytes = (limit_mb << 20) + FRAMING_BYTES
        self._room_bytes = max(room_mb << 20, self._limit_bytes)
        self._held = held
        self._may_upload = may_upload
        self._coming: dict[object, int] = {}
        self._clock_s = clock_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send)
            return
        size = announced_bytes(Headers(scope=scope))
        if refusal := self._refusal(scope["path"].removeprefix(UPLOADS).partition("/")[0], size):
            await refusal(scope, receive, partial(_send_lingering, receive, send))
            return
        this = object()
        self._coming[this] = size
        try:
            await self._pass_on(this, scope, receive, send)
        finally:
            del self._coming[this]

    def _refusal(self, session_id: str, size: int) -> PlainTextResponse | None:
        """The answer to a request that is refused before its body is read."""
        if not self._may_upload(session_id):
            return _closing(401, NO_ACCESS)
        if size > self._limit_bytes:
            return self._refuse_size()
        if size and not self._has_room(size):  # a request without a file may remove one
            return _closing(503, NO_ROOM)
        return None

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
            pass  # the tab was closed: there is nobody to answer, and nothing to log

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
    # The rest of the body is not read.
    return PlainTextResponse(sentence, status, {"Connection": "close"})
