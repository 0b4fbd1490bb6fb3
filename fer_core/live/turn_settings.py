"""The settings of STUN and TURN servers, each a variable ``FER_TURN_…``, checked as a whole."""

from __future__ import annotations

import re
from typing import Self

from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings

from fer_core.errors import IceSettingsWrong
from fer_core.settings import CONFIG, setting_problems, variable

# RFC 7064 and 7065, without literal IPv6 addresses, which aiortc cannot read.
_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?transport=(?P<transport>udp|tcp))?"
)

TURN_PROVIDERS = {
    "cloudflare": ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"),
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
}
"""Services that issue credentials, each with the two variables of its account."""


class TurnSettings(BaseSettings):
    """The servers for cameras behind firewalls, checked for contradictions."""

    model_config = CONFIG

    urls: str = variable(
        "FER_TURN_URLS",
        "STUN and TURN servers for the live page, separated by commas.",
        default="",
    )
    username: str | None = variable(
        "FER_TURN_USERNAME", "The fixed user of the server.", default=None
    )
    credential: SecretStr | None = variable(
        "FER_TURN_CREDENTIAL", "That user's password.", default=None
    )
    secret: SecretStr | None = variable(
        "FER_TURN_SECRET",
        "coturn's static-auth-secret, from which each session's credentials are made.",
        default=None,
    )
    ttl_s: int = variable(
        "FER_TURN_TTL_S",
        "How long these credentials are valid, in seconds.",
        default=43_200,
        ge=600,
        le=366 * 86_400,
    )
    provider: str | None = variable(
        "FER_TURN_PROVIDER",
        "cloudflare or twilio, to get the servers and credentials from.",
        default=None,
    )
    relay_only: bool = variable(
        "FER_ICE_RELAY_ONLY",
        "Whether the browser sends only through TURN and hides its address.",
        default=False,
    )
    cloudflare_turn_key_id: str | None = variable(
        "CLOUDFLARE_TURN_KEY_ID", "Cloudflare's key.", default=None
    )
    cloudflare_turn_key_api_token: SecretStr | None = variable(
        "CLOUDFLARE_TURN_KEY_API_TOKEN", "The token that belongs to it.", default=None
    )
    twilio_account_sid: str | None = variable(
        "TWILIO_ACCOUNT_SID", "Twilio's account.", default=None
    )
    twilio_auth_token: SecretStr | None = variable(
        "TWILIO_AUTH_TOKEN", "The token that belongs to it.", default=None
    )

    @property
    def addresses(self) -> list[str]:
        """``urls``, one by one."""
        return _split(self.urls)

    @field_validator("urls")
    @classmethod
    def _readable(cls, urls: str) -> str:
        for number, url in enumerate(_split(urls), start=1):
            # The address is not repeated, because it may contain a password by mistake.
            if not is_address(url):
                raise ValueError(
                    f"Address {number} in FER_TURN_URLS is not one of a STUN or TURN server. "
                    "Write for example stun:stun.example.org:3478, turn:turn.example.org:3478 or "
                    "turns:turn.example.org:443?transport=tcp, separated by commas."
                )
        return urls

    @field_validator("provider")
    @classmethod
    def _known_provider(cls, provider: str | None) -> str | None:
        if provider is not None and provider not in TURN_PROVIDERS:
            raise ValueError(
                "FER_TURN_PROVIDER is neither cloudflare nor twilio. For any other TURN server set "
                "FER_TURN_URLS."
            )
        return provider

    @model_validator(mode="after")
    def _provider_alone_and_whole(self) -> Self:
        if self.provider is None:
            return self
        if any((self.urls, self.username, self.credential, self.secret)):
            raise ValueError(
                "FER_TURN_PROVIDER is set together with your own servers. Unset it, or unset "
                "FER_TURN_URLS, FER_TURN_USERNAME, FER_TURN_CREDENTIAL and FER_TURN_SECRET."
            )
        needed = TURN_PROVIDERS[self.provider]
        missing = [name for name in needed if not getattr(self, name.lower())]
        if missing:
            raise ValueError(
                f"FER_TURN_PROVIDER is {self.provider}, which needs {' and '.join(missing)} as "
                "well."
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        user = (self.username, self.credential)
        if self.secret and any(user):
            raise ValueError(
                "Both a shared secret and a fixed user are set for TURN. Keep FER_TURN_SECRET, or "
                "keep FER_TURN_USERNAME and FER_TURN_CREDENTIAL."
            )
        if any(user) and not all(user):
            missing = "FER_TURN_CREDENTIAL" if self.username else "FER_TURN_USERNAME"
            raise ValueError(f"A fixed user for TURN needs a name and a password: set {missing}.")
        return self

    @model_validator(mode="after")
    def _servers_and_credentials(self) -> Self:
        if self.provider is not None:
            return self
        relays = any(url.startswith("turn") for url in self.addresses)
        signs_in = bool(self.secret or self.username)
        if relays and not signs_in:
            raise ValueError(
                "FER_TURN_URLS names a TURN server, but its credentials are not set. Set "
                "FER_TURN_SECRET (coturn's static-auth-secret), or FER_TURN_USERNAME and "
                "FER_TURN_CREDENTIAL."
            )
        if signs_in and not relays:
            raise ValueError(
                "Credentials for TURN are set, but no TURN server. Set FER_TURN_URLS, for example "
                "to turns:turn.example.org:443?transport=tcp."
            )
        if self.relay_only and not relays:
            raise ValueError(
                "FER_ICE_RELAY_ONLY needs a TURN server, and none is set. "
                "Set FER_TURN_URLS or FER_TURN_PROVIDER, or unset it."
            )
        return self


def turn_settings() -> TurnSettings:
    """The current TURN settings from the environment. Raises ``IceSettingsWrong``."""
    try:
        return TurnSettings()
    except ValidationError as error:
        raise IceSettingsWrong(setting_problems(error)[0]) from None


def is_address(url: str) -> bool:
    """Whether browsers and aiortc can both read it."""
    found = _URL.fullmatch(url)
    if found is None or (found["port"] and not 0 < int(found["port"]) < 65_536):
        return False
    return found["scheme"].startswith("turn") or found["transport"] is None


def address_parts(url: str) -> dict[str, str | None]:
    """``scheme``, ``host``, ``port`` and ``transport`` of an address; None for what it lacks."""
    found = _URL.fullmatch(url)
    return found.groupdict() if found else dict.fromkeys(("scheme", "port", "transport"))


def _split(urls: str) -> list[str]:
    return [url.strip() for url in urls.split(",") if url.strip()]
