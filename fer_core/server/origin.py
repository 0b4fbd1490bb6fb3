"""Refuses WebSockets from other sites' pages."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from fer_core.server.loopback import is_this_computer

_log = logging.getLogger(__name__)


class OriginGuard:
    """ASGI middleware: refuses a WebSocket opened by another site's page (RFC 6455, 10.2).

    Streamlit refuses it too. But it compares a foreign origin with this computer's internet
    address, asks an outside service for that, and blocks meanwhile. So it never sees such an
    origin: ``allowed`` are further origins, as ``https://NAME``, and for one of these Streamlit
    gets the origin's host as the requested host. The origin itself stays, because Streamlit binds a
    sign-in to the origin where it was made.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or "origin" not in Headers(scope=scope):
            await self._app(scope, receive, send)
        elif Headers(scope=scope)["origin"] in self._allowed or _both_here(scope):
            passed_on = dict(scope, headers=list(scope["headers"]))
            headers = MutableHeaders(scope=passed_on)
            headers["host"] = urlsplit(headers["origin"]).netloc
            await self._app(passed_on, receive, send)
        elif is_own(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            log_refusal(Headers(scope=scope))
            await send({"type": "websocket.close", "code": 1008})


def log_refusal(headers: Mapping[str, str]) -> None:
    """Say in the log that a request from another origin was refused, once for each origin."""
    _log_once(headers.get("origin"), headers.get("host"))


# A page tries again every few seconds.
@lru_cache(maxsize=100)
def _log_once(origin: str | None, host: str | None) -> None:
    _log.warning(
        "Refused a request to %r from a page of %r. If both are this dashboard, let its proxy pass "
        "on the Host header unchanged (docs/DEPLOY.md).",
        host,
        origin,
    )


def is_own(headers: Mapping[str, str]) -> bool:
    """Whether the origin of a request, which it names, is the host that it asks."""
    try:
        return urlsplit(headers["origin"]).netloc == headers.get("host")
    except ValueError:
        return False


def _both_here(scope: Scope) -> bool:
    """Whether both are ports of this computer: one may be the end of a tunnel."""
    headers = Headers(scope=scope)
    try:
        there, here = urlsplit(headers["origin"]), urlsplit(f"//{headers.get('host', '')}")
    except ValueError:
        return False
    return is_this_computer(there.hostname) and is_this_computer(here.hostname)
