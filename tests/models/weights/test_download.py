"""Weights are downloaded over https at every redirect, or not at all."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fer_core.models.weights.download import transfer_deepface
from fer_core.models.weights.source import TransferFailed
from tests.certificates import certificate


class Handler(BaseHTTPRequestHandler):
    """Redirects to the address in its server's ``onward``, or answers if there is none."""

    def do_HEAD(self) -> None:
        onward = getattr(self.server, "onward", "")
        self.send_response(302 if onward else 404)
        if onward:
            self.send_header("Location", onward)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(onward: str = "", pem: Path | None = None) -> Iterator[str]:
    """A server's address; with ``pem`` it speaks https."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.onward = onward  # type: ignore[attr-defined]
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"{'https' if pem else 'http'}://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = certificate(tmp_path / "localhost.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def test_nobody_is_sent_on_to_an_address_that_is_not_encrypted(pem: Path, tmp_path: Path):
    with served() as plain, served(plain, pem) as encrypted:
        with pytest.raises(TransferFailed, match=r"answered 404"):
            transfer_deepface(plain, tmp_path / "a" / "file", lambda _: None)
        with pytest.raises(TransferFailed, match=r"without https"):
            transfer_deepface(encrypted, tmp_path / "b" / "file", lambda _: None)


def test_nor_by_way_of_one(pem: Path, tmp_path: Path):
    with (
        served("", pem) as last,
        served(last) as plain,
        served(plain, pem) as first,
        pytest.raises(TransferFailed, match=r"without https"),
    ):
        transfer_deepface(first, tmp_path / "file", lambda _: None)


def test_being_sent_on_over_https_is_no_fault(pem: Path, tmp_path: Path):
    with (
        served("", pem) as last,
        served(last, pem) as first,
        pytest.raises(TransferFailed, match=r"answered 404"),
    ):
        transfer_deepface(first, tmp_path / "file", lambda _: None)
