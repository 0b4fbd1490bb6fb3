"""Which STUN and TURN servers help browser and dashboard to reach each other.

On one computer, or in one network, none are needed. Through a firewall a TURN server carries the
camera's picture; its addresses and how to sign in there come from the settings ``FER_TURN_…``.

The browser gets the whole list. aiortc, on the dashboard's side, uses one STUN server and the first
TURN server it can speak to, so that its list begins with what gets through most firewalls: TLS on
port 443, then TLS, then TCP.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from fer_core.errors import IceSettingsWrong
from fer_core.settings import Settings

PROVIDERS = {
    "cloudflare": ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"),
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
}
"""Services that hand out credentials, and the two variables that sign the dashboard in there."""

PROVIDER_TTL_S = 3600.0
"""What credentials of either provider are good for at least, as streamlit-webrtc asks for them."""

LABEL = "fer"
"""What the users of a shared secret are called in coturn's log."""

_NOTHING = SecretStr("")

# RFC 7064 and 7065, without addresses of IPv6 in digits, which aiortc cannot read.
_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True, slots=True)
class IceServer:
    """One address of one server; a STUN server needs no signing in."""

    url: str
    username: str = ""
    credential: SecretStr = _NOTHING

    def to_dict(self) -> dict[str, Any]:
        """As WebRTC's ``RTCIceServer`` has it. Holds the credential in plain text."""
        if not self.username:
            return {"urls": self.url}
        return {
            "urls": self.url,
            "username": self.username,
            "credential": self.credential.get_secret_value(),
        }


@dataclass(frozen=True, slots=True)
class IceServers:
    """The servers for one user. ``good_until_s``: when the credentials expire (Unix time).

    With ``relay_only`` the browser tells nobody its own address and sends by TURN alone.
    """

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    good_until_s: float = math.inf

    def for_browser(self) -> dict[str, Any]:
        """The browser's ``RTCConfiguration``: all servers, as the settings have them."""
        policy = {"iceTransportPolicy": "relay"} if self.relay_only else {}
        return {"iceServers": [server.to_dict() for server in self.servers], **policy}

    def for_server(self) -> dict[str, Any]:
        """The dashboard's: what gets through most firewalls comes first."""
        return {"iceServers": [server.to_dict() for server in best_first(self.servers)]}


def best_first(servers: Iterable[IceServer]) -> list[IceServer]:
    """Sorted by how likely a firewall lets them through; equals keep their order."""
    return sorted(servers, key=lambda server: _rank(server.url))


def _rank(url: str) -> int:
    parts = _parts(url)
    encrypted = parts["scheme"] == "turns" and parts["transport"] != "udp"
    if encrypted:
        return 0 if parts["port"] == "443" else 1
    if parts["scheme"] == "turn":
        return 2 if parts["transport"] == "tcp" else 3
    return 4


def rest_credentials(secret: str, label: str, good_until_s: float) -> tuple[str, str]:
    """User name and credential for coturn's ``use-auth-secret``, good until a Unix time.

    A REST API for access to TURN services (draft-uberti-behave-turn-rest-00, 2013):
    the name is ``expiry:label``, the credential base64(HMAC-SHA1(secret, name)).
    """
    username = f"{math.floor(good_until_s)}:{label}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def servers_from(settings: Settings, now_s: float) -> IceServers:
    """The servers the settings name themselves, with credentials made at ``now_s`` (Unix time).

    Raises ``IceSettingsWrong``. Where a provider is set, its list comes from the provider
    (``provider_of``, ``servers_of_provider``).
    """
    urls = _urls(settings.turn_urls)
    _refuse_contradictions(settings, urls)
    username, credential, good_until_s = _signing_in(settings, now_s)
    servers = tuple(
        IceServer(url, username, credential) if url.startswith("turn") else IceServer(url)
        for url in urls
    )
    return IceServers(servers, settings.ice_relay_only, good_until_s)


def provider_of(settings: Settings) -> str | None:
    """The provider the settings ask for, if any. Raises ``IceSettingsWrong``."""
    provider = settings.turn_provider
    if provider is None:
        return None
    if provider not in PROVIDERS:
        raise IceSettingsWrong(
            "FER_TURN_PROVIDER is neither cloudflare nor twilio. For any other TURN server set "
            "FER_TURN_URLS."
        )
    own = (settings.turn_urls, settings.turn_username, settings.turn_credential)
    if any((*own, settings.turn_secret)):
        raise IceSettingsWrong(
            "FER_TURN_PROVIDER is set, and servers of your own as well. Unset it, or unset "
            "FER_TURN_URLS, FER_TURN_USERNAME, FER_TURN_CREDENTIAL and FER_TURN_SECRET."
        )
    missing = [name for name in PROVIDERS[provider] if not getattr(settings, name.lower())]
    if missing:
        raise IceSettingsWrong(
            f"FER_TURN_PROVIDER is {provider}, which needs {' and '.join(missing)} as well."
        )
    return provider


def servers_of_provider(
    settings: Settings, answer: Sequence[Mapping[str, Any]], now_s: float
) -> IceServers:
    """A provider's list of ``RTCIceServer``; addresses it made unreadable to us are left out."""
    servers = []
    for entry in answer:
        urls = entry.get("urls", [])
        for url in [urls] if isinstance(urls, str) else urls:
            if _readable(url):
                credential = SecretStr(entry.get("credential") or "")
                servers.append(IceServer(url, entry.get("username") or "", credential))
    return IceServers(tuple(servers), settings.ice_relay_only, now_s + PROVIDER_TTL_S)


def _urls(text: str) -> list[str]:
    urls = [url.strip() for url in text.split(",") if url.strip()]
    for number, url in enumerate(urls, start=1):
        # The address itself is not repeated: a user's password may have strayed into it.
        if not _readable(url):
            raise IceSettingsWrong(
                f"Address {number} in FER_TURN_URLS is not that of a STUN or TURN server. Write "
                "for example stun:stun.example.org:3478, turn:turn.example.org:3478 or "
                "turns:turn.example.org:443?transport=tcp, with commas between them."
            )
    return urls


def _readable(url: str) -> bool:
    found = _URL.fullmatch(url)
    if found is None or (found["port"] and not 0 < int(found["port"]) < 65_536):
        return False
    return found["scheme"].startswith("turn") or found["transport"] is None


def _parts(url: str) -> dict[str, str | None]:
    found = _URL.fullmatch(url)
    return found.groupdict() if found else dict.fromkeys(("scheme", "port", "transport"))


def _refuse_contradictions(settings: Settings, urls: list[str]) -> None:
    static = (settings.turn_username, settings.turn_credential)
    relays = [url for url in urls if url.startswith("turn")]
    if settings.turn_secret and any(static):
        raise IceSettingsWrong(
            "Both a shared secret and a fixed user are set for TURN. Keep FER_TURN_SECRET, or keep "
            "FER_TURN_USERNAME and FER_TURN_CREDENTIAL."
        )
    if any(static) and not all(static):
        missing = "FER_TURN_CREDENTIAL" if static[0] else "FER_TURN_USERNAME"
        raise IceSettingsWrong(f"A fixed user for TURN needs a name and a password: set {missing}.")
    signs_in = bool(settings.turn_secret) or all(static)
    if relays and not signs_in:
        raise IceSettingsWrong(
            "FER_TURN_URLS names a TURN server, and nothing says how to sign in there. Set "
            "FER_TURN_SECRET (coturn's static-auth-secret), or FER_TURN_USERNAME and "
            "FER_TURN_CREDENTIAL."
        )
    if signs_in and not relays:
        raise IceSettingsWrong(
            "Credentials for TURN are set, but no TURN server. Set FER_TURN_URLS, for example to "
            "turns:turn.example.org:443?transport=tcp."
        )
    if settings.ice_relay_only and not relays:
        raise IceSettingsWrong(
            "FER_ICE_RELAY_ONLY sends the picture by TURN alone, and no TURN server is set. Set "
            "FER_TURN_URLS or FER_TURN_PROVIDER, or unset it."
        )


def _signing_in(settings: Settings, now_s: float) -> tuple[str, SecretStr, float]:
    if settings.turn_secret:
        good_until_s = now_s + settings.turn_ttl_s
        secret = settings.turn_secret.get_secret_value()
        username, credential = rest_credentials(secret, LABEL, good_until_s)
        return username, SecretStr(credential), good_until_s
    return settings.turn_username or "", settings.turn_credential or _NOTHING, math.inf
