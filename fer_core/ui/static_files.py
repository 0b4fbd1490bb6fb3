"""Serves Streamlit's own scripts, styles and fonts from memory, compressed.

A browser requests fifty of them, two megabytes, before it shows the first page. Streamlit sends
them uncompressed, and reads each in a thread every time: with four live sessions, visitors who came
at the same time waited 15 s for that alone. Here a file stays in memory after the first request,
compressed if that helps. Names change with the content, so browsers cache the files for ever.
"""

from __future__ import annotations

import gzip
import mimetypes
from pathlib import Path

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_PACKED = (".js", ".css", ".svg")


class StaticFromMemory:
    """ASGI middleware: answers GET for Streamlit's ``/static/…``, and passes on everything else.

    All files together would take 12 MB of memory; the photo page's are a tenth of that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        folder = Path(streamlit.__file__).parent / "static"
        files = (path for path in (folder / "static").rglob("*") if path.is_file())
        self._files = {f"/{path.relative_to(folder).as_posix()}": path for path in files}
        self._bodies: dict[tuple[str, bool], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["method"] == "GET":
            file, asked = self._files.get(scope["path"]), Headers(scope=scope)
            if file is not None and "range" not in asked:
                await (await self._answer(scope["path"], file, asked))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, path: str, file: Path, asked: Headers) -> Response:
        packed = file.suffix in _PACKED and "gzip" in asked.get("accept-encoding", "")
        body = self._bodies.get((path, packed))
        if body is None:
            body = await run_in_threadpool(_read, file, packed)
            self._bodies[path, packed] = body
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        headers |= {"Vary": "Accept-Encoding"} if file.suffix in _PACKED else {}
        headers |= {"Content-Encoding": "gzip"} if packed else {}
        return Response(body, headers=headers, media_type=mimetypes.guess_type(file.name)[0])


def _read(file: Path, packed: bool) -> bytes:
    return gzip.compress(file.read_bytes(), 6) if packed else file.read_bytes()
