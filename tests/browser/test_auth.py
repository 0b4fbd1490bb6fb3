"""Access for strangers, guests with the password, and two people with accounts."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from fer_core.server.auth.password import hash_password
from fer_core.server.upload_guard import NO_ACCESS
from tests.browser.conftest import DIRECT, Dashboard, WarmDashboard
from tests.browser.test_film import clip
from tests.browser.test_video import analyse
from tests.servers import free_port, running

PASSWORD = "correct horse battery"
CLIENT_SECRET = "a secret of the client"
COOKIE_SECRET = "a long text that nobody could ever guess"


def started(folder: Path, **environment: str) -> Iterator[Dashboard]:
    with running(WarmDashboard(folder, **environment)) as server:
        yield server


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard behind a password."""
    yield from started(tmp_path_factory.mktemp("locked"), FER_PASSWORD_HASH=hash_password(PASSWORD))


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def status_of(url: str, **headers: str) -> int:
    try:
        with DIRECT.open(urllib.request.Request(url, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_password_opens_the_page_that_was_asked_for(locked, new_visitor):
    page = new_visitor()
    sockets: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    page.goto(f"{locked.url}/history")
    heading(page, "FER Dashboard is locked")
    # Nothing of the page is there: not even Streamlit itself.
    assert page.locator("[data-testid]").count() == 0
    assert not sockets

    page.get_by_label("Access password").fill("not the password")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_have_text("This is not the password. Try again.")

    page.get_by_label("Access password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    heading(page, "History")
    assert page.url == f"{locked.url}/history"
    page.get_by_role("link", name="About").click()
    heading(page, "About")
    page.reload()
    heading(page, "About")
    assert PASSWORD not in locked.log.read_text()

    other = new_visitor()
    other.goto(f"{locked.url}/live")
    heading(other, "FER Dashboard is locked")

    page.get_by_role("link", name="Sign out").click()
    sign_out = page.get_by_role("button", name="Sign out")
    expect(sign_out).to_have_css("border-radius", "9.6px")  # by the style sheet
    sign_out.click()
    heading(page, "FER Dashboard is locked")
    page.goto(locked.url)
    heading(page, "FER Dashboard is locked")


def test_without_a_session_there_are_no_uploads_media_or_assets(locked):
    for path in (
        *("/_stcore/upload_file/a/b", "/media/a.png", "/_stcore/host-config", "/live"),
        "/films/a.video/b",
    ):
        assert status_of(locked.url + path) == 401, path
    assert status_of(f"{locked.url}/_stcore/health") == 200
    # Its own authentication: tokens, and this computer where there are none.
    assert status_of(f"{locked.url}/api/v1/models") == 200
    assert status_of(f"{locked.url}/api/v1/models", Via="1.1 proxy") == 401


def test_reached_by_others_without_a_door_it_is_shut(tmp_path, new_visitor):
    server = WarmDashboard(tmp_path, STREAMLIT_SERVER_ADDRESS="0.0.0.0")
    try:
        server.wait_until_ready()
        page = new_visitor()
        page.goto(f"{server.url}/live")
        heading(page, "FER Dashboard is locked")
        expect(page.get_by_role("alert")).to_contain_text("FER_PASSWORD_HASH")
        assert page.get_by_label("Access password").count() == 0
    finally:
        server.stop()
    assert "no sign-in is set up" in server.log.read_text()


def test_a_proxy_before_an_open_dashboard_is_refused(dashboard):
    assert status_of(dashboard, **{"X-Forwarded-For": "203.0.113.9"}) == 401
    assert status_of(dashboard) == 200


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A real OpenID Connect provider, which signs anybody in under any name."""
    port = free_port()
    program = Path(sys.executable).with_name("oidc-provider-mock")
    if not program.exists():
        pytest.skip("oidc-provider-mock is absent: it needs Python 3.12")
    command = [str(program), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                DIRECT.open(f"{url}/.well-known/openid-configuration", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, "the provider did not start"
                assert time.monotonic() < deadline, "the provider did not start"
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Dashboard]:
    """A dashboard whose users sign in with that provider."""
    yield from started(
        tmp_path_factory.mktemp("accounts"),
        FER_OIDC_METADATA_URL=f"{provider}/.well-known/openid-configuration",
        FER_OIDC_CLIENT_ID="fer",
        FER_OIDC_CLIENT_SECRET=CLIENT_SECRET,
        FER_OIDC_COOKIE_SECRET=COOKIE_SECRET,
        STREAMLIT_LOGGER_LEVEL="debug",
        FER_OIDC_REDIRECT_URL="http://localhost:{port}/oauth2callback",
    )


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=sub]").fill(name)
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("link", name="Overview", exact=True)).to_be_visible()


def test_two_accounts_do_not_see_each_other_s_history(accounts, new_visitor):
    page = new_visitor()
    page.goto(f"{accounts.url}/history")
    heading(page, "FER Dashboard is locked")
    sign_in(page, "ada@example.org")
    page.get_by_role("link", name="Photo", exact=True).click()
    # The end of the page: a click while it is still being put together may find no toggle yet.
    expect(page.get_by_text("Add one or more pictures")).to_be_visible()
    page.get_by_text("Try the sample picture").click()
    # Away at once: the page's own run may not come to the switch any more.
    page.get_by_text("Save to history").click()
    page.get_by_role("link", name="History").click()
    heading(page, "History")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()

    other = new_visitor()
    other.goto(accounts.url)
    heading(other, "FER Dashboard is locked")
    sign_in(other, "bob@example.org")
    other.get_by_role("link", name="History").click()
    expect(other.get_by_text(re.compile("Nothing is saved yet"))).to_be_visible()

    page.reload()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_text("Signed in as ada@example.org")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()  # the provider's own question
    heading(page, "FER Dashboard is locked")


def test_a_stranger_can_upload_nothing(accounts, new_visitor):
    stranger = new_visitor()
    told: list[str] = []

    def note(frame: str | bytes) -> None:
        message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else frame.encode())
        if message.WhichOneof("type") == "new_session":
            told.append(message.new_session.initialize.session_id)

    stranger.on("websocket", lambda opened: opened.on("framereceived", note))
    stranger.goto(accounts.url)
    heading(stranger, "FER Dashboard is locked")
    address = f"{accounts.url}/_stcore/upload_file/{told[0]}/file"
    stranger.request.get(f"{accounts.url}/_stcore/health")  # gives the cookie against forgery
    cookies = {each["name"]: each["value"] for each in stranger.context.cookies()}
    answer = stranger.request.put(
        address,
        headers={"X-Xsrftoken": cookies["_streamlit_xsrf"]},
        multipart={"file": {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"1"}},
    )
    assert (answer.status, answer.text()) == (401, NO_ACCESS)


def test_a_film_is_for_the_account_that_added_it(accounts, new_visitor, tmp_path):
    page, other, stranger = new_visitor(), new_visitor(), new_visitor()
    page.goto(accounts.url)
    sign_in(page, "ada@example.org")
    page.goto(f"{accounts.url}/video")
    analyse(page, clip(tmp_path / "film.mp4", "libx264"))
    film = page.locator(".fer-stage video")
    expect(film).to_be_visible()
    address = accounts.url + str(film.get_attribute("src"))
    assert page.request.get(address).headers["content-type"] == "video/mp4"
    assert stranger.request.get(address).status == 403
    other.goto(accounts.url)
    sign_in(other, "bob@example.org")
    assert other.request.get(address).status == 403
    page.get_by_role("button", name="Remove").click()
    expect(film).to_have_count(0)
    assert page.request.get(address).status == 404


def test_a_second_sign_in_takes_the_place_of_the_first(accounts, new_visitor):
    page = new_visitor()
    page.goto(accounts.url)
    sign_in(page, "first@example.org")
    # The same browser, another account: there is one at a time, and it is the last.
    other = page.context.new_page()
    other.goto(f"{accounts.url}/sign-out")
    expect(other.get_by_text("Signed in as first@example.org")).to_be_visible()
    other.get_by_role("button", name="Sign out").click()
    other.get_by_role("button", name="End session").click()
    heading(other, "FER Dashboard is locked")
    sign_in(other, "second@example.org")
    page.goto(f"{accounts.url}/sign-out")
    expect(page.get_by_text("Signed in as second@example.org")).to_be_visible()
    # Another browser with the first account is inside beside it.
    elsewhere = new_visitor()
    elsewhere.goto(accounts.url)
    sign_in(elsewhere, "first@example.org")
    page.reload()
    expect(page.get_by_text("Signed in as second@example.org")).to_be_visible()


def test_a_sign_in_cannot_be_forged_and_is_not_in_the_log(accounts, new_visitor):
    page = new_visitor()
    page.goto(accounts.url)
    sign_in(page, "eve@example.org")
    cookies = [c for c in page.context.cookies() if c["name"].startswith("_streamlit_user")]
    assert cookies
    assert all(c["httpOnly"] for c in cookies)
    sessions = [c["value"] for c in page.context.cookies() if len(c["value"]) > 20]
    assert sessions
    stranger = new_visitor()
    for cookie in cookies:
        value = cookie["value"]
        middle = len(value) // 2
        other = "A" if value[middle] != "A" else "B"
        cookie["value"] = value[:middle] + other + value[middle + 1 :]
    stranger.context.add_cookies(cookies)
    stranger.goto(accounts.url)
    heading(stranger, "FER Dashboard is locked")
    log = accounts.log.read_text()
    for secret in (CLIENT_SECRET, COOKIE_SECRET, *sessions):
        assert secret not in log
