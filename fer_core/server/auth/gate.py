"""The gate in front of all requests, and the login page. Plain HTTP, no scripts."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fer_core.server.auth.cookie import (
    COOKIE,
    DEVICE_COOKIE,
    DEVICE_LIFETIME_S,
    LIFETIME_S,
    device_of,
    is_valid_session,
    make_device_cookie,
    make_session_cookie,
)
from fer_core.server.auth.login_page import login_page
from fer_core.server.auth.mode import NOT_SET_UP, AuthMode
from fer_core.server.auth.password import Verdicts, matches
from fer_core.server.auth.throttle import LoginThrottle, Throttled
from fer_core.server.loopback import came_from_here
from fer_core.server.origin import is_own, log_refusal
from fer_core.server.security_headers import over_https

LOGIN_PATH = "/login"
LOGOUT_PATH = "/logout"

_MOVED = {"/door": LOGIN_PATH, "/door/out": LOGOUT_PATH}
"""Addresses of earlier versions, which bookmarks and scripts may still use."""

# The API and the metrics have their own tokens; the probes only tell whether the dashboard runs.
_PUBLIC = frozenset(["/healthz", "/readyz", "/metrics", "/_stcore/health"])
_API = "/api/v1/"

_LOGIN = frozenset([LOGIN_PATH, LOGOUT_PATH, *_MOVED])

_NOT_TAKEN = PlainTextResponse(
    "This address takes only GET and POST.", 405, {"Allow": "GET, HEAD, POST"}
)

_MOST_BYTES = 8192
_PATIENCE_S = 10.0


class Gate:
    """ASGI middleware: only users with access get pages, WebSockets, uploads and media.

    Accounts are checked by the pages (fer_core/ui/auth.py), because only Streamlit reads its own
    sign-in cookie.
    """

    def __init__(self, app: ASGIApp, mode: AuthMode, password_hash: str) -> None:
        """``password_hash`` is only used with ``AuthMode.PASSWORD``."""
        self._app = app
        self._mode = mode
        self._hash = password_hash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._may_pass(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._refuse(HTTPConnection(scope))(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path in _PUBLIC or path.startswith(_API):
            return True
        if self._mode is AuthMode.PASSWORD:
            return path in _LOGIN or _has_session(HTTPConnection(scope), self._hash)
        if self._mode is AuthMode.LOCALHOST:
            return came_from_here(HTTPConnection(scope).headers)
        return self._mode is not AuthMode.LOCKED

    def _refuse(self, asked: HTTPConnection) -> Response:
        if "text/html" not in asked.headers.get("accept", ""):
            return PlainTextResponse("This dashboard is locked.", 401)
        if self._mode is not AuthMode.PASSWORD:
            return login_page(403, NOT_SET_UP, form=False)
        there = asked.url.path + (f"?{asked.url.query}" if asked.url.query else "")
        return RedirectResponse(f"{LOGIN_PATH}?{urlencode({'next': there})}", 303)


def routes(password_hash: str, throttle: LoginThrottle | None = None) -> list[BaseRoute]:
    """The login page and the logout, for ``AuthMode.PASSWORD``.

    The addresses of earlier versions, ``/door`` and ``/door/out``, redirect to them.
    """
    login = _Login(password_hash, throttle or LoginThrottle())
    return [
        Route(LOGIN_PATH, login.show),
        Route(LOGIN_PATH, login.enter, methods=["POST"]),
        Route(LOGOUT_PATH, _to_login),
        Route(LOGOUT_PATH, _leave, methods=["POST"]),
        *(Route(path, _moved, methods=["GET", "POST"]) for path in _MOVED),
        # Streamlit, which comes after these, would answer any other method with its page.
        *(Route(path, _NOT_TAKEN) for path in _LOGIN),
    ]


class _Login:
    """Serve the login page, and handle its form."""

    def __init__(self, password_hash: str, throttle: LoginThrottle) -> None:
        self._hash = password_hash
        self._throttle = throttle
        self._verdicts = Verdicts()
        self._one_at_a_time = asyncio.Lock()  # each check takes 32 MB
        self._pending = 0

    async def show(self, request: Request) -> Response:
        """The form, or a redirect for a browser that is already signed in."""
        there = safe_path(request.query_params.get("next", ""))
        if _has_session(request, self._hash):
            return RedirectResponse(there, 303)
        return login_page(200, next_path=there)

    async def enter(self, request: Request) -> Response:
        """Check the password, if an attempt is allowed, and sign in."""
        if not _from_this_site(request):
            log_refusal(request.headers)
            return login_page(403, "This form was sent from another site. Enter the password here.")
        typed = await _form(request)
        if typed is None:
            return login_page(400, "The form did not arrive completely. Try again.")
        there, password = safe_path(typed.get("next", "")), typed.get("password", "")
        address = client_address(request)
        device = device_of(request.cookies.get(DEVICE_COOKIE), self._hash)
        verdict = self._verdicts.of(password)
        try:
            self._throttle.attempt(address, device, self._pending if verdict is None else 0)
        except Throttled as error:
            answer = login_page(429, str(error), there)
            answer.headers["Retry-After"] = str(error.wait_s)
            return answer
        if not (await self._check(password) if verdict is None else verdict):
            return login_page(401, "This is not the password. Try again.", there)
        self._throttle.succeeded(address, device)
        return _with_session(request, there, self._hash)

    async def _check(self, password: str) -> bool:
        self._pending += 1
        try:
            async with self._one_at_a_time:
                right = await run_in_threadpool(matches, password, self._hash)
        finally:
            self._pending -= 1
        self._verdicts.note(password, right)
        return right


async def _to_login(_request: Request) -> Response:
    # A link or a picture on another site must not sign anybody out.
    return RedirectResponse(LOGIN_PATH, 303)


async def _leave(request: Request) -> Response:
    if not _from_this_site(request):
        log_refusal(request.headers)
        return login_page(
            403,
            "This form was sent from another site. You are still signed in.",
            form=False,
            back=True,
        )
    answer = RedirectResponse(LOGIN_PATH, 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return answer


async def _moved(request: Request) -> Response:
    # 308 keeps the method, so a form that was open during an update still works.
    there = request.url.replace(scheme="", netloc="", path=_MOVED[request.url.path])
    return RedirectResponse(str(there), 308)


def safe_path(there: str) -> str:
    """A path of this site to redirect to; ``/`` for anything that could lead to another site."""
    # Browsers read // and /\ as the start of another host, and ignore tabs and line ends.
    if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", there) and urlsplit(there).path != LOGIN_PATH:
        return there
    return "/"


def client_address(request: HTTPConnection) -> str:
    """The address of an attempt. Behind a proxy, the address that this proxy saw."""
    peer = request.client.host if request.client else ""
    # HAProxy adds its header after those that a visitor may have sent.
    all_seen = ",".join(request.headers.getlist("x-forwarded-for"))
    seen = _without_port(all_seen.rpartition(",")[2].strip())
    # A client that connects directly could write anything there.
    return seen if seen and not _is_global(peer) else peer


def _without_port(address: str) -> str:
    """``203.0.113.7`` of ``203.0.113.7:5678``, as Azure writes it, ``::1`` of ``[::1]:80``."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _is_global(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def _has_session(asked: HTTPConnection, password_hash: str) -> bool:
    return is_valid_session(asked.cookies.get(COOKIE), password_hash)


def _with_session(request: Request, there: str, password_hash: str) -> Response:
    answer = RedirectResponse(there, 303)
    for name, value, lifetime_s, path in (
        (COOKIE, make_session_cookie(password_hash), LIFETIME_S, "/"),
        (DEVICE_COOKIE, make_device_cookie(password_hash), DEVICE_LIFETIME_S, LOGIN_PATH),
    ):
        answer.set_cookie(
            name,
            value,
            max_age=lifetime_s,
            path=path,
            httponly=True,
            samesite="lax",
            secure=over_https(request.scope),
        )
    return answer


def _from_this_site(request: Request) -> bool:
    """Whether a form is from this site: browsers say so; else its origin must be the host."""
    headers = request.headers
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] in ("same-origin", "none")
    return "origin" not in headers or is_own(headers)


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a small form; None if it is too long, too slow, cut short or not a form."""
    body = b""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for part in request.stream():
                body += part
                if len(body) > _MOST_BYTES:
                    return None
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=4)
    except (TimeoutError, ClientDisconnect, ValueError):
        return None
    return {name: values[0] for name, values in fields.items()}
