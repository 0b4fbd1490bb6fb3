"""The clean end of a request that is refused while its body is still coming."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive, Send

LINGER_S = 2.0
LINGER_BYTES = 4_000_000


async def send_last(message: Message, receive: Receive, send: Send) -> None:
    """Send the last part of an answer, and read on for a moment before it is the last: a connection
    closed on bytes that wait is reset, and the client, still sending, would lose the answer that is
    on its way to it."""
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
