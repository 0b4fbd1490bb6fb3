"""The STUN and TURN servers that connect browser and dashboard.

On one computer or within one network none are needed. Through a firewall a TURN server relays the
camera's picture; its addresses and credentials come from the settings ``FER_TURN_…``.

The browser gets the whole list. aiortc, on the dashboard's side, uses one STUN server and the first
TURN server it supports, so its list begins with the one most likely to pass a firewall: TLS on port
443, then TLS, then TCP.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from fer_core.live.turn_settings import TurnSettings, address_parts, is_address

PROVIDER_TTL_S = 3600.0
"""The shortest validity of either provider's credentials, as streamlit-webrtc requests them."""

LABEL = "fer"
"""The user name in coturn's log, with a shared secret."""

_NOTHING = SecretStr("")


@dataclass(frozen=True, slots=True)
class IceServer:
    """One address of one server; a STUN server needs no credentials."""

    url: str
    username: str = ""
    credential: SecretStr = _NOTHING

    def to_dict(self) -> dict[str, Any]:
        """In the form of WebRTC's ``RTCIceServer``. Holds the credential in plain text."""
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

    With ``relay_only`` the browser hides its own address and sends only through TURN.
    """

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    good_until_s: float = math.inf

    def for_browser(self) -> dict[str, Any]:
        """The browser's ``RTCConfiguration``: all servers, in the order of the settings."""
        policy = {"iceTransportPolicy": "relay"} if self.relay_only else {}
        return {"iceServers": [server.to_dict() for server in self.servers], **policy}

    def for_server(self) -> dict[str, Any]:
        """The dashboard's configuration, most likely to pass a firewall first."""
        return {"iceServers": [server.to_dict() for server in best_first(self.servers)]}


def best_first(servers: Iterable[IceServer]) -> list[IceServer]:
    """Sorted by how likely they pass a firewall; equals keep their order."""
    return sorted(servers, key=lambda server: _rank(server.url))


def _rank(url: str) -> int:
    parts = address_parts(url)
    encrypted = parts["scheme"] == "turns" and parts["transport"] != "udp"
    if encrypted:
        return 0 if parts["port"] == "443" else 1
    if parts["scheme"] == "turn":
        return 2 if parts["transport"] == "tcp" else 3
    return 4


def rest_credentials(secret: str, label: str, good_until_s: float) -> tuple[str, str]:
    """User name and credential for coturn's ``use-auth-secret``, valid until a Unix time.

    A REST API for access to TURN services (draft-uberti-behave-turn-rest-00, 2013):
    the name is ``expiry:label``, the credential base64(HMAC-SHA1(secret, name)).
    """
    username = f"{math.floor(good_until_s)}:{label}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def servers_from(settings: TurnSettings, now_s: float) -> IceServers:
    """The servers named in the settings, with credentials made at ``now_s`` (Unix time).

    If a provider is set, the list comes from it (``servers_of_provider``).
    """
    username, credential, good_until_s = _signing_in(settings, now_s)
    servers = tuple(
        IceServer(url, username, credential) if url.startswith("turn") else IceServer(url)
        for url in settings.addresses
    )
    return IceServers(servers, settings.relay_only, good_until_s)


def servers_of_provider(
    settings: TurnSettings, answer: Sequence[Mapping[str, Any]], now_s: float
) -> IceServers:
    """A provider's list of ``RTCIceServer``, without addresses that cannot be read."""
    servers = []
    for entry in answer:
        urls = entry.get("urls", [])
        for url in [urls] if isinstance(urls, str) else urls:
            if is_address(url):
                credential = SecretStr(entry.get("credential") or "")
                servers.append(IceServer(url, entry.get("username") or "", credential))
    return IceServers(tuple(servers), settings.relay_only, now_s + PROVIDER_TTL_S)


def _signing_in(settings: TurnSettings, now_s: float) -> tuple[str, SecretStr, float]:
    if settings.secret:
        good_until_s = now_s + settings.ttl_s
        secret = settings.secret.get_secret_value()
        username, credential = rest_credentials(secret, LABEL, good_until_s)
        return username, SecretStr(credential), good_until_s
    return settings.username or "", settings.credential or _NOTHING, math.inf
