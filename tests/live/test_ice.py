"""Tests of the ICE servers for browser and dashboard, and of their settings."""

from __future__ import annotations

import base64
import math
import string
import subprocess
from typing import Any

import pytest
from aiortc import RTCIceServer
from aiortc.rtcicetransport import connection_kwargs
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fer_core.errors import IceSettingsWrong
from fer_core.live.ice import (
    IceServer,
    IceServers,
    best_first,
    rest_credentials,
    servers_from,
    servers_of_provider,
)
from fer_core.live.turn_settings import TURN_PROVIDERS, TurnSettings, turn_settings

NOW_S = 1_800_000_000.0
TURN = "turn:turn.example.org:3478"
TLS = "turns:turn.example.org:443?transport=tcp"
STUN = "stun:stun.example.org:3478"

names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
hosts = st.lists(names, min_size=1, max_size=3).map(".".join)
ports = st.none() | st.integers(1, 65_535) | st.just(443)
turn_urls = st.builds(
    lambda scheme, host, port, transport: (
        f"{scheme}:{host}"
        + (f":{port}" if port else "")
        + (f"?transport={transport}" if transport else "")
    ),
    st.sampled_from(["turn", "turns"]),
    hosts,
    ports,
    st.sampled_from([None, "udp", "tcp"]),
)
stun_urls = st.builds(
    lambda scheme, host, port: f"{scheme}:{host}" + (f":{port}" if port else ""),
    st.sampled_from(["stun", "stuns"]),
    hosts,
    ports,
)


def variables(monkeypatch, **values: str) -> TurnSettings:
    """The settings as these variables make them."""
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return turn_settings()


def chosen_by_aiortc(servers: IceServers) -> dict[str, object]:
    """What the dashboard's side of the connection will use."""
    return connection_kwargs([RTCIceServer(**each) for each in servers.for_server()["iceServers"]])


def test_none_by_default():
    servers = servers_from(turn_settings(), NOW_S)
    # Lists, not the lack of lists: without any, public servers would be asked.
    assert servers.for_browser() == servers.for_server() == {"iceServers": []}
    assert turn_settings().provider is None


def test_a_fixed_user(monkeypatch):
    servers = servers_from(
        variables(
            monkeypatch,
            FER_TURN_URLS=f" {STUN}, {TURN},{TLS} ,",
            FER_TURN_USERNAME="someone",
            FER_TURN_CREDENTIAL="a password",
        ),
        NOW_S,
    )
    user = {"username": "someone", "credential": "a password"}
    stun, turn, tls = {"urls": STUN}, {"urls": TURN, **user}, {"urls": TLS, **user}
    assert servers.for_browser() == {"iceServers": [stun, turn, tls]}
    assert servers.for_server() == {"iceServers": [tls, turn, stun]}
    assert servers.good_until_s == math.inf
    assert chosen_by_aiortc(servers) == {
        "stun_server": ("stun.example.org", 3478),
        "turn_server": ("turn.example.org", 443),
        "turn_ssl": True,
        "turn_transport": "tcp",
        "turn_username": "someone",
        "turn_password": "a password",
    }


def test_relay_only_concerns_the_browser(monkeypatch):
    settings = variables(
        monkeypatch, FER_TURN_URLS=TURN, FER_TURN_SECRET="s", FER_ICE_RELAY_ONLY="1"
    )
    servers = servers_from(settings, NOW_S)
    assert servers.for_browser()["iceTransportPolicy"] == "relay"
    assert "iceTransportPolicy" not in servers.for_server()


@given(st.lists(turn_urls | stun_urls, unique=True, max_size=8))
def test_the_server_s_list_is_the_browser_s_in_the_best_order(urls):
    servers = [IceServer(url, "someone", SecretStr("password")) for url in urls]
    ordered = best_first(servers)
    assert sorted(map(id, ordered)) == sorted(map(id, servers))

    def place(server: IceServer) -> tuple[bool, ...]:
        """A sort key (False before True): TLS on port 443, TLS, TCP, other TURN servers, STUN."""
        tls = server.url.startswith("turns:") and not server.url.endswith("=udp")
        relay = server.url.startswith("turn")
        tcp = server.url.endswith("=tcp")
        return (not (tls and ":443" in server.url.split("?")[0][-4:]), not tls, not (relay and tcp))

    places = [place(server)[:2] for server in ordered]
    assert places == sorted(places)
    plain = [server for server in ordered if server.url.startswith("turn:")]
    assert [place(server)[2] for server in plain] == sorted(place(server)[2] for server in plain)
    # Equals stay as they were.
    assert best_first(ordered) == ordered
    tls_443 = [server for server in servers if not place(server)[0]]
    assert ordered[: len(tls_443)] == tls_443


@given(st.lists(turn_urls, min_size=1, max_size=6, unique=True))
def test_aiortc_takes_tls_where_there_is_tls(urls):
    servers = IceServers(tuple(IceServer(url, "u", SecretStr("c")) for url in urls))
    chosen = chosen_by_aiortc(servers)
    usable = [url for url in urls if not (url.startswith("turns:") and url.endswith("=udp"))]
    if not usable:
        assert "turn_server" not in chosen
        return
    assert chosen["turn_ssl"] == any(url.startswith("turns:") for url in usable)
    if not chosen["turn_ssl"]:
        tcp = any(url.endswith("=tcp") for url in usable)
        assert chosen["turn_transport"] == ("tcp" if tcp else "udp")


@given(turn_urls | stun_urls)
def test_every_address_that_is_let_through_aiortc_can_read(url):
    secret = {"FER_TURN_SECRET": SecretStr("s")} if url.startswith("turn") else {}
    settings = TurnSettings.model_validate({"FER_TURN_URLS": url, **secret})
    servers = servers_from(settings, NOW_S)
    assert [server.url for server in servers.servers] == [url]
    chosen_by_aiortc(servers)


@pytest.mark.parametrize(
    "url",
    [
        "http://turn.example.org",
        "turn.example.org",
        "turn://turn.example.org",
        "turn:",
        "turn:turn.example.org:0",
        "turn:turn.example.org:65536",
        "turn:turn.example.org:port",
        "turn:turn.example.org?transport=sctp",
        "turn:turn.example.org ?transport=tcp",
        "turn:someone:hunter2@turn.example.org",
        "turn:[2001:db8::1]:3478",
        "stun:stun.example.org?transport=tcp",
        "TURN:turn.example.org\nX",
    ],
)
def test_other_addresses_are_refused_and_not_repeated(monkeypatch, url):
    with pytest.raises(IceSettingsWrong, match="Address 2 in FER_TURN_URLS") as error:
        variables(monkeypatch, FER_TURN_URLS=f"{STUN},{url}", FER_TURN_SECRET="s")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"FER_TURN_URLS": TURN}, "its credentials are not set"),
        ({"FER_TURN_URLS": TURN, "FER_TURN_USERNAME": "u"}, "set FER_TURN_CREDENTIAL"),
        ({"FER_TURN_URLS": TURN, "FER_TURN_CREDENTIAL": "c"}, "set FER_TURN_USERNAME"),
        (
            {
                "FER_TURN_URLS": TURN,
                "FER_TURN_SECRET": "s",
                "FER_TURN_USERNAME": "u",
                "FER_TURN_CREDENTIAL": "c",
            },
            "Both a shared secret and a fixed user",
        ),
        ({"FER_TURN_URLS": STUN, "FER_TURN_SECRET": "s"}, "no TURN server"),
        ({"FER_TURN_SECRET": "s"}, "no TURN server"),
        ({"FER_TURN_URLS": STUN, "FER_ICE_RELAY_ONLY": "1"}, "needs a TURN server"),
    ],
)
def test_settings_that_contradict_themselves(monkeypatch, values, sentence):
    with pytest.raises(IceSettingsWrong, match=sentence):
        variables(monkeypatch, **values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"FER_TURN_PROVIDER": "acme"}, "neither cloudflare nor twilio"),
        ({"FER_TURN_PROVIDER": "cloudflare"}, "CLOUDFLARE_TURN_KEY_ID and CLOUDFLARE_TURN_KEY_API"),
        ({"FER_TURN_PROVIDER": "twilio", "TWILIO_ACCOUNT_SID": "x"}, "needs TWILIO_AUTH_TOKEN as"),
        ({"FER_TURN_PROVIDER": "twilio", "FER_TURN_URLS": STUN}, "together with your own servers"),
        ({"FER_TURN_PROVIDER": "twilio", "FER_TURN_SECRET": "s"}, "together with your own servers"),
    ],
)
def test_a_provider_that_cannot_be_asked(monkeypatch, values, sentence):
    for name in sum(TURN_PROVIDERS.values(), ()):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(IceSettingsWrong, match=sentence):
        variables(monkeypatch, **values)


def test_a_provider_s_answer(monkeypatch):
    answer: list[dict[str, Any]] = [
        {"urls": ["stun:a.example.org:3478", "turn:[::1]:3478?transport=udp"]},
        {
            "urls": [f"{TURN}?transport=udp", TLS],
            "url": f"{TURN}?transport=udp",
            "username": "u",
            "credential": "c",
        },
        {"urls": "stun:b.example.org", "username": None, "credential": None},
    ]
    servers = servers_of_provider(turn_settings(), answer, NOW_S)
    assert [each["urls"] for each in servers.for_browser()["iceServers"]] == [
        "stun:a.example.org:3478",
        f"{TURN}?transport=udp",
        TLS,
        "stun:b.example.org",
    ]
    assert chosen_by_aiortc(servers)["turn_ssl"] is True
    assert NOW_S < servers.good_until_s < math.inf


def hmac_by_openssl(secret: str, username: str) -> str:
    """The credential as coturn's own documentation makes it, with openssl in a shell."""
    command = ["openssl", "dgst", "-sha1", "-hmac", secret, "-binary"]
    digest = subprocess.run(command, input=username.encode(), capture_output=True, check=True)
    return base64.b64encode(digest.stdout).decode()


def test_credentials_as_coturn_has_them():
    username, credential = rest_credentials("north", "fer", 1_433_895_918.7)
    assert username == "1433895918:fer"
    assert credential == hmac_by_openssl("north", username)
    # Worked out beside this code, for machines without openssl.
    assert credential == "G2VM4OlwVxjrmfBCgV2ka1A/6ck="


def test_credentials_are_made_anew_and_expire(monkeypatch):
    settings = variables(
        monkeypatch, FER_TURN_URLS=TURN, FER_TURN_SECRET="s", FER_TURN_TTL_S="3600"
    )
    now, later = servers_from(settings, NOW_S), servers_from(settings, NOW_S + 1.0)
    assert now.good_until_s == NOW_S + 3600.0
    assert now.servers[0].username == f"{NOW_S + 3600.0:.0f}:fer"
    assert now.servers[0].credential != later.servers[0].credential


@given(st.text(min_size=1), st.text(), st.floats(0, 1e11))
def test_any_secret_gives_credentials_that_are_ascii(secret, label, good_until_s):
    username, credential = rest_credentials(secret, label, good_until_s)
    assert int(username.split(":", 1)[0]) <= good_until_s
    assert len(base64.b64decode(credential, validate=True)) == 20


def test_no_secret_in_what_is_printed(monkeypatch):
    settings = variables(
        monkeypatch,
        FER_TURN_URLS=TURN,
        FER_TURN_SECRET="hunter2",
        CLOUDFLARE_TURN_KEY_API_TOKEN="hunter2",
        TWILIO_AUTH_TOKEN="hunter2",
    )
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    with pytest.raises(IceSettingsWrong) as error:
        variables(monkeypatch, FER_TURN_CREDENTIAL="hunter2")
    assert "hunter2" not in str(error.value)
    monkeypatch.delenv("FER_TURN_CREDENTIAL")
    servers = servers_from(turn_settings(), NOW_S)
    _, credential = rest_credentials("hunter2", "fer", servers.good_until_s)
    assert credential == servers.servers[0].to_dict()["credential"]
    assert credential not in f"{servers!r} {servers}"


def test_a_wrong_setting_does_not_show_the_others(monkeypatch):
    with pytest.raises(IceSettingsWrong, match=r"FER_TURN_TTL_S: .*600\. Correct it") as error:
        variables(monkeypatch, FER_TURN_SECRET="hunter2", FER_TURN_TTL_S="5")
    assert "hunter" not in str(error.value)
