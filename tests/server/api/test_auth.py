"""Access to the API: local programs without tokens, otherwise only callers with a token."""

from __future__ import annotations

import hashlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.requests import Request

from fer_core.server.api.errors import Refused
from fer_core.server.api.tokens import authenticate
from fer_core.settings import settings
from tests.server.api.conftest import TOKEN

OTHER = "another-token-the-tests-know"
HASH = f"sha256:{hashlib.sha256(OTHER.encode()).hexdigest()}"

GUARDED = ["/api/v1/models", "/metrics"]
OPEN = ["/healthz", "/readyz", "/api/v1/openapi.json"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def is_refusal(answer):
    error = answer.json()["error"]
    return (
        answer.status_code == 401
        and answer.headers["www-authenticate"].startswith("Bearer")
        and set(error) == {"code", "message"}
        and error["code"] == "unauthorized"
    )


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501"])
def test_local_programs_need_no_token(open_client, path, address, host):
    assert open_client(address, host).get(path).status_code == 200


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.2", "2001:db8::1", "", "testclient"])
def test_other_computers_need_one(open_client, path, address):
    answer = open_client(address).get(path)
    assert is_refusal(answer)
    assert "FER_API_TOKENS" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.5:8501", "localhost@evil", "", "["]
)
def test_a_name_that_was_made_to_point_here_does_not_help(open_client, host):
    assert is_refusal(open_client("127.0.0.1", host).get("/api/v1/models"))


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"Via": "1.1 proxy"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=lambda header: ": ".join(*header.items()),
)
def test_what_comes_through_a_proxy_or_from_another_page_is_not_local(client, header):
    assert is_refusal(client.get("/api/v1/models", headers=header))


def test_a_page_of_this_computer_is_local(client):
    here = {"Origin": "http://localhost:8501", "Sec-Fetch-Site": "same-origin"}
    assert client.get("/api/v1/models", headers=here).status_code == 200


@pytest.mark.parametrize("path", OPEN)
def test_the_probes_and_the_document_are_open(open_client, monkeypatch, path):
    monkeypatch.setenv("FER_API_TOKENS", TOKEN)
    assert open_client("10.0.0.5", "app.example").get(path).status_code == 200


@pytest.mark.parametrize("token", [TOKEN, OTHER])
def test_a_token_opens_from_anywhere(open_client, monkeypatch, token):
    monkeypatch.setenv("FER_API_TOKENS", f" {TOKEN} , {HASH},")
    client = open_client("10.0.0.5", "app.example")
    for path in GUARDED:
        assert client.get(path, headers=bearer(token)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer("wrong"),
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(TOKEN.upper()),
        bearer(HASH),
        bearer(HASH.removeprefix("sha256:")),
        bearer(f"{TOKEN},{HASH}"),
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \xe9\xff".encode("latin-1")},
    ],
)
@pytest.mark.parametrize("path", [*GUARDED, "/api/v1/analyze"])
def test_nothing_else_does_not_even_from_here(client, monkeypatch, headers, path):
    monkeypatch.setenv("FER_API_TOKENS", f"{TOKEN},{HASH}")
    method = "POST" if path.endswith("analyze") else "GET"
    assert is_refusal(client.request(method, path, headers=headers))


@given(st.text(st.characters(max_codepoint=0xFF, exclude_categories=["Cc"]), min_size=1))
def test_no_other_text_is_a_token(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_API_TOKENS", f"{TOKEN},{HASH}")
        header = (b"authorization", b"Bearer " + text.encode("latin-1"))
        request = Request({"type": "http", "headers": [header], "client": ("127.0.0.1", 1)})
        if text.strip() in (TOKEN, OTHER):
            return
        with pytest.raises(Refused, match="token"):
            authenticate(request)


@pytest.mark.parametrize(
    "tokens", ["short", "sha256:abc", f"{TOKEN},short", "with a space inside of it", "sha256:"]
)
def test_tokens_that_can_be_guessed_are_refused_without_repeating_them(monkeypatch, tokens):
    monkeypatch.setenv("FER_API_TOKENS", tokens)
    with pytest.raises(ValidationError, match="20 or more characters") as caught:
        settings()
    assert not any(each in str(caught.value) for each in tokens.split(",") if each != "sha256:")


def test_tokens_are_in_no_log_and_no_answer(open_client, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("FER_API_TOKENS", TOKEN)
    client = open_client("10.0.0.5")
    answers = [client.get("/metrics", headers=bearer(token)) for token in (TOKEN, TOKEN + "x")]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert TOKEN not in caplog.text + "".join(answer.text for answer in answers)
    assert TOKEN not in repr(settings())
