"""The login page: one file without scripts or external resources."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from starlette.responses import HTMLResponse

_HERE = Path(__file__).parent
_STYLE = (_HERE / "login_page.css").read_text()
_PAGE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    (_HERE / "login_page.html").read_text()
)

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}


def login_page(
    status: int,
    sentence: str = "",
    next_path: str = "/",
    form: bool = True,
    back: bool = False,
) -> HTMLResponse:
    """The page with a sentence, the form unless no password would help, and a link ``back`` to the
    dashboard."""
    text = _PAGE.render(style=_STYLE, sentence=sentence, next_path=next_path, form=form, back=back)
    return HTMLResponse(text, status, _HEADERS)
