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

_SWITCH = "photo_keep"


def save_photos(results: Mapping[str, FrameResult]) -> None:
    """The switch of the photo page: what it shows is kept while it is on.

    Each picture becomes a session of its own, once. Switched off again, they leave the history; a
    switch that is only gone for a while, with the pictures or the page, takes nothing with it.
    """
    on = st.toggle(
        "Save to history", key=_SWITCH, help=SAVE_HELP, on_change=_switched, args=(dict(results),)
    )
    if problem := _follow(on, results):
        st.error(plain(problem), icon=":material/database:")
    elif _kept():
        st.caption(":material/bookmark_added: Saved to history", width="content")


def _switched(results: Mapping[str, FrameResult]) -> None:
    """Save or delete at once: who goes to another page right after the click ends this page's run
    before it comes to the switch, but not this call."""
    st.session_state["photo_switched"] = True
    _follow(st.session_state[_SWITCH], results)  # the run that comes next says what is wrong


def _follow(on: bool, results: Mapping[str, FrameResult]) -> str:
    """Do what the switch says, where it is not done yet; what is wrong with the history, if so."""
    kept = _kept()
    try:
        for name, result in results.items() if on else ():
            key = f"{name}|{result.model}|{result.detector}"
            if key not in kept:
                kept[key] = _save_photo(name, result)
        if not on and st.session_state.get("photo_switched"):
            history().of(owner()).delete(list(kept.values()))
    except HistoryError as error:
        return str(error)
    if not on:
        kept.clear()
    st.session_state["photo_switched"] = False
    return ""


def _kept() -> dict[str, int]:
    """The sessions that this switch has saved, by picture and models."""
    kept: dict[str, int] = st.session_state.setdefault("photo_kept", {})
    return kept


def _save_photo(name: str, result: FrameResult) -> int:
    """Save one photo as a session of its own; its number."""
    store = history().of(owner())
    session_id = store.begin("photo", name, result.labels, result.model, result.detector)
    store.append(session_id, [replace(result.numbered(), t_s=0.0)])
    store.finish(session_id)
    return session_id
