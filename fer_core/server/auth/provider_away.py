"""The page for a visitor whose sign-in provider does not answer as it should."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_core.server.auth.login_page import login_page

SIGN_IN_PATH = "/auth/login"
"""Streamlit's, which asks the provider and then redirects to it."""

SENTENCE = (
    "The service that you sign in with cannot be reached or does not answer as it should. Try "
    "again in a minute. If it stays so, tell the operator of this dashboard."
)


class ProviderAway:
    """ASGI middleware: a page with a link back, where Streamlit answers "Authentication error"."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != SIGN_IN_PATH:
            await self._app(scope, receive, send)
            return
        failed = False

        async def send_unless_failed(message: Message) -> None:
            nonlocal failed
            if message["type"] == "http.response.start":
                failed = message["status"] >= 400
            if not failed:
                await send(message)

        await self._app(scope, receive, send_unless_failed)
        if failed:
            await login_page(502, SENTENCE, form=False, back=True)(scope, receive, send)
