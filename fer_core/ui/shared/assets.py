"""Files the browser loads: plotly.js, out of the plotly wheel; and what Streamlit's page holds."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

# The version is in the address, so that a browser may keep the 5 MB for good, and fetches them
# anew after an upgrade.
PLOTLY_URL = f"/assets/plotly-{plotly.__version__}.min.js"

PLOTLY_LOADER = (Path(__file__).parent / "plotly.js").read_text("utf-8")
"""Stands before the script of each component that draws with Plotly."""


def _plotly_js(_request: Request) -> FileResponse:
    return FileResponse(
        PLOTLY_JS,
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


ROUTES: list[Route] = [Route(PLOTLY_URL, _plotly_js)]
"""For ``st.App(routes=…)``."""


def inline_scripts() -> list[str]:
    """The hashes, ``sha256-…``, of the scripts that stand in Streamlit's own page itself.

    Read from the installed page, so that an upgrade of Streamlit needs no other hash here.
    """
    page = (Path(st.__file__).parent / "static" / "index.html").read_bytes()
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script).digest()) for script in scripts)
    return [f"sha256-{digest.decode()}" for digest in digests]
