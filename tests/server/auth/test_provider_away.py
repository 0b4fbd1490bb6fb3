"""The page for a visitor whose sign-in provider is away, behind Streamlit's own route."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.testclient import TestClient
from streamlit.auth_util import encode_provider_token
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_auth_routes import create_auth_routes

from fer_core.server.auth.provider_away import SIGN_IN_PATH, ProviderAway
from tests.conftest import NOWHERE


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    section = {
        "client_id": "fer",
        "client_secret": "secret",
        "cookie_secret": "x" * 40,
        "server_metadata_url": f"{NOWHERE}/.well-known/openid-configuration",
        "redirect_uri": "http://localhost/oauth2callback",
    }
    monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": section})
    middleware = [Middleware(ProviderAway), Middleware(SessionMiddleware, secret_key="x" * 40)]
    app = Starlette(routes=create_auth_routes(""), middleware=middleware)
    return TestClient(app, "http://localhost", follow_redirects=False)


def test_a_provider_that_is_away_is_a_sentence_with_a_way_back(visitor):
    answer = visitor.get(SIGN_IN_PATH, params={"provider": encode_provider_token("default")})
    assert answer.status_code == 502
    assert "Try again in a minute" in answer.text
    assert '<a href="/">Back to the dashboard</a>' in answer.text
    assert "Authentication error" not in answer.text


def test_other_answers_pass(visitor):
    assert visitor.get(SIGN_IN_PATH).headers["location"] == "/"
    assert visitor.get("/auth/elsewhere").status_code == 404
