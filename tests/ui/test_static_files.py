"""Streamlit's own files from memory: the same bytes, compressed, and no other files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fer_core.ui.static_files import StaticFromMemory

STATIC = Path(streamlit.__file__).parent / "static"


def files(kind: str) -> list[Path]:
    return sorted((STATIC / "static").rglob(f"*{kind}"), key=lambda path: path.stat().st_size)


@pytest.fixture
def client() -> TestClient:
    async def behind(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("behind")

    routes = [Route("/{rest:path}", behind, methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(StaticFromMemory)]))


@pytest.mark.parametrize("kind", [".js", ".css", ".svg", ".woff2", ".png"])
@pytest.mark.parametrize("encoding", ["gzip, deflate, br", "identity"])
def test_the_same_bytes(client, kind, encoding):
    path = files(kind)[-1]
    for _ in range(2):  # read, then from memory
        address = f"/{path.relative_to(STATIC).as_posix()}"
        answer = client.get(address, headers={"Accept-Encoding": encoding})
        assert answer.content == path.read_bytes()
        assert "immutable" in answer.headers["cache-control"]
        packed = kind in (".js", ".css", ".svg") and encoding != "identity"
        assert (answer.headers.get("content-encoding") == "gzip") == packed
    types = {".js": "/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert {**types, ".woff2": "font/woff2", ".png": "image/png"}[kind] in (
        answer.headers["content-type"]
    )


def test_what_goes_over_the_wire_is_a_third(client):
    path = files(".js")[-1]
    address = f"/{path.relative_to(STATIC).as_posix()}"
    with client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
        sent = b"".join(answer.iter_raw())
    assert len(sent) < path.stat().st_size / 2
    assert gzip.decompress(sent) == path.read_bytes()


@pytest.mark.parametrize(
    "path", ["/", "/static/", "/static/js/none.js", "/static/../index.html", "/static/%2e%2e/x.js"]
)
def test_all_the_rest_is_passed_on(client, path):
    assert client.get(path).text == "behind"


def test_parts_of_files_and_other_methods_are_passed_on(client):
    address = f"/{files('.js')[0].relative_to(STATIC).as_posix()}"
    assert client.get(address, headers={"Range": "bytes=0-3"}).text == "behind"
    assert client.post(address).text == "behind"
