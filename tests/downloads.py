"""A server of weights that misbehaves on demand, and a registry that points at it."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fer_core.models.registry import MODELS, Model
from fer_core.models.weights import files
from tests.graphs import expression_graph

CONTENT = {
    "yunet": bytes(range(256)) * 900,
    "deepface": expression_graph(padding_bytes=1_500_000),
}
"""What a good answer holds. YuNet's file is judged by its hash alone: any bytes will do. DeepFace's
downloader saves 512 KB at a time: half a file must be more."""

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def _send(handler: BaseHTTPRequestHandler, body: bytes, length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(body)


class WeightsServer:
    """``url(key, how)``; ``how`` is one of ``good truncated short wrong text missing broken huge
    slow hanging silent repaired nowhere``. ``slow`` and ``hanging`` stop half way until ``go_on``
    is set; ``repaired`` is broken until the event of that name is set, then slow. With a
    ``certificate``, a file with its key too, the server speaks TLS."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.go_on = threading.Event()
        self.repaired = threading.Event()
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._answer(self)

            def do_HEAD(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._base = f"http://127.0.0.1:{self._http.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
            self._base = f"https://localhost:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, key: str, how: str) -> str:
        return f"{self._base}/{key}/{how}"

    def gets(self, key: str) -> int:
        """How often a file was asked for."""
        return sum(request.startswith(f"GET /{key}/") for request in self.requests)

    def close(self) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"{handler.command} {handler.path}")
        _, key, how = handler.path.split("/")
        getattr(self, f"_{how}")(handler, CONTENT[key])

    def _good(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        _send(handler, body)

    def _truncated(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """The connection ends after half of the announced bytes."""
        _send(handler, body[: len(body) // 2], len(body))

    def _short(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """The server's own file is truncated."""
        _send(handler, body[: len(body) // 2])

    def _wrong(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        _send(handler, body[::-1])

    def _text(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        _send(handler, b"<html>Please log in to this network</html>")

    def _missing(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_error(404)

    def _broken(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_error(503)

    def _nowhere(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://[")
        handler.end_headers()

    def _huge(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        _send(handler, body * 50)

    def _slow(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        half = len(body) // 2
        _send(handler, body[:half], len(body))
        if handler.command == "GET":
            handler.wfile.flush()
            self.go_on.wait(30)
            handler.wfile.write(body[half:])

    _hanging = _slow

    def _repaired(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        (self._slow if self.repaired.is_set() else self._broken)(handler, body)

    def _silent(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.go_on.wait(30)


@contextmanager
def weights_server(certificate: Path | None = None) -> Iterator[WeightsServer]:
    server = WeightsServer(certificate)
    try:
        yield server
    finally:
        server.close()


def use(monkeypatch: pytest.MonkeyPatch, key: str, *addresses: str) -> Model:
    """Let ``key`` be downloaded from these addresses, in this order; without any, not at all."""
    content = CONTENT[key]
    sha256 = hashlib.sha256(content).hexdigest() if key == "yunet" else ""
    addresses = addresses or (f"http://127.0.0.1:9/{key}",)
    file = replace(MODELS[key], addresses=addresses, size_bytes=len(content), sha256=sha256)
    monkeypatch.setitem(MODELS, key, file)
    return file


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """An empty download folder and no memory of earlier downloads."""
    monkeypatch.setattr(files, "DOWNLOADS", folder)
    monkeypatch.setenv("DEEPFACE_HOME", str(folder))
    monkeypatch.setattr(files, "_downloads", {})


def limit_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a silent server within a second."""
    for limit in ("CONNECT_TIMEOUT_S", "READ_TIMEOUT_S", "STALL_TIMEOUT_S"):
        monkeypatch.setattr(f"fer_core.models.weights.download.{limit}", 1.0)


def files_in(folder: Path) -> set[str]:
    """Names of the files anywhere below a folder."""
    return {path.name for path in folder.rglob("*") if path.is_file()}
