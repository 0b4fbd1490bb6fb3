"""How large the files that browsers hand to the pages may be, as Streamlit is told."""

from __future__ import annotations

from starlette.middleware import Middleware
from streamlit import config

from fer_core.doors.uploads import UploadGuard
from fer_core.settings import settings


def middleware() -> list[Middleware]:
    """For ``st.App(middleware=…)``: the guard, with the limit of the largest widget.

    Streamlit's server holds all uploads to one limit of its own, 200 MB unless it is told
    otherwise, whatever a widget allows. So it is told.
    """
    chosen = settings()
    limit_mb = max(chosen.max_upload_mb, chosen.max_video_mb)
    config.set_option("server.maxUploadSize", limit_mb)
    return [Middleware(UploadGuard, limit_mb=limit_mb)]
