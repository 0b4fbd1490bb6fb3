"""The dashboard behind nginx, both set up as in docs/DEPLOY.md: what passes and what does not."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse, HTTPSConnection
from itertools import takewhile
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from fer_core.paths import ROOT
from fer_core.server.auth.cookie import COOKIE, make_session_cookie
from fer_core.server.auth.password import hash_password
from fer_core.server.security_headers import HSTS
from fer_core.ui.shared.upload_problem import TOO_LARGE
from tests.browser import test_snapshots as snapshots
from tests.browser.conftest import DIRECT
from tests.browser.nginx import HOST, NGINX, PlainServer, Proxy
from tests.browser.test_photo import upload
from tests.browser.test_uploads import Keys
from tests.conftest import SAMPLE
from tests.server.api.test_server import END, PART
from tests.servers import running
from tests.waiting import DEADLINE_S

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is absent")

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
TOKEN = "a-token-for-programs-only"
API_S = 3
MB = 1 << 20

BEARER = f"Authorization: Bearer {TOKEN}\r\n"
FORM = "Content-Type: multipart/form-data; boundary=x\r\n"


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainServer]:
    server = PlainServer(
        tmp_path_factory.mktemp("plain"),
        FER_PASSWORD_HASH=HASH,
        FER_API_TOKENS=TOKEN,
        FER_API_BODY_S=str(API_S),
    )
    with running(server):
        yield server


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, plain_server: PlainServer) -> Iterator[Proxy]:
    """As documented."""
    with running(Proxy(tmp_path_factory.mktemp("nginx"), plain_server.port)) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, plain_server: PlainServer) -> Iterator[Proxy]:
    """Waits for a second or two, and takes a megabyte."""
    waits = {"client_header_timeout": "1s", "client_body_timeout": "2s"}
    folder = tmp_path_factory.mktemp("strict")
    with running(Proxy(folder, plain_server.port, **waits, client_max_body_size="1m")) as nginx:
        yield nginx


@pytest.fixture
def dashboard() -> str:
    """Where ``open_page`` goes in this module."""
    return f"https://{HOST}"


def sign_in(page: Page) -> None:
    page.get_by_label("Access password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("Add one or more pictures")).to_be_visible()


def happy(page: Page) -> None:
    expect(page.locator(".fer-reading").first).to_contain_text("happy")


def test_a_visit(open_page, nginx, plain_server):
    before = nginx.log.read_text()
    page = open_page("/photo", flags=nginx.chromium_flags())
    sign_in(page)
    (cookie,) = [each for each in page.context.cookies() if each["name"] == COOKIE]
    assert (cookie["secure"], cookie["httpOnly"], cookie["domain"]) == (True, True, HOST)
    keys = Keys(page)
    happy(page)
    lines = [f"{name}: {value}\r\n" for name, value in keys.headers.items()]
    hang_up(nginx, request("PUT", f"{keys.folder}/half", *lines, FORM, "Content-Length: 500\r\n"))
    page.get_by_role("link", name="Live").click()
    snapshots.choose(page)
    snapshots.start(page)
    expect(page.locator(".fer-now").first).to_contain_text("happy")
    snapshots.stop(page)
    assert "Traceback" not in plain_server.log.read_text()
    assert nginx.log.read_text() == before


def test_a_file_that_is_too_large_for_nginx(open_page, strict, tmp_path, screenshot):
    page = open_page("/photo", flags=strict.chromium_flags())
    sign_in(page)
    large = tmp_path / "large.jpg"
    large.write_bytes(SAMPLE.read_bytes() + bytes(2 * MB))
    with page.expect_response(lambda answer: "/_stcore/upload_file/" in answer.url) as sent:
        upload(page, large)
    assert sent.value.status == 413
    refusal = page.get_by_text(TOO_LARGE)
    expect(refusal).to_be_visible()
    screenshot(page, "photo-too-large-for-a-proxy")
    page.get_by_role("button", name="Remove large.jpg").click()
    expect(refusal).to_have_count(0)
    upload(page, SAMPLE)
    happy(page)


def request(method: str, path: str, *lines: str) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
    return "".join([head, *lines, "\r\n"]).encode()


def ask(nginx: Proxy, asked: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer to a request as it stands, with whatever tricks."""
    with nginx.connect() as connection:
        connection.sendall(asked)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def hang_up(nginx: Proxy, head: bytes) -> None:
    """As a tab that is closed while it sends."""
    with nginx.connect() as connection:
        connection.sendall(head + PART)
        time.sleep(0.3)
    time.sleep(0.3)


class Drip:
    """A client that sends a header or a body byte by byte, or begins a body and falls silent."""

    def __init__(self, nginx: Proxy, begin: bytes, silent: bool = False) -> None:
        self._connection = nginx.connect()
        self._connection.sendall(begin)
        self._connection.settimeout(0.001)
        self._silent = silent
        self.answer = b""

    def goes_on(self) -> bool:
        """Send the next byte. False once the other side has hung up."""
        try:
            got = self._connection.recv(65_536)
            self.answer += got
            if got:
                return True
        except TimeoutError:
            with suppress(OSError):
                if not self._silent:
                    self._connection.sendall(b"x")
                return True
        except OSError:
            pass
        self._connection.close()
        return False


def test_who_sends_drop_by_drop_is_cut_off_and_the_others_are_not(strict):
    length = "Content-Length: 5000\r\n"
    header = request("GET", "/healthz")[:-2] + b"X-Slow: "
    headers = [Drip(strict, header) for _ in range(40)]
    body = request("POST", "/login", length)
    silent = [Drip(strict, body, silent=True) for _ in range(40)]
    # nginx waits anew after each byte: here it is the dashboard that counts.
    slow = Drip(strict, request("POST", "/api/v1/analyze", BEARER, FORM, length) + PART)
    open_now = [*headers, *silent, slow]
    deadline = time.monotonic() + DEADLINE_S
    while open_now:
        assert time.monotonic() < deadline, "somebody was not cut off"
        open_now = [drip for drip in open_now if drip.goes_on()]
        assert ask(strict, request("GET", "/healthz"))[0] == 200
        time.sleep(0.2)
    assert {drip.answer for drip in [*headers, *silent]} == {b""}
    assert slow.answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_no_copy_of_an_upload_lies_on_the_disk_of_nginx(nginx, chunked):
    picture = PART + SAMPLE.read_bytes() + END
    size = f"{len(picture):x}\r\n".encode()
    body = size + picture + b"\r\n0\r\n\r\n" if chunked else picture
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(picture)}"
    with nginx.connect() as connection:
        head = request("POST", "/api/v1/analyze", BEARER, FORM, f"{framing}\r\n")
        connection.sendall(head + body)
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
        assert b'"dominant":"happy"' in answer.read()
    # The file has no name, so that a look into the folder does not find it.
    assert "temporary file" not in nginx.log.read_text()


def try_password(nginx: Proxy, source: str, password: str, forged: str = "") -> int:
    """The status for a visitor with this address; a computer has 127.0.0.1, 127.0.0.2 and so on."""
    connection = HTTPSConnection(
        "localhost", nginx.port, context=nginx.trust(), source_address=(source, 0), timeout=30
    )
    origin = f"https://localhost:{nginx.port}"  # as browsers say it
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
    claims = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
    form = urlencode({"password": password, "next": "/"})
    try:
        connection.request("POST", "/login", form, {**kind, **(claims if forged else {})})
        return connection.getresponse().status
    finally:
        connection.close()


def test_guessing_is_slow_whatever_a_visitor_says_of_himself(nginx):
    def guess(number: int) -> int:
        return try_password(nginx, "127.0.0.2", "wrong", forged=f"203.0.113.{number}")

    # Three are free. Then the waits double, and soon one is longer than a check takes.
    free = list(takewhile(lambda status: status == 401, map(guess, range(12))))
    assert 3 <= len(free) < 8
    assert try_password(nginx, "127.0.0.2", PASSWORD, forged="127.0.0.3") == 429
    # Who comes from elsewhere does not wait for the other.
    assert try_password(nginx, "127.0.0.3", PASSWORD) == 303


def test_probes_figures_and_the_api_answer_as_without_nginx(nginx, plain_server):
    for path in ("/healthz", "/readyz", "/_stcore/health", "/metrics", "/api/v1/models"):
        asked = urllib.request.Request(plain_server.url + path)
        asked.add_header("Authorization", f"Bearer {TOKEN}")
        with DIRECT.open(asked, timeout=30) as direct:
            body = direct.read()
        status, through = ask(nginx, request("GET", path, BEARER))
        assert status == 200, path
        # The figures move.
        assert through[:40] == body[:40]
        assert len(through) == pytest.approx(len(body), rel=0.1)
    for path in ("/metrics", "/api/v1/models"):
        assert ask(nginx, request("GET", path))[0] == 401


def test_browsers_are_told_to_stay_with_https(nginx):
    with nginx.connect() as connection:
        connection.sendall(request("GET", "/healthz"))
        answer = HTTPResponse(connection)
        answer.begin()
    assert answer.headers.get_all("Strict-Transport-Security") == [HSTS]


TRICKS = (
    *("/..%2f", "/../", "/%2e%2e/", "/..%2f..%2fetc/passwd", "//etc/passwd", "/..%5c..%5capp.py"),
    *("/static/..%2f..%2fapp.py", "/media/..%2f..%2fapp.py", "/static/....//....//app.py"),
    *("/login/..%2flive", "//login", "/./healthz", "/healthz/..%2flive", "/healthz%2f..%2flive"),
    *("/api/v1/../../live", "/api/v1/..%2f..%2flive", "/api/v1/..%5c..%5clive", "/login%00"),
    *("/_stcore/health/..%2fhost-config", "/api/v1/..%2f..%2f_stcore/host-config"),
)


@pytest.mark.parametrize("path", TRICKS)
def test_tricks_with_paths_get_nothing(nginx, path):
    status, body = ask(nginx, request("GET", path))
    assert status in (400, 401, 404)
    assert len(body) < 500
    # Behind the login a path that nobody knows is a page of Streamlit, but no file of this machine.
    _, body = ask(nginx, request("GET", path, f"Cookie: {COOKIE}={make_session_cookie(HASH)}\r\n"))
    for text in ("root:x:0:0", "import streamlit", (ROOT / "app.py").read_text()[:40]):
        assert text.encode() not in body


def test_a_visitor_who_hangs_up_is_no_error(nginx, plain_server):
    for head in (
        request("POST", "/login", "Content-Length: 500\r\n"),
        request("POST", "/api/v1/analyze", BEARER, FORM, "Content-Length: 500\r\n"),
    ):
        hang_up(nginx, head)
    assert "Traceback" not in plain_server.log.read_text()
