"""The URL at which a browser fetches the copy of a video that was uploaded from it.

A URL is valid for one browser: its signature covers the cookies of the sign-in, so that it is of no
use to anybody else, whether signed out or signed in to another account. As all URLs, it is also
behind the gate (``server.auth.gate``). It expires with the process or the file.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from fer_core.jobs.copies import videos_folder
from fer_core.server.auth.cookie import COOKIE

_SECRET = secrets.token_bytes(32)

_SIGN_IN_COOKIE = "_streamlit_user"
"""Streamlit's sign-in cookie; a long one is split into several with numbered names."""

_PATH = "/films/{name}/{signature}"

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_TYPES = (
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),  # and Matroska, which browsers play under this name
    (0, b"OggS", "video/ogg"),
    (0, b"RIFF", "video/x-msvideo"),
)


def film_url(path: Path, cookies: Mapping[str, str]) -> str:
    """The URL of a video in ``videos_folder()`` for the browser with these cookies."""
    return _PATH.format(name=path.name, signature=_signature(path.name, cookies))


async def _film(request: Request) -> Response:
    name, signature = request.path_params["name"], request.path_params["signature"]
    right = hmac.compare_digest(signature.encode(), _signature(name, request.cookies).encode())
    path = videos_folder() / name
    if not right or not re.fullmatch(r"[0-9a-f]{32}\.video", name):
        return PlainTextResponse("This video can be played only in the browser that added it.", 403)
    media_type = await run_in_threadpool(_media_type, path)
    if media_type is None:
        return PlainTextResponse("This video has been removed.", 404)
    return FileResponse(path, headers=_HEADERS, media_type=media_type)  # answers ranges as well


def _media_type(path: Path) -> str | None:
    try:
        with path.open("rb") as video:
            head = video.read(16)
    except OSError:
        return None
    known = (name for at, mark, name in _TYPES if head[at:].startswith(mark))
    return next(known, "application/octet-stream")


def _signature(name: str, cookies: Mapping[str, str]) -> str:
    held = sorted(
        (each, value)
        for each, value in cookies.items()
        if each == COOKIE or re.fullmatch(rf"{_SIGN_IN_COOKIE}(_\d+)?", each)
    )
    return hmac.new(_SECRET, repr((name, held)).encode(), hashlib.sha256).hexdigest()


ROUTES: list[Route] = [Route(_PATH, _film)]
"""For ``st.App(routes=…)``."""
