"""Security headers of all responses, such as Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HSTS = "max-age=31536000"
"""A year. Without ``includeSubDomains``, because subdomains may belong to other programs."""


class SecurityHeaders:
    """ASGI middleware: adds the headers of ``page_headers`` to responses without their own.

    The login page and the HTTP API send stricter policies, which stay. Over https, even if only a
    proxy says so, browsers are told to keep using it (HSTS, RFC 6797).
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        https = over_https(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if https:
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def page_headers(inline_scripts: Iterable[str], framed_by: Iterable[str] = ()) -> dict[str, str]:
    """The headers of the pages. ``inline_scripts`` are the hashes, ``sha256-…`` in base64, of the
    inline scripts; ``framed_by`` the other origins that may show the dashboard in a frame.
    """
    frames = " ".join(["'self'", *framed_by])
    scripts = " ".join(f"'{each}'" for each in inline_scripts)
    policy = {
        "default-src": "'self'",
        # Streamlit loads component scripts, which came with the page's code, as blob:.
        "script-src": f"'self' blob: {scripts}".strip(),
        "worker-src": "'self' blob:",
        # Streamlit and plotly.js write inline styles.
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' data: blob:",
        "frame-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": frames,
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if frames == "'self'":
        # For browsers without frame-ancestors; it cannot name other sites.
        headers["X-Frame-Options"] = "SAMEORIGIN"
    return headers


def over_https(scope: Scope) -> bool:
    """Whether a request came over https, at least to the proxy."""
    # A false claim harms only the client itself: headers and cookies are for its own browser. Of
    # several proxies the first one counts, which the browser talked to.
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "").partition(",")[0].strip()
    return "https" in (scope["scheme"], forwarded.lower())
