"""WebSockets are for the pages of this dashboard, whatever site else a browser is at."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from fer_core.server.loopback import is_this_computer


class OriginGuard:
    """ASGI middleware: a WebSocket that the page of another site opens is refused (RFC 6455, 10.2).

    Streamlit refuses it too. But it compares the origin with this computer's address on the
    internet as well, asks a service outside for it, and serves nobody meanwhile. So what is allowed
    goes on to it without an origin, which it lets through. ``allowed`` are origins beside the
    dashboard's own, as ``https://NAME``.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or "origin" not in Headers(scope=scope):
            await self._app(scope, receive, send)
        elif self._is_allowed(Headers(scope=scope)):
            passed_on = dict(scope, headers=list(scope["headers"]))
            del MutableHeaders(scope=passed_on)["origin"]
            await self._app(passed_on, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _is_allowed(self, headers: Headers) -> bool:
        origin, host = headers["origin"], headers.get("host", "")
        if origin in self._allowed:
            return True
        try:
            there, here = urlsplit(origin), urlsplit(f"//{host}")
        except ValueError:
            return False
        if there.netloc == host:
            return True
        # Another port of this computer may be the other end of a tunnel.
        return is_this_computer(there.hostname) and is_this_computer(here.hostname)
