"""`streamlit run app.py`: the routes answer beside the pages, through Streamlit's own layers."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fer_core.ui.shared.assets import PLOTLY_URL
from tests.browser.conftest import Dashboard, WarmDashboard
from tests.conftest import SAMPLE
from tests.server.api.conftest import TOKEN
from tests.server.api.test_server import END, HEAD, PART, answer_on, ask


@contextmanager
def dashboard(folder, **environment) -> Iterator[Dashboard]:
    server = WarmDashboard(folder, FER_DATA_DIR=str(folder), **environment)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    hashed = hashlib.sha256(TOKEN.encode()).hexdigest()
    settings = {"FER_API_TOKENS": f"sha256:{hashed}", "FER_API_BODY_S": "2"}
    settings["FER_API_MAX_BODY_MB"] = "1"
    with dashboard(tmp_path_factory.mktemp("server"), **settings) as running:
        yield running


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_a_picture(server):
    body, kind = PART + SAMPLE.read_bytes() + END, "multipart/form-data; boundary=x"
    path = "/api/v1/analyze?detector=scout&emotion=compact"
    status, text, headers = ask(server, "POST", path, body, **BEARER, **{"Content-Type": kind})
    assert status == 200
    assert json.loads(text)["pictures"][0]["faces"][0]["dominant"] == "happy"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "set-cookie" not in headers


def test_the_probes_and_what_is_guarded(server):
    assert ask(server, "GET", "/healthz")[0] == 200
    assert json.loads(ask(server, "GET", "/readyz")[1])["ready"] is True
    assert ask(server, "GET", "/metrics")[0] == 401
    status, text, _ = ask(server, "GET", "/metrics", **BEARER)
    assert status == 200
    assert b"\nprocess_resident_memory_bytes " in text
    status, text, _ = ask(server, "GET", "/api/v1/nothing")
    assert (status, json.loads(text)["error"]["code"]) == (404, "not_found")


def test_the_page_is_still_there(server):
    status, text, headers = ask(server, "GET", "/live")
    assert status == 200
    assert b"<html" in text
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/live", "/_stcore/health", "/_stcore/host-config", "/media/none.png", "/nothing"),
        *("/component/streamlit_webrtc.component.webrtc_streamer/index.html", "/favicon.png"),
        *("/api/v1/models", "/api/v1/nothing", "/metrics", "/healthz", PLOTLY_URL, "/..%2f/x"),
    ],
)
def test_every_route_sends_the_headers(server, path):
    _, _, headers = ask(server, "GET", path)
    assert headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert "camera=(self)" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers
    _, _, headers = ask(server, "GET", path, **{"X-Forwarded-Proto": "https"})
    assert headers["strict-transport-security"].startswith("max-age=")


def test_limits_hold_through_streamlits_layers(server):
    key = b"Authorization: Bearer " + TOKEN.encode() + b"\r\nAccept-Encoding: gzip\r\n"
    body = PART + bytes(2_000_000) + END
    for length, sent, expected in ((len(body), body, 413), (5000, PART, 408)):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.connect()
        connection.sock.sendall(HEAD + key + b"Content-Length: %d\r\n\r\n" % length + sent)
        status, _, headers = answer_on(connection.sock, gzipped=True)
        connection.close()
        assert status == expected
        assert headers["Connection"] == "close"
    assert TOKEN not in server.log.read_text()


def test_without_tokens_only_local_programs_get_in(tmp_path):
    with dashboard(tmp_path) as open_server:
        assert ask(open_server, "GET", "/api/v1/models")[0] == 200
        assert ask(open_server, "GET", "/api/v1/models", Host="evil.example")[0] == 401
        proxied = {"X-Forwarded-For": "203.0.113.9"}
        assert ask(open_server, "GET", "/api/v1/models", **proxied)[0] == 401
