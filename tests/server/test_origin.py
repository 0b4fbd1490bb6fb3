"""WebSockets of other sites are refused before Streamlit looks up its own public address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config, net_util
from streamlit.web import bootstrap
from streamlit.web.server.starlette import starlette_websocket

from fer_core.server.origin import OriginGuard

PARTNER = "https://partner.example"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The outside addresses that Streamlit requested."""
    urls: list[str] = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, **_: urls.append(url))
    monkeypatch.setattr(net_util, "_external_ip", None)
    return urls


async def stream(socket: WebSocket) -> None:
    """Accepts the origins that Streamlit would accept."""
    headers = socket.headers
    if starlette_websocket._is_origin_allowed(headers.get("origin"), headers.get("host")):
        await socket.accept()
        await socket.send_text(headers.get("origin", "no origin"))
    else:
        await socket.close()


def is_let_in(guarded: bool = True, **headers: str) -> bool:
    middleware = [Middleware(OriginGuard, allowed=[PARTNER])] if guarded else []
    app = Starlette(routes=[WebSocketRoute("/", stream)], middleware=middleware)
    try:
        with TestClient(app).websocket_connect("/", headers=headers) as socket:
            # Streamlit's sign-in holds for the origin where it was made, and must get to see it.
            return socket.receive_text() == headers.get("origin", "no origin")
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://dashboard.example", "dashboard.example"),
        ("http://192.168.1.5:8501", "192.168.1.5:8501"),
        ("http://localhost:8501", "localhost:8501"),
        ("http://[::1]:8501", "[::1]:8501"),
        ("http://127.0.0.1:9000", "localhost:8501"),
        ("http://[::1]:9000", "localhost:8501"),
        (PARTNER, "dashboard.example"),
    ],
)
def test_the_dashboard_s_own_pages_get_in_and_nobody_is_asked(asked, origin, host):
    assert is_let_in(origin=origin, host=host)
    assert asked == []


def test_a_program_without_an_origin_gets_in():
    assert is_let_in(host="dashboard.example")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "https://dashboard.example.evil.example", "null", "", "http://[",
        "https://dashboard.example:444", "http://localhost:8501", "http://192.0.2.1", "file://",
    ],
)  # fmt: skip
def test_other_sites_do_not_and_nobody_is_asked_either(asked, origin):
    assert not is_let_in(origin=origin, host="dashboard.example")
    assert asked == []


def test_the_log_says_once_who_was_refused(caplog):
    for _ in range(3):
        assert not is_let_in(origin="https://dashboard.example:8443", host="dashboard.example")
    [line] = caplog.messages
    assert "to 'dashboard.example' from a page of 'https://dashboard.example:8443'" in line


def test_without_the_guard_streamlit_would_ask(asked):
    assert not is_let_in(guarded=False, origin="https://evil.example", host="dashboard.example")
    assert asked


@pytest.fixture
def serving_others() -> Iterator[None]:
    """Streamlit's settings as a host has them, from .streamlit/config.toml and the Procfile."""
    before = {name: config.get_option(name) for name in ("server.address", "server.headless")}
    config.set_option("server.address", "0.0.0.0")
    config.set_option("server.headless", True)
    yield
    for name, value in before.items():
        config.set_option(name, value)


def test_nobody_is_asked_when_a_server_starts_either(asked, serving_others, capsys):
    bootstrap._print_url(False)
    assert "http://localhost" in capsys.readouterr().out
    assert asked == []
