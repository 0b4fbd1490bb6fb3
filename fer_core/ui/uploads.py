"""How large the files that browsers hand to the pages may be, each and all together."""

from __future__ import annotations

from starlette.middleware import Middleware
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.stats import CACHE_MEMORY_FAMILY, CacheStat

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
    guard = Middleware(
        UploadGuard, limit_mb=limit_mb, room_mb=chosen.max_uploads_mb, held=held_bytes
    )
    return [guard]


def held_bytes() -> int:
    """What Streamlit keeps of the files that the pages of all visitors show."""
    stats = Runtime.instance().uploaded_file_mgr.get_stats().get(CACHE_MEMORY_FAMILY, ())
    return sum(stat.byte_length for stat in stats if isinstance(stat, CacheStat))
