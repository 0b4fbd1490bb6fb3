"""WebSockets are for the pages of this dashboard, whatever site else a browser is at."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from fer_core.server.loopback import is_this_computer


class OriginGuard:
    """ASGI middleware: a WebSocket that the page of another site opens is refused (RFC 6455, 10.2).

    Streamlit refuses it too. But it compares an origin that is not the host's with this computer's
    address on the internet, asks a service outside for that, and serves nobody meanwhile. So it
    gets to see no such origin: ``allowed`` are origins beside the dashboard's own, as
    ``https://NAME``, and one of these goes on to it as if its host had been asked. The origin
    itself stays, because Streamlit takes a sign-in for the origin where it was made alone.
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
        elif _is_own(scope):
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def _is_own(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    try:
        return urlsplit(headers["origin"]).netloc == headers.get("host")
    except ValueError:
        return False


def _both_here(scope: Scope) -> bool:
    """Whether two ports of this computer talk: one may be the other end of a tunnel."""
    headers = Headers(scope=scope)
    try:
        there, here = urlsplit(headers["origin"]), urlsplit(f"//{headers.get('host', '')}")
    except ValueError:
        return False
    return is_this_computer(there.hostname) and is_this_computer(here.hostname)
