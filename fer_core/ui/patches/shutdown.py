"""Streamlit 1.67: a server that is told to stop waits for open connections, however long it takes.

uvicorn would limit that (``timeout_graceful_shutdown``), but Streamlit passes no limit. A browser
that has paused a video holds its connection open, so the host kills the server in the end, and what
belongs to the end, such as storing how far video jobs have come, is not done. There is no public
issue.
"""

from __future__ import annotations

from functools import cache
from socket import socket

from uvicorn import Server

WRITTEN_FOR = "streamlit", "1.67.0"

GRACE_S = 3
"""How long connections may take to end. Docker, the least patient host, kills after 10 s."""


@cache
def install() -> None:
    """Close the connections that are still open ``GRACE_S`` after the server was told to stop."""
    theirs = Server.shutdown

    async def shutdown(server: Server, sockets: list[socket] | None = None) -> None:
        server.config.timeout_graceful_shutdown = GRACE_S
        await theirs(server, sockets)

    Server.shutdown = shutdown  # type: ignore[method-assign, assignment]
