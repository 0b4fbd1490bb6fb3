"""Middleware for all responses of these routes."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_core.server.drain import send_last
from fer_core.telemetry import API_REQUESTS

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class ApiBoundary:
    """Security headers, a count in the metrics, and a clean end of requests that are refused
    while their body arrives.

    Answers HEAD where there is GET, which FastAPI does not; the server leaves out the body.
    """

    def __init__(self, app: ASGIApp, known: frozenset[str]) -> None:
        """``known``: the paths named in the metrics."""
        self._app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        unread = _has_body(scope)

        async def receive_and_note() -> Message:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def send_and_linger(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                if unread:
                    headers["Connection"] = "close"
                route = scope["path"] if scope["path"] in self._known else "other"
                API_REQUESTS.labels(route, str(message["status"])).inc()
            elif unread and not message.get("more_body", False):
                await send_last(message, receive, send)
                return
            await send(message)

        await self._app(scope, receive_and_note, send_and_linger)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
