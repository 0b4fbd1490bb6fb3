"""Access for the pages: the mode of access, who is signed in, and signing out."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import cache
from weakref import WeakValueDictionary

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.secrets import SecretsValue

from fer_core.server.auth import gate
from fer_core.server.auth.cookie import COOKIE, LIFETIME_S, SKEW_S, is_valid_session
from fer_core.server.auth.mode import NOT_SET_UP, AuthMode
from fer_core.server.auth.provider_away import ProviderAway
from fer_core.server.loopback import came_from_here, is_this_computer
from fer_core.server.origin import OriginGuard
from fer_core.server.security_headers import SecurityHeaders, page_headers
from fer_core.settings import settings
from fer_core.ui.shared.assets import inline_scripts
from fer_core.ui.shared.bounds import bounded
from fer_core.ui.shared.widgets import plain

_LATEST_S = 1e12
"""A time in seconds since 1970 later than any valid sign-in."""


class _Access:
    """Kept in the state of a session that may see the pages, and forgotten with it."""


_with_access: WeakValueDictionary[str, _Access] = WeakValueDictionary()
"""By the session's id."""


@cache
def auth_mode() -> AuthMode:
    """This server's mode of access: accounts before the password, the password before open."""
    chosen = settings()
    if chosen.oidc.client_id or _auth_section():
        return AuthMode.SIGN_IN
    if chosen.password_hash:
        return AuthMode.PASSWORD
    if chosen.open:
        return AuthMode.OPEN
    return (
        AuthMode.LOCALHOST if is_this_computer(st.get_option("server.address")) else AuthMode.LOCKED
    )


def oidc_secrets() -> Mapping[str, SecretsValue] | None:
    """For ``st.App(secrets=…)``: the section ``[auth]``, made from ``FER_OIDC_…``."""
    chosen = settings().oidc
    secret, cookie_secret = chosen.client_secret, chosen.cookie_secret
    if not (chosen.client_id and secret and cookie_secret):
        return None
    return {
        "auth": {
            "client_id": chosen.client_id,
            "client_secret": secret.get_secret_value(),
            "cookie_secret": cookie_secret.get_secret_value(),
            "server_metadata_url": chosen.metadata_url or "",
            "redirect_uri": chosen.redirect_url or "",
        }
    }


def routes() -> list[BaseRoute]:
    """For ``st.App(routes=…)``: the login page, if there is a password."""
    return gate.routes(_password_hash()) if auth_mode() is AuthMode.PASSWORD else []


def middleware() -> list[Middleware]:
    """For ``st.App(middleware=…)``: headers, origins, access. Warns if nobody has access."""
    if auth_mode() is AuthMode.LOCKED:
        logging.getLogger(__name__).warning(NOT_SET_UP)
    headers = page_headers(inline_scripts(), settings().framed_by.split())
    return [
        Middleware(SecurityHeaders, headers=headers),
        Middleware(OriginGuard, allowed=st.get_option("server.corsAllowedOrigins")),
        Middleware(gate.Gate, mode=auth_mode(), password_hash=_password_hash()),
        Middleware(ProviderAway),
    ]


def require_access() -> bool:
    """Whether this browser may see the pages; if not, draws a page that says why."""
    allowed = _may_enter()
    if ctx := get_script_run_ctx():
        if allowed:
            _with_access[ctx.session_id] = st.session_state["access"] = _Access()
        else:
            _with_access.pop(ctx.session_id, None)
    return allowed


def has_access(session_id: str) -> bool:
    """Whether this session of Streamlit's could see the pages when they were last drawn."""
    return session_id in _with_access


def _may_enter() -> bool:
    match auth_mode():
        case AuthMode.SIGN_IN:
            return _signed_in()
        case AuthMode.PASSWORD:
            return _has_session()
        case AuthMode.LOCALHOST if came_from_here(st.context.headers):
            return True
        case AuthMode.OPEN:
            return True
        case _:
            _locked(NOT_SET_UP)
            return False


def account() -> str:
    """The signed-in owner for the history: issuer and subject (OIDC Core 1.0, 2)."""
    return f"oidc:{st.user['iss']}|{st.user['sub']}"


def sign_out_page() -> list[StreamlitPage]:
    """The page that ends the session, if there is one."""
    if auth_mode() not in (AuthMode.SIGN_IN, AuthMode.PASSWORD):
        return []
    return [st.Page(_sign_out, title="Sign out", icon=":material/logout:", url_path="sign-out")]


def _sign_out() -> None:
    st.title("Sign out")
    if auth_mode() is AuthMode.SIGN_IN:
        who = st.user.get("email") or st.user.get("name") or st.user["sub"]
        st.text(f"Signed in as {who}.")  # an address, which Markdown would turn into a link
        st.button("Sign out", key="sign_out", type="primary", on_click=st.logout)
        return
    st.write(
        "You signed in with the access password. Everybody who has it shares one history. Signing "
        "out locks this browser; pages that are already open in it stay until you reload them."
    )
    # Our own form, because only a response of the server can remove the cookie.
    st.html(
        f'<form method="post" action="{gate.LOGOUT_PATH}">'
        '<button class="fer-button">Sign out</button></form>'
    )


def _signed_in() -> bool:
    if not st.user.get("is_logged_in"):
        _locked("Sign in to use this dashboard.")
    elif not (st.user.get("iss") and st.user.get("sub")):
        _locked("Your provider did not say who you are. Ask the operator of this dashboard.")
    elif not -SKEW_S <= time.time() - _issued_at_s() <= LIFETIME_S:
        _locked("Your sign-in has expired. Sign in again.")
    else:
        return True
    for name in _providers():
        label = f"Sign in with {plain(name)}" if name else "Sign in"
        st.button(label, type="primary", on_click=st.login, args=(name,))
    return False


def _issued_at_s() -> float:
    return bounded(st.user.get("iat"), 0.0, _LATEST_S) or 0.0


def _has_session() -> bool:
    """The gate checked when this page was sent; a page left open may outlive its session."""
    if is_valid_session(st.context.cookies.get(COOKIE), _password_hash()):
        return True
    _locked("You have not signed in, or your sign-in has expired.")
    st.html(f'<a href="{gate.LOGIN_PATH}" target="_self">Enter the access password</a>')
    return False


def _password_hash() -> str:
    kept = settings().password_hash
    return kept.get_secret_value() if kept else ""


def _locked(sentence: str) -> None:
    st.title("FER Dashboard is locked")
    st.info(sentence, icon=":material/lock:")


def _auth_section() -> Mapping[str, object]:
    # Reading st.secrets without a file would show an error on the page.
    section = st.secrets.get("auth") if st.secrets.load_if_toml_exists() else None
    return section if isinstance(section, Mapping) else {}


def _providers() -> list[str | None]:
    """Names for ``st.login``; None is the provider that ``[auth]`` itself describes."""
    section = _auth_section()
    named = [name for name, value in section.items() if isinstance(value, Mapping)]
    named = [name for name in named if name != "client_kwargs"]
    return [None, *named] if "client_id" in section else [*named]
