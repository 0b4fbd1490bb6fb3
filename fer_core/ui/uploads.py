"""Uploaded files of the pages: their size limit, and when they are released.

Streamlit keeps each until its browser tab is closed or the user removes it.
"""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.stats import CACHE_MEMORY_FAMILY, CacheStat
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer_core.server.upload_guard import UploadGuard
from fer_core.settings import settings
from fer_core.ui.auth import has_access
from fer_core.ui.patches import pictures_in_memory


def middleware() -> list[Middleware]:
    """For ``st.App(middleware=…)``: the guard, with the limit of the largest widget.

    Streamlit's server has one limit for all uploads, by default 200 MB, whatever a widget allows.
    It is raised here. Pictures are kept off the disk while they arrive.
    """
    chosen = settings()
    pictures_in_memory.install(chosen.max_upload_mb)
    limit_mb = max(chosen.max_upload_mb, chosen.max_video_mb)
    config.set_option("server.maxUploadSize", limit_mb)
    guard = Middleware(
        UploadGuard,
        limit_mb=limit_mb,
        room_mb=chosen.max_uploads_mb,
        held=held_bytes,
        may_upload=has_access,
    )
    return [guard]


def held_bytes() -> int:
    """The bytes that Streamlit holds of all visitors' files."""
    stats = Runtime.instance().uploaded_file_mgr.get_stats().get(CACHE_MEMORY_FAMILY, ())
    return sum(stat.byte_length for stat in stats if isinstance(stat, CacheStat))


def forget_other_pages(page: str) -> None:
    """Release the files of the page that was left, whose widgets no longer exist, and what came of
    its photos.

    Call it with the page's name before the page is drawn, when it cannot have files of its own.
    """
    if st.session_state.get("uploads_of") != page:
        st.session_state["uploads_of"] = page
        st.session_state.pop("photo_outcomes", None)
        if ctx := get_script_run_ctx():
            ctx.uploaded_file_mgr.remove_session_files(ctx.session_id)


def forget(files: Iterable[UploadedFile]) -> None:
    """Release files whose widget the program empties."""
    ctx = get_script_run_ctx()
    if ctx and isinstance(ctx.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            ctx.uploaded_file_mgr.remove_file(ctx.session_id, file.file_id)
