"""What keeps pages from jumping, in the page that the browser gets first.

The style sheet of all pages: as a part of what a page draws it would come after the rest. It
stands in the body, because Streamlit adds its own rules to the head as they are needed, and of two
rules of equal weight the later one holds.

And the scripts of the elements that our pages draw: Streamlit asks for each when it first meets
such an element, and until it is there shows a grey bar of another height in its place.

Its title is replaced as well.
"""

from __future__ import annotations

from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STYLE_URL = "/assets/style.css"

ROOT_ELEMENT = b'<div id="root">'
"""Where Streamlit puts its page."""

TITLE, OUR_TITLE = b"<title>Streamlit</title>", b"<title>FER Dashboard</title>"
"""What a browser tab is called until the page is drawn, which has a title of its own."""

ELEMENTS = (
    *("BidiComponent", "ButtonGroup", "Checkbox", "ComponentInstance", "FileUploader", "Html"),
    *("ImageList", "PageLink", "Radio", "TextInput"),
)
"""Scripts of Streamlit's that draw what our pages show first."""

# A page that is compressed could not be changed, and one that the browser has already may be older.
_NOT_ASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class StyledPages:
    """ASGI middleware: puts the links into Streamlit's page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._links = links()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", ""):
            asked = [pair for pair in scope["headers"] if pair[0] not in _NOT_ASKED]
            await self._app({**scope, "headers": asked}, receive, _with_links(send, self._links))
        else:
            await self._app(scope, receive, send)


def links() -> bytes:
    """As HTML, to stand before the root element."""
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    scripts = [file for name in ELEMENTS for file in folder.glob(f"{name}.*.js")]
    preloads = [f'<link rel="modulepreload" href="/static/js/{file.name}">' for file in scripts]
    return "".join([f'<link rel="stylesheet" href="{STYLE_URL}">', *preloads]).encode()


def _with_links(send: Send, html: bytes) -> Send:
    """Hands on what is no HTML as it comes; HTML once all of it is there."""
    held: list[Message] = []
    body = bytearray()

    async def send_styled(message: Message) -> None:
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                held.append(message)
                return
        elif held:
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = bytes(body).replace(ROOT_ELEMENT, html + ROOT_ELEMENT, 1)
            page = page.replace(TITLE, OUR_TITLE, 1)
            if body:
                MutableHeaders(scope=held[0])["Content-Length"] = str(len(page))
            await send(held.pop())
            message = {"type": "http.response.body", "body": page}
        await send(message)

    return send_styled


def _style(_request: Request) -> FileResponse:
    # Asked for anew each time, and sent where it has changed: pages are that way too.
    return FileResponse(
        Path(__file__).parent / "shared" / "style.css", headers={"Cache-Control": "no-cache"}
    )


ROUTES: list[Route] = [Route(STYLE_URL, _style)]
"""For ``st.App(routes=…)``."""
