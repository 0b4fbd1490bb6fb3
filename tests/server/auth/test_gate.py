"""Sign-in with the password over HTTP: hash, session cookie, waits between attempts, gate."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import logging
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from fer_core.cli.main import main
from fer_core.paths import ROOT
from fer_core.server.auth import gate, password
from fer_core.server.auth.cookie import (
    COOKIE,
    DEVICE_COOKIE,
    DEVICE_LIFETIME_S,
    LIFETIME_S,
    SKEW_S,
    device_of,
    is_valid_session,
    make_device_cookie,
    make_session_cookie,
)
from fer_core.server.auth.login_page import login_page
from fer_core.server.auth.mode import AuthMode
from fer_core.server.auth.password import LONGEST, Verdicts, hash_password, matches
from fer_core.server.auth.throttle import (
    ADDRESSES,
    BURST,
    EACH_S,
    FORGET_S,
    PENDING_NEW,
    PENDING_TURN,
    TURN_RESERVED_S,
    TURN_S,
    LoginThrottle,
    Throttled,
)
from fer_core.server.loopback import came_from_here, is_this_computer
from fer_core.settings import OidcSettings, is_hash, setting_problems, settings
from tests.servers import ServedApp, hanging_up_after
from tests.waiting import Clock, until

SECRET = "correct horse battery"
NOW_S = 1_800_000_000.0


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> str:
    """A hash of the password that is quick to check."""
    monkeypatch.setattr(password, "_N", 16)
    return hash_password(SECRET)


# The hash


def test_only_the_password_matches_its_hash(line):
    assert matches(SECRET, line)
    for wrong in ("", SECRET[:-1], SECRET + " ", SECRET.upper(), "x" * 5000, "\ud800"):
        assert not matches(wrong, line)
    assert hash_password(SECRET) != line  # salted


def test_the_hash_has_the_strength_that_is_documented():
    assert hash_password(SECRET).startswith("scrypt:32768:8:3:")


def test_a_password_typed_on_another_keyboard_is_the_same(line):
    assert matches("caf\u00e9 noir", hash_password("cafe\u0301 noir"))


@pytest.mark.parametrize(
    "text",
    [
        "", "secret", "scrypt:16:8:1:short:key", "scrypt:17:8:1:" + "a" * 22 + ":" + "b" * 43,
        "scrypt:1048576:8:1:" + "a" * 22 + ":" + "b" * 43,
        "scrypt:16:0:1:" + "a" * 22 + ":" + "b" * 43,
        "scrypt:32768:8:3:" + "a" * 21 + ":" + "b" * 43,  # a character was lost
        "scrypt:65536:1:3:" + "a" * 22 + ":" + "b" * 43,
    ],
)  # fmt: skip
def test_what_is_no_hash_is_refused_at_the_start_and_not_repeated(monkeypatch, text):
    assert not is_hash(text)
    if not text:
        return
    monkeypatch.setenv("FER_PASSWORD_HASH", text)
    with pytest.raises(ValidationError, match="fer_core password") as raised:
        settings()
    assert text not in str(raised.value)


@given(st.integers(1, 16), st.integers(1, 3), st.integers(1, 2), st.integers(16, 64))
def test_every_hash_that_is_accepted_can_be_checked(log_n, r, p, salt_length):
    text = f"scrypt:{1 << log_n}:{r}:{p}:{'a' * salt_length}:{'b' * 43}"
    if is_hash(text):
        assert not matches(SECRET, text)


def test_half_a_sign_in_is_refused(monkeypatch):
    monkeypatch.setenv("FER_OIDC_CLIENT_ID", "fer")
    with pytest.raises(ValidationError, match="all five"):
        settings()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("METADATA_URL", "id.example.org", "not an address such as https://"),
        ("METADATA_URL", "https://id.example.org", "not an address such as https://"),
        ("REDIRECT_URL", "fer.example.org/oauth2callback", "not https://HOST/oauth2callback"),
        ("REDIRECT_URL", "https://fer.example.org", "not https://HOST/oauth2callback"),
        ("REDIRECT_URL", "https://fer.example.org/oauth2callback/", "not https://HOST/oauth2"),
        ("COOKIE_SECRET", "short", "it needs 32 or more characters"),
    ],
)
def test_a_sign_in_that_could_not_work_is_refused_at_the_start(monkeypatch, name, value, sentence):
    for field in OidcSettings.model_fields.values():
        monkeypatch.setenv(str(field.validation_alias), "x" * 40)
    monkeypatch.setenv("FER_OIDC_METADATA_URL", "https://id.example.org/.well-known/x")
    monkeypatch.setenv("FER_OIDC_REDIRECT_URL", "http://localhost:8501/oauth2callback")
    assert settings().oidc.client_id
    monkeypatch.setenv(f"FER_OIDC_{name}", value)
    with pytest.raises(ValidationError) as raised:
        settings()
    [problem] = setting_problems(raised.value)
    assert problem.startswith(f"FER_OIDC_{name}: {sentence}")
    assert value not in problem


def test_the_command_prints_a_line_that_works(line, monkeypatch):
    asked = CliRunner().invoke(main, ["password"], input=f"{SECRET}\n{SECRET}\n")
    assert asked.exit_code == 0
    printed = asked.stdout.strip()
    assert SECRET not in asked.output
    monkeypatch.setenv("FER_PASSWORD_HASH", printed)
    kept = settings().password_hash
    assert kept
    assert matches(SECRET, kept.get_secret_value())


def test_the_command_refuses_a_short_password():
    asked = CliRunner().invoke(main, ["password"], input="short\nshort\n")
    assert asked.exit_code == 1
    assert "8 or more characters" in asked.stderr


def test_the_longest_password_that_the_command_takes_can_be_entered(line):
    longest = "\U0001f600" * LONGEST  # each is 12 bytes in a form
    browser = client(AuthMode.PASSWORD, hash_password(longest))
    assert enter(browser, longest, "/history?" + "a" * 1000).status_code == 303
    asked = CliRunner().invoke(main, ["password"], input=f"{longest}+\n{longest}+\n")
    assert asked.exit_code == 1
    assert "500 characters at most" in asked.stderr


# The session cookie


def test_a_session_holds_for_its_time_and_its_hash(line):
    cookie = make_session_cookie(line, lambda: NOW_S)
    assert is_valid_session(cookie, line, lambda: NOW_S)
    assert is_valid_session(cookie, line, lambda: NOW_S + LIFETIME_S)
    assert not is_valid_session(cookie, line, lambda: NOW_S + LIFETIME_S + 1)
    assert not is_valid_session(cookie, hash_password(SECRET), lambda: NOW_S)


def test_clocks_of_two_servers_may_differ_a_little(line):
    cookie = make_session_cookie(line, lambda: NOW_S)
    assert is_valid_session(cookie, line, lambda: NOW_S - SKEW_S)
    assert not is_valid_session(cookie, line, lambda: NOW_S - SKEW_S - 1)


def test_a_session_with_another_time_is_forged(line):
    old = make_session_cookie(line, lambda: NOW_S - 2 * LIFETIME_S).split(".")
    new = make_session_cookie("another hash", lambda: NOW_S).split(".")
    assert not is_valid_session(".".join([*new[:2], old[2]]), line, lambda: NOW_S)
    assert not is_valid_session(".".join(new), line, lambda: NOW_S)


@given(st.text())
def test_no_text_is_a_session(text):
    assert not is_valid_session(text, "a hash", lambda: NOW_S)
    assert not is_valid_session(f"in.{text}", "a hash", lambda: NOW_S)


@given(st.integers(0, 60), st.characters(codec="utf-8"))
def test_a_session_with_one_other_character_does_not_hold(place, character):
    cookie = make_session_cookie("a hash", lambda: NOW_S)
    place %= len(cookie) - 1  # bits of the last base64 digit are unused
    changed = cookie[:place] + character + cookie[place + 1 :]
    assert is_valid_session(changed, "a hash", lambda: NOW_S) == (changed == cookie)


def test_a_device_cookie_tells_a_browser_apart_and_lets_nobody_in(line):
    cookie = make_device_cookie(line, lambda: NOW_S)
    assert device_of(cookie, line, lambda: NOW_S + DEVICE_LIFETIME_S)
    assert device_of(cookie, line) != device_of(make_device_cookie(line), line)
    assert device_of(cookie, line, lambda: NOW_S + DEVICE_LIFETIME_S + 1) is None
    assert device_of(cookie, hash_password(SECRET), lambda: NOW_S) is None
    assert not is_valid_session(cookie, line, lambda: NOW_S)
    assert device_of(make_session_cookie(line, lambda: NOW_S), line, lambda: NOW_S) is None


def test_verdicts_are_remembered_and_belong_to_the_password():
    verdicts = Verdicts()
    assert verdicts.of(SECRET) is None
    verdicts.note("wrong", False)
    assert verdicts.of("wrong") is False
    assert verdicts.of(SECRET) is None
    verdicts.note(SECRET, True)
    assert verdicts.of(SECRET) is True
    assert verdicts.of("never typed") is False  # there is one right password


# The waits between tries


def wait_of(throttle: LoginThrottle, address: str) -> int:
    try:
        throttle.attempt(address)
    except Throttled as error:
        return error.wait_s
    return 0


def test_waits_double_for_an_address_and_not_for_others():
    clock = Clock()
    throttle = LoginThrottle(clock)
    assert [wait_of(throttle, "203.0.113.1") for _ in range(4)] == [0, 0, 0, 1]
    assert wait_of(throttle, "203.0.113.2") == 0
    waits = []
    for _ in range(12):
        clock.now_s += wait_of(throttle, "203.0.113.1")
        assert wait_of(throttle, "203.0.113.1") == 0
        waits.append(wait_of(throttle, "203.0.113.1"))
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 900


def test_asking_during_the_wait_does_not_lengthen_it():
    clock = Clock()
    throttle = LoginThrottle(clock)
    for _ in range(50):
        wait_of(throttle, "203.0.113.1")
    clock.now_s += 1
    assert wait_of(throttle, "203.0.113.1") == 0


def test_the_right_password_and_an_hour_of_quiet_begin_anew():
    clock = Clock()
    throttle = LoginThrottle(clock)
    for _ in range(3):
        throttle.attempt("203.0.113.1")
    clock.now_s += FORGET_S + 1
    assert [wait_of(throttle, "203.0.113.1") for _ in range(3)] == [0, 0, 0]
    clock.now_s += 1
    throttle.attempt("203.0.113.1")
    throttle.succeeded("203.0.113.1")
    assert [wait_of(throttle, "203.0.113.1") for _ in range(3)] == [0, 0, 0]


def test_many_addresses_gain_nothing_and_lock_nobody_out_for_long():
    clock = Clock()
    throttle = LoginThrottle(clock)
    waits = [wait_of(throttle, f"198.51.100.{number}") for number in range(200)]
    assert waits.count(0) == 30
    for number in range(10):
        clock.now_s += 5
        assert wait_of(throttle, f"203.0.113.{number}") == 0
        assert 0 < wait_of(throttle, f"198.51.100.{number}") <= 5


def test_a_right_password_gets_in_whatever_others_do_and_guessing_stays_slow():
    """Forty wrong passwords a second for ten minutes, each from an address never seen before."""
    clock = Clock()
    throttle = LoginThrottle(clock)
    checked, waits = 0, []
    for number in range(40 * 600):
        clock.now_s += 1 / 40
        checked += wait_of(throttle, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") == 0
        if number % 1000 == 999:  # somebody comes, and again when they are told to
            mine = f"203.0.113.{number // 1000}"
            waits.append(wait_of(throttle, mine))
            clock.now_s += waits[-1]
            assert waits[-1] == 0 or wait_of(throttle, mine) == 0
    assert checked <= BURST + clock.now_s / EACH_S
    assert max(waits) == TURN_S


def test_a_turn_is_for_one_address_and_not_for_whoever_asks_fastest():
    """A hundred addresses that ask without a pause and take every turn get their own waits."""
    clock = Clock()
    throttle = LoginThrottle(clock)
    checked = 0
    for tick in range(4 * 300):
        clock.now_s += 0.25
        checked += sum(wait_of(throttle, f"10.0.0.{number}") == 0 for number in range(100))
        if tick % 100 == 99:
            mine = f"203.0.113.{tick // 100}"
            if wait_s := wait_of(throttle, mine):
                assert wait_s == TURN_S
                clock.now_s += TURN_S
                assert wait_of(throttle, mine) == 0
    # Three at once, then after 1, 2, 4 … 128 s, in five minutes and the moments above.
    assert checked <= 100 * (3 + 8)


def test_a_turn_is_used_once_and_ends():
    clock = Clock()
    throttle = LoginThrottle(clock)
    for number in range(BURST):
        throttle.attempt(f"10.0.0.{number}")
    assert wait_of(throttle, "203.0.113.1") == 1
    clock.now_s += 1
    assert [wait_of(throttle, "203.0.113.1") for _ in range(2)] == [0, 1]
    clock.now_s += 1
    for number in range(BURST):  # what was free again by then is used up too
        wait_of(throttle, f"10.0.1.{number}")
    clock.now_s += TURN_RESERVED_S + 0.5
    for number in range(BURST):
        wait_of(throttle, f"10.0.2.{number}")
    assert wait_of(throttle, "203.0.113.1") == 1


def test_checks_that_wait_keep_a_turn_from_nobody():
    clock = Clock()
    throttle = LoginThrottle(clock)
    throttle.attempt("10.0.0.1", pending=PENDING_NEW - 1)
    with pytest.raises(Throttled):
        throttle.attempt("10.0.0.2", pending=PENDING_NEW)
    clock.now_s += 1
    throttle.attempt("10.0.0.2", pending=PENDING_NEW)
    with pytest.raises(Throttled):
        throttle.attempt("10.0.0.2", pending=PENDING_NEW)
    clock.now_s += 1
    with pytest.raises(Throttled):
        throttle.attempt("10.0.0.2", pending=PENDING_TURN)
    throttle.attempt("10.0.0.2", pending=PENDING_TURN - 1)  # it was not taken away meanwhile


def test_a_browser_that_was_inside_waits_for_its_own_tries_alone():
    throttle = LoginThrottle(Clock())
    for number in range(100):
        wait_of(throttle, f"10.0.0.{number}")
    for _ in range(9):
        wait_of(throttle, "203.0.113.1")
    waits = []
    for _ in range(4):
        try:
            throttle.attempt("203.0.113.1", device="a", pending=99)
        except Throttled as error:
            waits.append(error.wait_s)
        else:
            waits.append(0)
    assert waits == [0, 0, 0, 1]
    throttle.attempt("203.0.113.1", device="b")


def test_a_site_with_very_many_ipv6_networks_is_one_that_tries():
    clock = Clock()
    throttle = LoginThrottle(clock)
    checked = 0
    for number in range(3000):
        clock.now_s += 1.0
        checked += wait_of(throttle, f"2001:db8:1:{number:x}::1") == 0
    assert checked <= 30 + 12  # thirty, then after 1, 2, 4 … 900 s
    assert wait_of(throttle, "2001:db8:2::1") == 0


def test_a_right_password_lets_the_next_one_try_at_once():
    throttle = LoginThrottle(Clock())
    waits = [wait_of(throttle, f"198.51.100.{number}") for number in range(31)]
    assert (waits.count(0), waits[-1]) == (30, 1)
    throttle.succeeded("198.51.100.0")
    assert wait_of(throttle, "203.0.113.1") == 0


def test_one_ipv6_network_is_one_address_and_a_mapped_one_is_itself():
    throttle = LoginThrottle(Clock())
    assert [wait_of(throttle, f"2001:db8::{n}") for n in range(4)] == [0, 0, 0, 1]
    assert wait_of(throttle, "2001:db8:0:1::1") == 0
    assert [wait_of(throttle, f"::ffff:203.0.113.{n}") for n in range(4)] == [0, 0, 0, 0]


def test_the_memory_of_addresses_is_bounded():
    clock = Clock()
    throttle = LoginThrottle(clock)
    for number in range(ADDRESSES + 50):
        clock.now_s += 10
        throttle.attempt(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._by_address) == ADDRESSES


# The gate


async def page(_request: Request) -> Response:
    return PlainTextResponse("the page")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("the page")


def site(mode: AuthMode, line: str = "", throttle: LoginThrottle | None = None) -> Starlette:
    inside = [Route("/{path:path}", page), WebSocketRoute("/_stcore/stream", talk)]
    entrance = gate.routes(line, throttle) if mode is AuthMode.PASSWORD else []
    return Starlette(
        routes=[*entrance, *inside],
        middleware=[Middleware(gate.Gate, mode=mode, password_hash=line)],
    )


def client(
    mode: AuthMode, line: str = "", throttle: LoginThrottle | None = None, **more: Any
) -> TestClient:
    return TestClient(
        site(mode, line, throttle), "http://localhost", follow_redirects=False, **more
    )


@pytest.fixture
def stranger(line: str) -> TestClient:
    return client(AuthMode.PASSWORD, line)


HTML = {"Accept": "text/html,*/*"}


def enter(browser: TestClient, typed: str = SECRET, there: str = "/", **headers: str) -> Any:
    return browser.post("/login", data={"password": typed, "next": there}, headers=headers)


def test_without_a_session_nothing_is_shown(stranger):
    asked = stranger.get("/history?a=b", headers=HTML)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/login?next=%2Fhistory%3Fa%3Db"
    assert stranger.get("/media/abc.png").status_code == 401
    assert stranger.put("/_stcore/upload_file/a/b").status_code == 401
    for near in (
        "/login/../live", "//login", "/logout/x", "/api", "/api/v2/x", "/healthz/x",
        "/live/api/v1/models", "//api/v1/models", "/live/healthz", "/x/login",
    ):  # fmt: skip
        assert stranger.get(near).status_code == 401, near
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect("/_stcore/stream"),
    ):
        pass


@pytest.mark.parametrize("path", ["/api/v1/models", "/healthz", "/readyz", "/_stcore/health"])
def test_what_has_its_own_authentication_or_tells_nothing_passes(stranger, path):
    assert stranger.get(path).text == "the page"


def test_the_password_lets_in_and_signing_out_locks(stranger):
    entered = enter(stranger, there="/live?x=1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/live?x=1")
    assert stranger.get("/live").text == "the page"
    held = {"Cookie": f"{COOKIE}={stranger.cookies[COOKIE]}"}
    with stranger.websocket_connect("/_stcore/stream", headers=held) as socket:
        assert socket.receive_text() == "the page"
    assert stranger.get("/login?next=/about").headers["location"] == "/about"
    assert stranger.post("/logout").headers["location"] == "/login"
    assert stranger.get("/live").status_code == 401


def test_a_second_sign_in_leaves_the_first_inside(line):
    app = site(AuthMode.PASSWORD, line)
    one, two = TestClient(app), TestClient(app)
    for browser in (one, two):
        enter(browser)
    two.post("/logout")
    assert one.get("/live").text == "the page"
    assert "the page" not in two.get("/live").text


def test_the_cookie_is_for_this_site_alone(stranger):
    cookie = enter(stranger).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={LIFETIME_S}"} <= set(
        cookie.split("; ")
    )
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    ("forwarded", "secure"),
    [
        ("https", True), ("https, http", True), ("HTTPS ,http", True), ("http, https", False),
        ("http", False), ("httpsx", False), ("", False),
    ],
)  # fmt: skip
def test_the_cookies_are_for_https_alone_where_the_browser_used_it(stranger, forwarded, secure):
    entered = enter(stranger, **{"X-Forwarded-Proto": forwarded})
    for cookie in entered.headers.get_list("set-cookie"):
        assert ("Secure" in cookie.split("; ")) == secure, cookie


@pytest.mark.parametrize("path", ["/login", "/logout", "/door", "/door/out"])
def test_every_method_at_the_login_is_answered_by_it(stranger, path):
    """Otherwise Streamlit would answer with its page."""
    for inside in (False, True):
        if inside:
            enter(stranger)
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "FOO"):
            asked = stranger.request(method, path)
            assert (asked.status_code, asked.headers["allow"]) == (405, "GET, HEAD, POST")
        for method in ("GET", "HEAD"):
            assert "the page" not in stranger.request(method, path).text
    asked = stranger.get("/logout")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")
    assert stranger.get("/live").text == "the page"  # a link or a picture signs nobody out


@pytest.mark.parametrize("mode", [AuthMode.LOCKED, AuthMode.LOCALHOST])
def test_without_a_password_the_addresses_of_its_login_are_locked_like_all(mode):
    for path in ("/login", "/logout", "/door", "/door/out"):
        asked = client(mode).get(path, headers={"Via": "1.1 x"})
        assert asked.status_code == 401


@pytest.mark.parametrize("typed", ["", "wrong", SECRET + "x", SECRET.upper()])
def test_a_wrong_password_lets_nobody_in(stranger, caplog, typed):
    caplog.set_level(logging.DEBUG, "fer_core")
    refused = enter(stranger, typed, there="/live")
    assert refused.status_code == 401
    assert "This is not the password" in refused.text
    assert 'value="/live"' in refused.text
    assert "set-cookie" not in refused.headers
    assert stranger.get("/live").status_code == 401
    assert not [r for r in caplog.records if r.name.startswith("fer_core")]


def test_old_forged_and_foreign_cookies_let_nobody_in(stranger, line):
    for cookie in (
        make_session_cookie(line, lambda: NOW_S - 10 * 365 * 86400),
        make_session_cookie(line, lambda: NOW_S + 10 * 365 * 86400),
        make_session_cookie(hash_password("another one")),
        "in", "in.a.b", "", "%C3%A9",
    ):  # fmt: skip
        asked = stranger.get("/live", headers={"Cookie": f"{COOKIE}={cookie}"})
        assert asked.status_code == 401, cookie


@pytest.mark.parametrize(
    "there",
    [
        "", "https://example.org", "//example.org", "/\\example.org", "\\\\example.org", "live",
        "javascript:alert(1)", "/\texample.org", "/\n/example.org", " //example.org", "/login",
        "/login?next=/login", "/a\\b", "/caf\u00e9\r\nX: y",
    ],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(stranger, there):
    assert enter(stranger, there=there).headers["location"] == "/"


@given(st.text())
def test_whatever_follows_is_a_path_of_this_site(text):
    for there in (text, "/" + text):
        path = gate.safe_path(there)
        assert path.startswith("/")
        assert not path.startswith(("//", "/\\"))
        assert path.isascii()
        assert path.isprintable()


def test_what_is_typed_is_escaped(stranger):
    refused = enter(stranger, "wrong", there='/"><script>alert(1)</script>')
    assert "<script" not in refused.text
    assert "script-src" not in refused.headers["content-security-policy"]
    assert "default-src 'none'" in refused.headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://example.org"}, {"Origin": "null"}, {"Origin": "http://["},
    ],
)  # fmt: skip
def test_forms_of_other_sites_are_refused(stranger, headers):
    assert enter(stranger, **headers).status_code == 403
    enter(stranger)
    refused = stranger.post("/logout", headers=headers)
    assert refused.status_code == 403
    assert '<a href="/">Back to the dashboard</a>' in refused.text
    assert stranger.get("/live").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_the_log_says_whose_form_was_refused(stranger, caplog, path):
    origin = f"https://localhost:8443{path}"  # a refusal is told only once
    stranger.post(path, headers={"Origin": origin})
    [line] = caplog.messages
    assert f"to 'localhost' from a page of '{origin}'" in line


@pytest.mark.parametrize("body", [b"x" * 9000, b"\xff\xfe", b"&".join(b"a=1" for _ in range(50))])
def test_what_is_no_form_of_ours_is_refused(stranger, body):
    assert stranger.post("/login", content=body).status_code == 400


def test_too_many_tries_wait_even_with_the_right_password(line):
    clock = Clock()
    browser = client(AuthMode.PASSWORD, line, LoginThrottle(clock))
    assert [enter(browser, "wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    refused = enter(browser)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert "The next one is possible in 1 s" in refused.text
    clock.now_s += 1
    assert enter(browser).status_code == 303


def test_tries_at_once_are_counted_before_they_are_checked(line, monkeypatch):
    checked = []
    monkeypatch.setattr(gate, "matches", lambda typed, _line: checked.append(typed))
    app = site(AuthMode.PASSWORD, line)

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(posted(app, f"guess {n}") for n in range(200)))

    statuses = asyncio.run(all_at_once())
    assert statuses.count(401) == len(checked) == 3
    assert statuses.count(429) == 197


def test_a_known_browser_gets_in_at_once_while_others_at_its_address_wait(line):
    clock = Clock()
    app = site(AuthMode.PASSWORD, line, LoginThrottle(clock))
    known, other = (TestClient(app, "http://localhost", follow_redirects=False) for _ in range(2))
    enter(known)
    known.post("/logout")
    assert DEVICE_COOKIE in known.cookies
    assert [enter(other, "wrong").status_code for _ in range(9)].count(429) == 6
    assert enter(other).status_code == 429
    assert enter(known).status_code == 303


def test_a_right_password_gets_in_through_a_storm_of_wrong_ones():
    """On a real server with slow hashes; attackers have new addresses."""
    server = ServedApp(site(AuthMode.PASSWORD, hash_password(SECRET)))
    over, statuses = threading.Event(), []

    def guess(first: int) -> None:
        for number in itertools.count(first, 4):
            if over.is_set():
                return
            statuses.append(posted_to(server, f"10.0.{number >> 8}.{number & 255}", f"no{number}"))

    with ThreadPoolExecutor(4) as pool:
        guessers = [pool.submit(guess, first) for first in range(4)]
        until(lambda: statuses.count((429, 1)) >= 20)
        mine: list[tuple[int, int]] = []
        while len(mine) < 3 and 303 not in dict(mine):
            mine.append(posted_to(server, "203.0.113.1", SECRET))
            time.sleep(mine[-1][1])
        over.set()
        for guesser in guessers:
            guesser.result()
    server.stop()
    assert mine == [(429, 1), (303, 0)]
    assert {status for status, _ in statuses} == {401, 429}


def posted_to(server: ServedApp, address: str, typed: str) -> tuple[int, int]:
    """The status, and how many seconds to wait."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"}
    with closing(connection):
        connection.request("POST", "/login", urlencode({"password": typed}), headers)
        answer = connection.getresponse()
        return answer.status, int(answer.headers.get("Retry-After", 0))


POST = {
    "type": "http", "method": "POST", "path": "/login", "raw_path": b"/login", "headers": [],
    "query_string": b"", "client": ("203.0.113.1", 1), "server": ("localhost", 80),
    "scheme": "http", "http_version": "1.1", "root_path": "",
}  # fmt: skip


async def posted(app: Starlette, typed: str | None) -> int:
    """The status of the form, sent without a server; None never sends the body."""
    status = 0
    body = urlencode({"password": typed or ""}).encode()

    async def receive() -> Message:
        if typed is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(dict(POST), receive, send)
    return status


def test_a_form_that_never_arrives_is_given_up(line, monkeypatch):
    monkeypatch.setattr(gate, "_PATIENCE_S", 0.05)
    assert asyncio.run(posted(site(AuthMode.PASSWORD, line), None)) == 400


def test_who_hangs_up_in_the_middle_of_the_form_is_no_error(line):
    """Otherwise a stranger could fill the log, with sixty lines each time."""

    async def send(message: Message) -> None:
        pass

    asyncio.run(site(AuthMode.PASSWORD, line)(dict(POST), hanging_up_after(b"password="), send))


def test_the_proxy_is_believed_and_a_stranger_is_not(line):
    def address(peer: str, **headers: str) -> str:
        raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        return gate.client_address(Request({"type": "http", "headers": raw, "client": (peer, 1)}))

    assert address("10.1.2.3", x_forwarded_for="6.6.6.6, 203.0.113.7") == "203.0.113.7"
    assert address("8.8.8.8", x_forwarded_for="203.0.113.7") == "8.8.8.8"
    assert address("127.0.0.1") == "127.0.0.1"
    assert address("10.1.2.3", x_forwarded_for="203.0.113.7:5678") == "203.0.113.7"
    assert address("10.1.2.3", x_forwarded_for="6.6.6.6:1, [2001:db8::7]:80") == "2001:db8::7"
    assert address("10.1.2.3", x_forwarded_for="[2001:db8::7]") == "2001:db8::7"
    assert address("10.1.2.3", x_forwarded_for="2001:db8::7") == "2001:db8::7"


def test_of_several_forwarded_headers_the_last_is_the_proxys():
    raw = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.7")]
    asked = Request({"type": "http", "headers": raw, "client": ("10.1.2.3", 1)})
    assert gate.client_address(asked) == "203.0.113.7"


# Without a password


def test_reached_by_others_without_a_door_nobody_gets_in():
    browser = client(AuthMode.LOCKED)
    asked = browser.get("/live", headers=HTML)
    assert asked.status_code == 403
    assert "FER_PASSWORD_HASH" in asked.text
    assert "<form" not in asked.text
    assert browser.get("/live").status_code == 401
    assert browser.get("/healthz").status_code == 200


def test_open_to_this_computer_is_not_open_by_a_proxy_or_another_name():
    browser = client(AuthMode.LOCALHOST)
    assert browser.get("/live").text == "the page"
    for headers in (
        {"X-Forwarded-For": "203.0.113.1"}, {"Forwarded": "for=203.0.113.1"},
        {"Via": "1.1 x"}, {"Host": "rebound.example.org"}, {"Host": "["},
    ):  # fmt: skip
        assert browser.get("/live", headers=headers).status_code == 401, headers


@pytest.mark.parametrize("mode", [AuthMode.OPEN, AuthMode.SIGN_IN])
def test_what_is_open_or_kept_by_the_pages_passes_the_gate(mode):
    browser = client(mode)
    assert browser.get("/live", headers={"Host": "example.org", "Via": "1.1 x"}).status_code == 200


def test_what_is_this_computer():
    assert all(is_this_computer(name) for name in ("localhost", "127.0.0.1", "::1"))
    assert not any(is_this_computer(name) for name in (None, "", "0.0.0.0", "::", "192.168.1.5"))
    assert came_from_here({"host": "[::1]:8501"})
    assert not came_from_here({"host": "192.168.1.5:8501"})


def test_the_login_page_has_the_logo_and_the_colours_of_the_theme():
    logo = (ROOT / "fer_core" / "ui" / "favicon.svg").read_text().splitlines()[1:-1]
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    body = bytes(login_page(200).body).decode()
    for name in ("primaryColor", "backgroundColor", "textColor"):
        assert f"light-dark({theme['light'][name]}, {theme['dark'][name]})" in body
    assert all(shape.strip() in body for shape in logo)
