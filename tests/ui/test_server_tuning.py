"""Tests of the tuning for many visitors: periodic garbage collection, and no delayed answers."""

from __future__ import annotations

import asyncio
import gc
import http.client
import socket
import tomllib
import weakref

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from fer_core.paths import ROOT
from fer_core.ui import server_tuning
from fer_core.ui.patches import tcp_nodelay


@pytest.fixture
def _as_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(AutoHTTPProtocol, "connection_made", AutoHTTPProtocol.connection_made)
    monkeypatch.setattr(server_tuning, "COLLECT_S", 0.05)
    server_tuning.tune_server.cache_clear()


async def _no_delay() -> bool:
    """Whether a connection to a socket opened as Streamlit opens it sends at once."""
    seen: list[int] = []
    made = AutoHTTPProtocol.connection_made

    def look(protocol: asyncio.Protocol, transport: asyncio.Transport) -> None:
        made(protocol, transport)
        theirs = transport.get_extra_info("socket")
        seen.append(theirs.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def answer(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    listening = socket.socket(family=socket.AF_INET)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AutoHTTPProtocol, "connection_made", look)
        config = uvicorn.Config(Starlette(routes=[Route("/", answer)]), log_level="error")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)

        def ask() -> bytes:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            body = connection.getresponse().read()
            connection.close()
            return body

        assert await asyncio.to_thread(ask) == b"here"
        server.should_exit = True
        await serving
    return bool(seen[0])


@pytest.mark.usefixtures("_as_before")
def test_answers_are_sent_at_once():
    # Once this fails, uvicorn sends at once by itself, and the patch can go.
    assert not asyncio.run(_no_delay())
    server_tuning.tune_server()
    assert asyncio.run(_no_delay())


def test_a_connection_without_a_tcp_socket_is_left_alone():
    class Pipe(asyncio.Transport):
        pass

    tcp_nodelay.send_at_once(Pipe())
    one, other = socket.socketpair()
    with one, other:
        tcp_nodelay.send_at_once(Pipe({"socket": one}))


@pytest.mark.usefixtures("_as_before")
def test_garbage_is_collected_by_us_and_not_after_every_run():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False

    class Knot:
        pass

    knot = Knot()
    knot.itself = knot  # type: ignore[attr-defined]
    gone = weakref.ref(knot)
    gc.disable()
    try:
        server_tuning.tune_server()
        del knot

        async def wait() -> None:
            async with asyncio.timeout(10):
                while gone() is not None:
                    await asyncio.sleep(0.02)

        asyncio.run(wait())
    finally:
        gc.enable()
