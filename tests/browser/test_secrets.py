"""Secrets do not appear in the log, the metrics, the pages or answers to callers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from fer_core.server.auth.cookie import COOKIE
from fer_core.server.auth.password import hash_password
from tests.browser.conftest import Dashboard, WarmDashboard
from tests.browser.test_live import camera_frame
from tests.servers import running

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
TOKEN = "a-token-that-only-the-tests-know"
TURN_SECRET = "the secret that coturn and the dashboard share"
DATABASE = "the-password-of-the-database"
WRONG = ("wrong-token-of-somebody-else", "a wrong password of somebody")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard with every secret there is, that tells all it can, and whose database is away."""
    server = WarmDashboard(
        tmp_path_factory.mktemp("secrets"),
        FER_PASSWORD_HASH=HASH,
        FER_API_TOKENS=TOKEN,
        FER_TURN_URLS="turn:127.0.0.1:9",
        FER_TURN_SECRET=TURN_SECRET,
        DATABASE_URL=f"postgres://fer:{DATABASE}@127.0.0.1:9/fer",
        STREAMLIT_LOGGER_LEVEL="debug",
    )
    with running(server):
        yield server


def ask(url: str, **headers: str) -> str:
    """Everything an answer says, also one that is an error."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return f"{answer.headers}\n{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.headers}\n{error.read().decode()}"


def test_secrets_stay_secret(server: Dashboard, new_visitor):
    said: list[str] = []
    page = new_visitor()
    page.goto(f"{server.url}/live")
    page.get_by_label("Access password").fill(WRONG[1])
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_be_visible()
    said.append(page.content())
    page.get_by_label("Access password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    camera_frame(page).get_by_role("button", name="Start", exact=True).wait_for()
    said += [page.content(), camera_frame(page).content()]
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("alert")).to_contain_text("history")
    said.append(page.content())
    [cookie] = [c["value"] for c in page.context.cookies() if c["name"] == COOKIE]

    for token in (TOKEN, WRONG[0]):
        bearer = {"Authorization": f"Bearer {token}"}
        for path in ("/metrics", "/api/v1/models", "/api/v1/nothing", "/readyz"):
            said.append(ask(server.url + path, **bearer))
    said.append(ask(f"{server.url}/api/v1/openapi.json"))

    log = server.log.read_text()
    assert len(log) > 1000  # it does tell a lot
    # The browser needs a credential made from the secret; nobody reads it in a log.
    made = re.findall(r"\d{10}:fer\w*", log)
    credentials = [
        base64.b64encode(hmac.digest(TURN_SECRET.encode(), name.encode(), "sha1")).decode()
        for name in made
    ]
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    everywhere = [PASSWORD, HASH, HASH.rpartition(":")[2], TOKEN, digest, TURN_SECRET, DATABASE]
    for secret in (*everywhere, *WRONG, cookie, *credentials):
        assert secret not in log, secret
    for secret in (*everywhere, *WRONG):
        assert not [text for text in said if secret in text], secret
