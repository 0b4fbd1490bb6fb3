"""Access on the pages: who sees a page, who sees the reason why not, and whose history."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit import user_info
from streamlit.testing.v1 import AppTest

from fer_core.history import LOCAL, history
from fer_core.paths import ROOT
from fer_core.server.auth import password
from fer_core.server.auth.cookie import COOKIE, LIFETIME_S, make_session_cookie
from fer_core.server.auth.mode import AuthMode
from fer_core.server.auth.password import hash_password
from fer_core.ui import auth, services
from fer_core.ui.live.page import camera_slots, my_slots
from tests.ui.history.test_page import keep, listed

NOW_S = time.time()

SeenBy = Callable[..., None]


@pytest.fixture(autouse=True)
def _own_door() -> Iterator[None]:
    auth.auth_mode.cache_clear()
    yield
    auth.auth_mode.cache_clear()


@pytest.fixture
def site() -> AppTest:
    return AppTest.from_file(str(ROOT / "fer_core" / "ui" / "router.py"), default_timeout=60)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> str:
    """The password is set."""
    monkeypatch.setattr(password, "_N", 16)
    made = hash_password("correct horse battery")
    monkeypatch.setenv("FER_PASSWORD_HASH", made)
    return made


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, str]], None]:
    """Sets the headers or the cookies that the browser sent."""

    def put(name: str, values: dict[str, str]) -> None:
        monkeypatch.setattr(type(st.context), name, property(lambda _self: values))

    return put


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> SeenBy:
    """Accounts are set; the function says who is signed in."""
    for name in ("METADATA_URL", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URL", "COOKIE_SECRET"):
        monkeypatch.setenv(f"FER_OIDC_{name}", f"https://example.org/a-long-{name}")
    monkeypatch.setenv("FER_OIDC_REDIRECT_URL", "https://example.org/oauth2callback")

    def seen_by(**claims: Any) -> None:
        monkeypatch.setattr(user_info, "_get_user_info", lambda: claims)

    seen_by(is_logged_in=False)
    return seen_by


def ada(**claims: Any) -> dict[str, Any]:
    return {
        "is_logged_in": True, "iss": "https://id.example.org", "sub": "ada", "iat": NOW_S, **claims,
    }  # fmt: skip


SESSION = "test session id"
"""AppTest's."""


def is_locked(site: AppTest, sentence: str) -> bool:
    """The locked page, nothing of any other page, and no way to upload."""
    assert not site.exception
    assert not auth.has_access(SESSION)
    assert [title.value for title in site.title] == ["FER Dashboard is locked"]
    assert not site.get("file_uploader")
    assert not site.toggle
    return sentence in site.info[0].value


def is_open(site: AppTest) -> bool:
    assert not site.exception
    assert auth.has_access(SESSION)
    return [title.value for title in site.title] == ["See what faces express"]


def test_on_this_computer_it_is_open_and_there_is_no_way_out(site):
    assert is_open(site.run())
    assert auth.auth_mode() is AuthMode.LOCALHOST
    assert auth.sign_out_page() == []
    assert services.owner() == LOCAL


def test_through_a_proxy_it_is_not(site, context):
    context("headers", {"x-forwarded-for": "203.0.113.1"})
    assert is_locked(site.run(), "FER_PASSWORD_HASH")


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.168.1.5"])
def test_bound_to_another_address_it_is_shut_and_says_so(site, monkeypatch, caplog, address):
    monkeypatch.setattr(st, "get_option", lambda _name: address)
    assert auth.auth_mode() is AuthMode.LOCKED
    auth.middleware()
    assert "no sign-in is set up" in caplog.text
    assert is_locked(site.run(), "FER_OPEN=1")


def test_open_on_purpose(site, monkeypatch, caplog):
    monkeypatch.setattr(st, "get_option", lambda _name: None)
    monkeypatch.setenv("FER_OPEN", "1")
    assert auth.auth_mode() is AuthMode.OPEN
    auth.middleware()
    assert not caplog.text
    assert is_open(site.run())


def test_without_a_session_the_pages_are_locked(site, line):
    assert is_locked(site.run(), "You have not signed in, or your sign-in has expired.")
    assert "/login" in site.get("html")[0].proto.body


def test_a_session_opens_them_for_its_time(site, line, context):
    context("cookies", {COOKIE: make_session_cookie(line)})
    assert is_open(site.run())
    assert services.owner() == "door"
    # The page stays open in the browser, and the session grows old.
    context("cookies", {COOKIE: make_session_cookie(line, lambda: NOW_S - LIFETIME_S - 60)})
    assert is_locked(site.run(), "has expired")
    context("cookies", {COOKIE: make_session_cookie("another hash")})
    assert is_locked(site.run(), "has expired")


def test_without_an_account_the_pages_are_locked(site, accounts):
    assert is_locked(site.run(), "Sign in to use")


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"iat": NOW_S - LIFETIME_S - 60}, "has expired"),
        ({"iat": NOW_S + 3600}, "has expired"),
        ({"iat": None}, "has expired"),
        ({"sub": ""}, "did not say who you are"),
        ({"iss": None}, "did not say who you are"),
    ],
)
def test_an_expired_or_nameless_sign_in_is_not_one(site, accounts, claims, sentence):
    accounts(**ada(**claims))
    assert is_locked(site.run(), sentence)


def test_each_account_sees_its_own_history_alone(accounts):
    store = history()
    for name in ("ada", "bob"):
        keep(store, f"of {name}", owner=f"oidc:https://id.example.org|{name}")
    keep(store, "of this computer")
    keep(store, "behind the password", owner="door")
    keep(store, "of ada elsewhere", owner="oidc:https://other.example.org|ada")
    page = AppTest.from_file(str(ROOT / "pages" / "history.py"), default_timeout=60)
    accounts(**ada())
    assert listed(page.run()) == ["of ada"]
    accounts(**ada(sub="bob"))
    assert listed(page.run()) == ["of bob"]
    accounts(**ada(sub="eve"))
    assert listed(page.run()) == []
    assert not page.exception


def test_an_account_has_places_of_its_own_for_cameras(accounts, monkeypatch):
    monkeypatch.setenv("FER_MAX_USER_STREAMS", "1")
    monkeypatch.setenv("FER_MAX_STREAMS", "3")
    camera_slots.clear()
    accounts(**ada())
    assert my_slots().acquire() == ""
    assert "One account runs at most 1 live camera at once" in my_slots().acquire()
    accounts(**ada(sub="bob"))
    assert my_slots().acquire() == ""
    camera_slots.clear()


def test_behind_one_password_the_places_are_those_of_all(line, monkeypatch):
    monkeypatch.setenv("FER_MAX_USER_STREAMS", "1")
    monkeypatch.setenv("FER_MAX_STREAMS", "2")
    camera_slots.clear()
    assert [my_slots().acquire() for _ in range(2)] == ["", ""]
    assert "at most 2 live cameras" in my_slots().acquire()
    camera_slots.clear()


def test_accounts_come_before_the_password(line, accounts):
    assert auth.auth_mode() is AuthMode.SIGN_IN


def test_the_settings_become_streamlit_s_own_secrets(accounts):
    secrets = auth.oidc_secrets()
    assert secrets
    assert set(secrets["auth"]) == {  # type: ignore[arg-type]
        "client_id", "client_secret", "cookie_secret", "redirect_uri", "server_metadata_url",
    }  # fmt: skip


def test_without_settings_secrets_toml_has_the_word():
    assert auth.oidc_secrets() is None


@pytest.mark.parametrize(
    ("section", "labels"),
    [
        ({"client_id": "fer", "client_kwargs": {"prompt": "login"}}, ["Sign in"]),
        ({"google": {"client_id": "a"}, "okta": {"client_id": "b"}},
         ["Sign in with google", "Sign in with okta"]),
    ],
)  # fmt: skip
def test_each_provider_of_secrets_toml_has_its_button(site, monkeypatch, section, labels):
    monkeypatch.setattr(user_info, "_get_user_info", lambda: {"is_logged_in": False})
    site.secrets["auth"] = section
    site.run()
    assert is_locked(site, "Sign in")
    assert [button.label for button in site.button] == labels
