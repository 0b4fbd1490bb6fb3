"""Tests of the security headers."""

from __future__ import annotations

import base64
import hashlib

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from fer_core.server.auth import gate
from fer_core.server.auth.mode import AuthMode
from fer_core.server.security_headers import SecurityHeaders, page_headers
from fer_core.settings import settings
from fer_core.ui.shared.assets import inline_scripts


async def page(_request: Request) -> Response:
    return PlainTextResponse("the page")


async def strict(_request: Request) -> Response:
    return PlainTextResponse(
        "a login page", headers={"Content-Security-Policy": "default-src 'none'"}
    )


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("the page")


def site(mode: AuthMode = AuthMode.OPEN, framed_by: tuple[str, ...] = ()) -> TestClient:
    headers = page_headers(["sha256-abc="], framed_by)
    return TestClient(
        Starlette(
            routes=[Route("/", page), Route("/strict", strict), WebSocketRoute("/stream", talk)],
            middleware=[
                Middleware(SecurityHeaders, headers=headers),
                Middleware(gate.Gate, mode=mode, password_hash=""),
            ],
        ),
        "http://localhost",
    )


def policy(answer) -> dict[str, str]:
    """The rules of the policy, by their names."""
    rules = answer.headers["content-security-policy"].split("; ")
    return {name: values for name, _, values in (rule.partition(" ") for rule in rules)}


def test_every_answer_has_them():
    for answer in (site().get("/"), site().get("/nothing"), site(AuthMode.LOCKED).get("/")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=(self)" in answer.headers["permissions-policy"]
        assert "microphone=()" in answer.headers["permissions-policy"]
        assert policy(answer)["default-src"] == "'self'"


def test_scripts_come_from_here_alone():
    rules = policy(site().get("/"))
    assert rules["script-src"] == "'self' blob: 'sha256-abc='"
    assert rules["object-src"] == rules["base-uri"] == "'none'"
    assert not any("http" in values or "*" in values for values in rules.values())


def test_a_stricter_policy_stays():
    assert site().get("/strict").headers["content-security-policy"] == "default-src 'none'"


def test_only_named_sites_may_show_it_in_a_frame():
    assert policy(site().get("/"))["frame-ancestors"] == "'self'"
    framed = site(framed_by=("https://example.org",)).get("/")
    assert policy(framed)["frame-ancestors"] == "'self' https://example.org"
    assert "x-frame-options" not in framed.headers


@pytest.mark.parametrize(
    ("proto", "told"), [("https", True), ("https, http", True), ("http", False)]
)
def test_browsers_are_kept_on_https_where_it_is_https(proto, told):
    answer = site().get("/", headers={"X-Forwarded-Proto": proto})
    assert ("strict-transport-security" in answer.headers) is told
    assert "strict-transport-security" not in site().get("/").headers
    assert "strict-transport-security" in site().get("https://localhost/").headers


def test_the_web_socket_passes():
    with site().websocket_connect("/stream") as socket:
        assert socket.receive_text() == "the page"


def test_the_script_in_streamlits_page_is_known_by_its_hash():
    script = b"\n      window.prerenderReady = false\n    "
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert inline_scripts() == [f"sha256-{digest}"]


@pytest.mark.parametrize(
    "sites", ["*", "https:", "https://a.example/path", "https://a.example; script-src *", "'self'"]
)
def test_what_is_no_site_is_refused_at_the_start(monkeypatch, sites):
    monkeypatch.setenv("FER_FRAMED_BY", sites)
    with pytest.raises(ValidationError, match="without a path"):
        settings()


def test_sites_have_spaces_between_them(monkeypatch):
    monkeypatch.setenv("FER_FRAMED_BY", "https://a.example http://localhost:8080")
    assert settings().framed_by.split() == ["https://a.example", "http://localhost:8080"]
