"""What many visitors at once need, and what Streamlit and uvicorn do otherwise.

- Streamlit looks through all there is for garbage after every run of a page or a fragment. With
  fifty visitors and four live sessions that was 40 % of the interpreter's time.
  ``runner.postScriptGC`` in .streamlit/config.toml ends it, and a thread does it here now and then:
  Python by itself counts objects, and would keep the pictures of somebody who is gone for long.
- Streamlit opens its socket in a way that has asyncio leave out TCP_NODELAY.
  So every answer that is sent in two parts waited 40 ms for the acknowledgement of the first.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from functools import cache

from uvicorn.protocols.http.auto import AutoHTTPProtocol

COLLECT_S = 30.0
"""Pause between two looks for garbage, of a third of a second each with fifty visitors."""


@cache
def tune_server() -> None:
    """Collect garbage every ``COLLECT_S``; send at once on connections that come from now on."""
    threading.Thread(target=_collect, name="collector", daemon=True).start()
    theirs = AutoHTTPProtocol.connection_made

    def connection_made(protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        send_at_once(transport)
        theirs(protocol, transport)

    AutoHTTPProtocol.connection_made = connection_made  # type: ignore[method-assign, assignment]


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """What is written to a TCP connection is not kept back for what may come after it."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _collect() -> None:
    while True:
        time.sleep(COLLECT_S)
        gc.collect()
