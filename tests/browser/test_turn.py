"""The camera's picture through a real coturn, and what the page says if that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fer_core.live.ice import rest_credentials
from tests.browser.conftest import WarmDashboard
from tests.browser.test_live import camera_frame, frames_analysed, press, stop, until
from tests.browser.turn import SECRET, TURNSERVER, Relay
from tests.certificates import trust_flag
from tests.servers import running

pytestmark = pytest.mark.skipif(TURNSERVER is None, reason="coturn's turnserver is absent")

SignIn = Callable[[], dict[str, str]]


def by_secret(secret: str = SECRET) -> SignIn:
    return lambda: {"FER_TURN_SECRET": secret}


def by_user(good_for_s: float) -> SignIn:
    """A fixed user; coturn sees by the name until when it is good."""

    def variables() -> dict[str, str]:
        username, credential = rest_credentials(SECRET, "someone", time.time() + good_for_s)
        return {"FER_TURN_USERNAME": username, "FER_TURN_CREDENTIAL": credential}

    return variables


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with running(Relay(tmp_path)) as relay:
        yield relay


@pytest.fixture
def flags(relay: Relay, transport: str) -> list[str]:
    """For a Chromium that trusts the relay."""
    return [trust_flag(relay.pem)] if transport == "tls" else []


@pytest.fixture
def dashboard(tmp_path: Path, relay: Relay, transport: str, sign_in: SignIn) -> Iterator[str]:
    """A dashboard of the test's own that sends by TURN alone, in the place of the shared one."""
    urls = relay.url(transport)
    trusts = {"SSL_CERT_FILE": str(relay.pem)} if transport == "tls" else {}
    server = WarmDashboard(
        tmp_path, FER_TURN_URLS=urls, FER_ICE_RELAY_ONLY="1", **sign_in(), **trusts
    )
    with running(server):
        yield server.url
    assert SECRET not in server.log.read_text()


def route(page: Page) -> set[str]:
    """The kinds of addresses that the browser sends from, as WebRTC calls them."""
    kinds: list[str] = camera_frame(page).evaluate(
        """async () => {
          const stats = await window.connections.at(-1).getStats();
          return [...stats.values()]
            .filter((entry) => entry.type === "local-candidate")
            .map((entry) => entry.candidateType);
        }"""
    )
    return set(kinds)


def keep_connections(page: Page) -> None:
    camera_frame(page).evaluate(
        """() => {
          window.connections = [];
          const Plain = window.RTCPeerConnection;
          window.RTCPeerConnection = function (...how) {
            window.connections.push(new Plain(...how));
            return window.connections.at(-1);
          };
        }"""
    )


def a_session_by(relay: Relay, page: Page) -> None:
    """From Start to Stop, with both sides' packets carried by the relay."""
    keep_connections(page)
    press(page, "Start")
    until(page, lambda: frames_analysed(page) >= 5, "5 frames")
    assert route(page) == {"relay"}
    # A quick machine has analysed five frames before much has come.
    until(page, lambda: frames_analysed(page) >= 12, "12 frames")
    # One for each side.
    assert relay.allocations() >= 2
    stop(page)
    until(page, lambda: relay.relayed_bytes() > 30_000, "coturn has carried the picture")


@pytest.mark.parametrize(
    ("transport", "sign_in"),
    [("tcp", by_user(3600.0)), ("tls", by_secret())],
    ids=["tcp", "tls"],
)
def test_the_picture_comes_by_relay(open_page, relay, flags):
    a_session_by(relay, open_page("/live", flags=flags))


@pytest.mark.parametrize(
    ("transport", "sign_in"),
    [("udp", by_secret("another secret")), ("tcp", by_user(-60.0))],
    ids=["forged", "expired"],
)
def test_credentials_that_are_no_good(open_page, relay, screenshot):
    page = open_page("/live")
    press(page, "Start")
    expect(page.get_by_text("no connection was made in time")).to_be_visible()
    assert relay.allocations() == 0
    assert "401" in relay.log.read_text()
    assert frames_analysed(page) == 0
    screenshot(page, "live-no-connection")
    use_snapshots(page)


@pytest.mark.parametrize(("transport", "sign_in"), [("udp", by_secret())])
def test_the_picture_comes_by_udp_until_the_relay_dies(open_page, relay, screenshot):
    page = open_page("/live")
    a_session_by(relay, page)
    press(page, "Start")
    expect(page.get_by_role("heading", name="Last session")).to_have_count(0)
    until(page, lambda: frames_analysed(page) >= 5, "5 frames")
    relay.stop()
    expect(page.get_by_text("the connection was lost")).to_be_visible()
    # Said while the browser still hopes, and after it has given up.
    expect(page.get_by_role("heading", name="Last session")).to_be_visible()
    expect(page.get_by_text("the connection was lost")).to_be_visible()
    screenshot(page, "live-connection-lost")
    use_snapshots(page)


def use_snapshots(page: Page) -> None:
    """The way out that the page offers, and that it works."""
    page.get_by_role("button", name="Use snapshots instead").click()
    expect(page.get_by_text("Snapshots of your camera appear here.")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    until(page, lambda: frames_analysed(page) >= 2, "2 snapshots")
