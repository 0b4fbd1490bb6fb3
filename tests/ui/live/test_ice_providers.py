"""Tests of the ICE servers of a browser session: their lifetime, and silent providers."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
import urllib.request
from types import ModuleType, SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.errors import RelayUnavailable
from fer_core.live.turn_settings import turn_settings
from fer_core.ui.live import ice_providers

TURN = "turn:turn.example.org:3478"
TLS = "turns:turn.example.org:443?transport=tcp"
ANSWER = [
    {"urls": ["stun:stun.example.org:3478"]},
    {"urls": [TURN, TLS], "username": "u", "credential": "c"},
]


def page() -> None:
    import streamlit as st

    from fer_core.ui.live.ice_providers import session_ice

    st.session_state["seen"] = session_ice("camera")


@pytest.fixture
def cloudflare(monkeypatch):
    """A server in Cloudflare's place; ``answer`` is what it says, ``asked`` how often."""
    state = SimpleNamespace(answer=(201, json.dumps({"iceServers": ANSWER})), asked=[])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append(self.headers["Authorization"])
            status, body = state.answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    plain = urllib.request.Request

    def here(address: str, **how):
        assert address.startswith("https://rtc.live.cloudflare.com/v1/turn/keys/key/")
        return plain(f"http://127.0.0.1:{server.server_port}/", **how)

    monkeypatch.setattr("urllib.request.Request", here)
    monkeypatch.setenv("FER_TURN_PROVIDER", "cloudflare")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_ID", "key")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "hunter2")
    yield state
    server.shutdown()
    server.server_close()


def test_a_session_keeps_its_credentials_for_half_of_their_time(monkeypatch):
    monkeypatch.setenv("FER_TURN_URLS", TURN)
    monkeypatch.setenv("FER_TURN_SECRET", "s")
    monkeypatch.setenv("FER_TURN_TTL_S", "3600")
    now = [time.time()]
    monkeypatch.setattr("fer_core.ui.live.ice_providers.time.time", lambda: now[0])
    app = AppTest.from_function(page, default_timeout=30).run()
    first = app.session_state["seen"]
    now[0] += 1799.0
    assert app.run().session_state["seen"] is first
    now[0] += 2.0
    second = app.run().session_state["seen"]
    assert second.servers[0].username != first.servers[0].username
    assert second.good_until_s >= now[0] + 3600.0
    assert not app.warning
    assert not app.exception
    # Another browser session has its own.
    now[0] += 1.0
    other = AppTest.from_function(page, default_timeout=30).run().session_state["seen"]
    assert other.servers[0].username != second.servers[0].username


def test_settings_that_are_wrong_are_a_sentence_on_a_page_that_works(monkeypatch):
    monkeypatch.setenv("FER_TURN_URLS", TURN)
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert "its credentials are not set" in app.warning[0].value
    assert app.session_state["seen"].for_browser() == {"iceServers": []}


def test_cloudflare(cloudflare):
    app = AppTest.from_function(page, default_timeout=30).run()
    servers = app.session_state["seen"]
    assert not app.warning
    assert [each["urls"] for each in servers.for_server()["iceServers"]] == [
        TLS,
        TURN,
        "stun:stun.example.org:3478",
    ]
    app.run()
    assert cloudflare.asked == ["Bearer hunter2"]
    # Credentials of its own for each session.
    AppTest.from_function(page, default_timeout=30).run()
    assert len(cloudflare.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [(403, "no"), (500, ""), (201, "{}"), (201, "not json"), (201, '{"iceServers": []}')],
)
def test_a_provider_that_gives_nothing_is_left_alone_for_a_minute(monkeypatch, cloudflare, answer):
    now = [time.time()]
    monkeypatch.setattr("fer_core.ui.live.ice_providers.time.time", lambda: now[0])
    good, cloudflare.answer = cloudflare.answer, answer
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    assert "may not get through a firewall" in app.warning[0].value
    assert "hunter2" not in app.warning[0].value
    assert len(app.run().warning) == 1
    assert len(cloudflare.asked) == 1
    cloudflare.answer = good
    now[0] += ice_providers.RETRY_S
    app.run()
    assert not app.warning
    assert len(app.session_state["seen"].servers) == 3


def test_a_provider_out_of_reach(monkeypatch):
    # The tests' proxies lead nowhere.
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_ID", "key")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "hunter2")
    with pytest.raises(RelayUnavailable, match="Cloudflare gave no credentials") as error:
        ice_providers.ask("cloudflare", turn_settings(), time.time())
    assert "hunter2" not in str(error.value)


def test_twilio(monkeypatch):
    asked: list[tuple[str, str, int]] = []

    class Client:
        def __init__(self, sid: str, token: str) -> None:
            self.tokens = SimpleNamespace(create=lambda ttl: self._create(sid, token, ttl))

        def _create(self, sid: str, token: str, ttl: int) -> SimpleNamespace:
            asked.append((sid, token, ttl))
            return SimpleNamespace(ice_servers=ANSWER)

    rest = ModuleType("twilio.rest")
    rest.Client = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "twilio", ModuleType("twilio"))
    monkeypatch.setitem(sys.modules, "twilio.rest", rest)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "account")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    now_s = time.time()
    servers = ice_providers.ask("twilio", turn_settings(), now_s)
    assert servers.good_until_s == now_s + asked[0][2]
    assert asked[0][:2] == ("account", "token")
    assert len(servers.servers) == 3


def test_twilio_without_its_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "twilio.rest", None)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "account")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    with pytest.raises(RelayUnavailable, match=r"Add twilio to requirements\.in"):
        ice_providers.ask("twilio", turn_settings(), time.time())
