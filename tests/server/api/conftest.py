"""The API by itself: called directly, and behind a real server on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fer_core.server import api
from tests.conftest import SAMPLE
from tests.servers import ServedApp

TOKEN = "a-token-that-only-the-tests-know"
ENGINES = {"detector": "scout", "emotion": "compact"}

OpenClient = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FER_API_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def sample() -> bytes:
    """The file of the one smiling woman."""
    return SAMPLE.read_bytes()


@pytest.fixture
def open_client() -> OpenClient:
    """``open_client(address="127.0.0.1", host="localhost")``, each with limits of its own."""

    def start(address: str = "127.0.0.1", host: str = "localhost") -> TestClient:
        app = Starlette(routes=api.routes())
        return TestClient(
            app,
            base_url="http://localhost",
            client=(address, 50_000),
            headers={"Host": host},
            raise_server_exceptions=False,
        )

    return start


@pytest.fixture
def client(open_client: OpenClient) -> TestClient:
    """A program on the same computer."""
    return open_client()


class Server(ServedApp):
    """The API behind uvicorn, in a thread."""

    def __init__(self) -> None:
        super().__init__(Starlette(routes=api.routes()))


@pytest.fixture
def start_server() -> Iterator[Callable[[], Server]]:
    """``start_server() -> Server``, with the settings as they are then."""
    running: list[Server] = []

    def start() -> Server:
        running.append(Server())
        return running[-1]

    yield start
    for server in running:
        server.stop()
