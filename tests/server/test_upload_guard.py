"""The guard of the pages' uploads behind a real server: oversized, slow and dishonest clients."""

from __future__ import annotations

import asyncio
import http.client
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Scope
from streamlit import config

from fer_core.server import upload_guard as guard
from fer_core.server.upload_guard import UploadGuard
from fer_core.ui import uploads
from tests.servers import hanging_up_after
from tests.waiting import DEADLINE_S, until

PATH = "/_stcore/upload_file/session/file"
HEAD = f"PUT {PATH} HTTP/1.1\r\nHost: localhost\r\n".encode()


async def take(request: Request) -> Response:
    """Read the whole body, as Streamlit does."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return PlainTextResponse(str(size))


@pytest.fixture
def held() -> dict[str, int]:
    """The size of the pages' files, in ``bytes``."""
    return {"bytes": 0}


@pytest.fixture
def connect(held: dict[str, int]) -> Iterator[Callable[[], socket.socket]]:
    """``connect()``: a connection to a server that takes uploads of 1 MB, and 3 MB together."""
    app = Starlette(
        routes=[Route("/{path:path}", take, methods=["PUT", "POST", "DELETE"])],
        middleware=[
            Middleware(
                UploadGuard,
                limit_mb=1,
                room_mb=3,
                held=lambda: held["bytes"],
                may_upload="session".__eq__,
            )
        ],
    )
    settings = uvicorn.Config(app, port=0, log_level="error", ws="none", lifespan="off")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    yield lambda: socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    server.should_exit = server.force_exit = True
    thread.join(20)


def answer_on(connection: socket.socket) -> tuple[int, str]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read().decode()


def test_what_is_small_passes(connect):
    with connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(1_000_000))
        assert answer_on(connection) == (200, "1000000")


def test_a_session_without_access_sends_nothing(connect):
    with connect() as connection:
        stranger = HEAD.replace(b"/session/", b"/another/")
        connection.sendall(stranger + b"Content-Length: 1000\r\n\r\n")
        assert answer_on(connection) == (401, guard.NO_ACCESS)


def test_what_is_announced_as_too_large_is_refused_before_it_comes(connect):
    with connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 3000000\r\n\r\n")
        assert answer_on(connection) == (413, "This file is too large: 1 MB is the limit.")


def test_an_endless_upload_is_cut_off(connect):
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    sent = 0
    with connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):
            while sent < 100_000_000 and not select.select([connection], [], [], 0)[0]:
                connection.sendall(piece)
                sent += len(piece)
        with suppress(ConnectionError):
            assert answer_on(connection)[0] == 413
    assert sent < 30_000_000  # the limit, and what was on its way


def test_an_upload_that_falls_silent_is_given_up(connect, monkeypatch):
    monkeypatch.setattr(guard, "SILENCE_S", 0.3)
    with connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\nhalf")
        status, sentence = answer_on(connection)
    assert status == 408
    assert "Try again" in sentence


def test_an_upload_that_drips_is_given_up(connect, monkeypatch):
    monkeypatch.setattr(guard, "GRACE_S", 0.5)
    stop = threading.Event()
    with connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")

        def drip() -> None:
            with suppress(OSError):
                while not stop.wait(0.05):
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert answer_on(connection)[0] == 408
        # The connection is closed too, not left to drip on.
        until(lambda: not dripping.is_alive())
        stop.set()


def test_a_slow_upload_has_time_to_come(connect, monkeypatch):
    monkeypatch.setattr(guard, "GRACE_S", 0.2)
    with connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        for _ in range(10):
            time.sleep(0.05)
            connection.sendall(bytes(10_000))
        assert answer_on(connection) == (200, "100000")


FULL = (503, "The server cannot hold more files right now. Try again in a minute.")


def test_uploads_beyond_what_there_is_room_for_are_refused_until_there_is(connect, held):
    announced = HEAD + b"Content-Length: 1000000\r\n\r\n"
    with connect() as one, connect() as two, connect() as three, connect() as four:
        for connection in (one, two, three):
            connection.sendall(announced + bytes(1000))
        until(lambda: refusal(connect, announced) == FULL)
        one.sendall(bytes(999_000))
        assert answer_on(one)[0] == 200
        four.sendall(announced + bytes(1_000_000))
        assert answer_on(four)[0] == 200
    # Those that were given up in the middle leave their room, but what the pages hold stays.
    held["bytes"] = 2_500_000
    assert refusal(connect, announced) == FULL
    with connect() as connection:
        connection.sendall(HEAD.replace(b"PUT", b"DELETE") + b"\r\n")
        assert answer_on(connection)[0] == 200
    held["bytes"] = 0
    until(lambda: refusal(connect, announced) is None)


def refusal(connect, head: bytes) -> tuple[int, str] | None:
    """The answer before the body is sent, within half a second."""
    with connect() as connection:
        connection.sendall(head)
        refused, _, _ = select.select([connection], [], [], 0.5)
        return answer_on(connection) if refused else None


def test_an_upload_of_unknown_size_takes_the_room_that_it_needs(connect, held):
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    held["bytes"] = (3 << 20) - 300_000
    with connect() as connection:
        connection.sendall(chunked + 4 * piece + b"0\r\n\r\n")
        assert answer_on(connection) == (200, str(4 * 0x10000))
    with connect() as connection:
        connection.sendall(chunked + 6 * piece)
        assert answer_on(connection) == FULL


def test_a_single_file_always_has_room():
    guard = UploadGuard(
        Starlette(), limit_mb=1000, room_mb=1, held=lambda: 0, may_upload=lambda _: True
    )
    assert guard._has_room(1000 << 20)


def test_who_hangs_up_in_mid_upload_is_no_error():
    async def send(message: Message) -> None:
        raise AssertionError("nobody listens")

    guarded = Middleware(
        UploadGuard, limit_mb=1, room_mb=3, held=lambda: 0, may_upload=lambda _: True
    )
    app = Starlette(routes=[Route(PATH, take, methods=["PUT"])], middleware=[guarded])
    scope: Scope = {
        "type": "http", "method": "PUT", "path": PATH, "headers": [(b"content-length", b"9")],
        "query_string": b"", "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, hanging_up_after(b"half"), send))


def test_other_routes_are_not_its_business(connect):
    with connect() as connection:
        head = b"POST /elsewhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n"
        connection.sendall(head + bytes(3_000_000))
        assert answer_on(connection) == (200, "3000000")


def test_streamlit_takes_what_the_settings_allow(monkeypatch):
    before = config.get_option("server.maxUploadSize")
    try:
        monkeypatch.setenv("FER_MAX_VIDEO_MB", "700")
        uploads.middleware()
        assert config.get_option("server.maxUploadSize") == 700
    finally:
        config.set_option("server.maxUploadSize", before)
