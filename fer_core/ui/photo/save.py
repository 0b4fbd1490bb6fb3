"""The switch that keeps what a page shows in the history; without it nothing is stored."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from fer_core.errors import HistoryError
from fer_core.history import history
from fer_core.schema import FrameResult
from fer_core.ui.photo.outcomes import Outcome
from fer_core.ui.services import owner, shared_history
from fer_core.ui.shared.storage_time import save_help
from fer_core.ui.shared.widgets import plain

_SWITCH = "photo_keep"


def save_photos(outcomes: Collection[Outcome]) -> None:
    """The switch of the photo page: what it shows is kept while it is on.

    Each picture becomes a session of its own, once. Switched off again, they leave the history; a
    switch that is only gone for a while, with the pictures or the page, takes nothing with it.
    """
    on = st.toggle(
        "Save to history",
        key=_SWITCH,
        help=f"{save_help()} Switched off, the pictures that it saved leave the history again.",
        on_change=_switched,
        args=(outcomes,),
    )
    if problem := _follow(on, outcomes):
        st.error(plain(problem), icon=":material/database:")
    elif kept := len(_kept()):
        more = "" if kept == 1 else f": {kept} pictures"
        st.caption(f":material/bookmark_added: Saved to history{more}", width="content")


def _switched(outcomes: Collection[Outcome]) -> None:
    """Save or delete at once: who goes to another page right after the click ends this page's run
    before it comes to the switch, but not this call."""
    st.session_state["photo_switched"] = True
    _follow(st.session_state[_SWITCH], outcomes)  # the run that comes next says what is wrong


def _follow(on: bool, outcomes: Collection[Outcome]) -> str:
    """Do what the switch says, where it is not done yet; what is wrong with the history, if so."""
    kept = _kept()
    try:
        for each in outcomes if on else ():
            if each.result and each.key not in kept:
                kept[each.key] = _save_photo(each.name, each.result)
        if not on and st.session_state.get("photo_switched"):
            shared_history().of(owner()).delete(kept.values())
    except HistoryError as error:
        return str(error)
    if not on:
        kept.clear()
    st.session_state["photo_switched"] = False
    return ""


def _kept() -> dict[str, int]:
    """The sessions that this switch has saved, by ``Outcome.key``."""
    kept: dict[str, int] = st.session_state.setdefault("photo_kept", {})
    return kept


def _save_photo(name: str, result: FrameResult) -> int:
    """Save one photo as a session of its own; its number."""
    store = history().of(owner())
    # Not listed before it is whole, in case the database goes away meanwhile.
    session_id = store.begin(
        "photo", name, result.labels, result.model, result.detector, kept=False
    )
    try:
        store.append(session_id, [replace(result.numbered(), t_s=0.0)])
        store.finish(session_id)
        store.keep(session_id)
    except HistoryError:
        with suppress(HistoryError):  # half a session is none
            store.delete([session_id])
            store.purge([session_id])
        raise
    # Tidied from now on, and not before: who goes to the History page right after the click has it
    # drawn beside this call, and should find the photo there.
    shared_history()
    return session_id
