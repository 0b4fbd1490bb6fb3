"""Files the browser loads beside Streamlit's own: plotly.js, out of the plotly wheel."""

from __future__ import annotations

from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

# The version is in the address, so that a browser may keep the 5 MB for good, and fetches them
# anew after an upgrade.
PLOTLY_URL = f"/assets/plotly-{plotly.__version__}.min.js"


def _plotly_js(_request: Request) -> FileResponse:
    return FileResponse(
        PLOTLY_JS,
        media_type="text/javascript",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


ROUTES: list[Route] = [Route(PLOTLY_URL, _plotly_js)]
"""For ``st.App(routes=…)``."""
