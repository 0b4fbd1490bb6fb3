"""Servers that tests start on local ports, and misbehaving clients."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import uvicorn
from starlette.types import ASGIApp, Message, Receive

from tests.waiting import DEADLINE_S, until


class Server(Protocol):
    """A started process, and its output."""

    log: Path

    def wait_until_ready(self) -> None: ...

    def stop(self) -> object: ...


ServerT = TypeVar("ServerT", bound=Server)


@contextmanager
def running(server: ServerT) -> Iterator[ServerT]:
    """The server once it is ready; stopped afterwards, and its output printed."""
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()
        print(f"--- the output of {type(server).__name__} ---")
        print(server.log.read_text())


class ServedApp:
    """An application behind uvicorn, in a thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(app, port=0, log_level="error", ws="none", lifespan="off")
        )
        self._thread = threading.Thread(target=self._uvicorn.run)
        self._thread.start()
        until(lambda: self._uvicorn.started)
        [listening] = self._uvicorn.servers
        self.port: int = listening.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    def connect(self) -> socket.socket:
        """A connection that gives up after a long silence."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def stop(self) -> None:
        """Stop the server, and close all connections."""
        self._uvicorn.should_exit = self._uvicorn.force_exit = True
        self._thread.join(20)


def free_port(wanted: int = 0) -> int:
    """A port that is currently free: the ``wanted`` one, if it is."""
    with socket.socket() as probe:
        # As servers do: connections that were closed a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_listens(
    process: subprocess.Popen[bytes], port: int, log: Path, timeout_s: float = 20.0
) -> None:
    """Wait until ``process`` accepts connections; else ``RuntimeError`` with its output."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"it did not start:\n{log.read_text()}")


def hanging_up_after(body: bytes) -> Receive:
    """The messages from a client that disconnects in the middle of its request."""
    messages: Iterator[Message] = iter(
        [
            {"type": "http.request", "body": body, "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Message:
        return next(messages)

    return receive
