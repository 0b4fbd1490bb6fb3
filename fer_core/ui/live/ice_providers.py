"""The STUN and TURN servers of one browser session: from the settings, or from a provider."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st
from pydantic import SecretStr
from streamlit_webrtc import component as webrtc_component
from streamlit_webrtc.credentials import get_cloudflare_ice_servers, get_twilio_ice_servers

from fer_core.errors import FerError, RelayUnavailable
from fer_core.live.ice import IceServers, servers_from, servers_of_provider
from fer_core.live.turn_settings import TurnSettings, turn_settings
from fer_core.ui.shared.widgets import plain

RETRY_S = 60.0
"""How long a provider that did not answer is left alone: each try may hold the page for 10 s."""


_Answer = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a session got, until when it is used (Unix time), and what went wrong."""

    servers: IceServers
    use_until_s: float
    problem: str = ""


def session_ice(key: str) -> IceServers:
    """The servers for this browser session, with credentials of its own.

    They are kept until half of their time is over: a browser signs in with what its page had when
    it was last drawn. What is wrong with the settings, or with the provider, is said on the page,
    and then there are no servers: on one computer the camera needs none.
    """
    note = st.container()
    name = f"{key}:ice"
    made = cast("_Made | None", st.session_state.get(name))
    if made is None or time.time() >= made.use_until_s:
        made = st.session_state[name] = _make(time.time())
        # It keeps every configuration it ever saw, and with it everybody's credentials.
        webrtc_component.enhance_frontend_rtc_configuration.clear()
    if made.problem:
        note.warning(plain(made.problem), icon=":material/lan:")
    return made.servers


def _make(now_s: float) -> _Made:
    try:
        chosen = turn_settings()
        if chosen.provider:
            servers = ask(chosen.provider, chosen, now_s)
        else:
            servers = servers_from(chosen, now_s)
    except FerError as error:
        return _Made(IceServers(), now_s + RETRY_S, str(error))
    return _Made(servers, now_s + (servers.good_until_s - now_s) / 2.0)


def ask(provider: str, now: TurnSettings, now_s: float) -> IceServers:
    """The servers of a provider, through its helper. Raises ``RelayUnavailable``."""
    try:
        answer = _cloudflare(now) if provider == "cloudflare" else _twilio(now)
    except ImportError as error:
        raise RelayUnavailable(
            "Twilio's library is not installed, so no server can relay the camera's picture "
            "through a firewall. Add twilio to requirements.in, run make lock, and install again."
        ) from error
    # The helpers let through whatever urllib, json or Twilio's library raise. Not repeated here:
    # it may quote the request, which holds the token.
    except Exception as error:
        raise RelayUnavailable(
            f"{provider.capitalize()} gave no credentials, so the camera's picture may not get "
            "through a firewall. The dashboard asks again in a minute; if that does not help, its "
            "keys may be wrong or expired."
        ) from error
    servers = servers_of_provider(now, answer, now_s)
    if not servers.servers:
        raise RelayUnavailable(
            f"{provider.capitalize()} answered without a usable server, so the camera's picture "
            "may not get through a firewall."
        )
    return servers


# Unwrapped, because the helpers keep an answer for an hour: Twilio's credentials, good for an hour,
# would be handed out until the moment they expire, and to all sessions alike.
def _cloudflare(now: TurnSettings) -> _Answer:
    fetch: Callable[..., _Answer] = inspect.unwrap(get_cloudflare_ice_servers)
    return fetch(now.cloudflare_turn_key_id or "", _open(now.cloudflare_turn_key_api_token))


def _twilio(now: TurnSettings) -> _Answer:
    fetch: Callable[..., _Answer] = inspect.unwrap(get_twilio_ice_servers)
    return fetch(now.twilio_account_sid or "", _open(now.twilio_auth_token))


def _open(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
