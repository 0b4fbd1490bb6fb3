"""The switch that keeps what a page shows in the history; without it nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from fer_core.errors import HistoryError
from fer_core.history import history
from fer_core.schema import FrameResult
from fer_core.ui.services import owner
from fer_core.ui.shared.widgets import SAVE_HELP, plain


def save_photos(results: Mapping[str, FrameResult]) -> None:
    """The switch of the photo page: what it shows is kept while it is on.

    Each picture becomes a session of its own, once. Switched off again, they leave the history; a
    switch that is only gone for a while, with the pictures or the page, takes nothing with it.
    """
    kept: dict[str, int] = st.session_state.setdefault("photo_kept", {})
    on = st.toggle("Save to history", key="photo_keep", help=SAVE_HELP, on_change=_note_switching)
    try:
        if not on and st.session_state.get("photo_switched"):
            history().of(owner()).delete(list(kept.values()))
        if not on:
            kept.clear()
        st.session_state["photo_switched"] = False
        for name, result in results.items() if on else ():
            key = f"{name}|{result.model}|{result.detector}"
            if key not in kept:
                kept[key] = _save_photo(name, result)
        if kept:
            st.caption(":material/bookmark_added: Saved to history", width="content")
    except HistoryError as error:
        st.error(plain(error), icon=":material/database:")


def _note_switching() -> None:
    st.session_state["photo_switched"] = True


def _save_photo(name: str, result: FrameResult) -> int:
    """Save one photo as a session of its own; its number."""
    store = history().of(owner())
    session_id = store.begin("photo", name, result.labels, result.model, result.detector)
    store.append(session_id, [replace(result.numbered(), t_s=0.0)])
    store.finish(session_id)
    return session_id
