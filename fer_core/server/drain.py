"""Ends a request cleanly that is refused while its body still arrives."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive, Send

LINGER_S = 2.0
LINGER_BYTES = 4_000_000


async def send_last(message: Message, receive: Receive, send: Send) -> None:
    """Send the last part of a response after reading a little more of the request. If a connection
    is closed with unread bytes, it is reset, and a client that is still sending loses the
    response."""
    await send({**message, "more_body": True})
    left_bytes = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while left_bytes > 0:
                asked = await receive()
                left_bytes -= len(asked.get("body", b""))
                if asked["type"] != "http.request" or not asked.get("more_body", False):
                    break
    await send({"type": "http.response.body", "body": b""})
