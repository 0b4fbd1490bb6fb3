"""uvicorn 0.54: responses in two parts wait 40 ms, because a given socket lacks TCP_NODELAY.

asyncio sets it if a socket declares TCP as its protocol; the one that Streamlit opens does not.
https://github.com/Kludex/uvicorn/issues/3149
"""

from __future__ import annotations

import asyncio
import socket

from uvicorn.protocols.http.auto import AutoHTTPProtocol

WRITTEN_FOR = "uvicorn", "0.54.0"


def install() -> None:
    """Send without delay on new connections."""
    theirs = AutoHTTPProtocol.connection_made

    def connection_made(protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        send_at_once(transport)
        theirs(protocol, transport)

    AutoHTTPProtocol.connection_made = connection_made  # type: ignore[method-assign, assignment]


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """Set TCP_NODELAY, so that written data is not held back for more."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
