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
from fer_core.ui.shared.watch import watch
from fer_core.ui.shared.widgets import plain

_SWITCH = "photo_keep"


def save_photos(outcomes: Collection[Outcome]) -> int:
    """The switch of the photo page: the numbers of what it shows are kept while it is on.

    Each picture becomes a session of its own, once. Switched off again, they leave the history; a
    switch that is only gone for a while, with the pictures or the page, takes nothing with it.
    Returns how many of them are in the history, for ``watch_saved``.
    """
    on = st.toggle(
        "Save to history",
        key=_SWITCH,
        help=f"{save_help()} Switched off, what it saved leaves the history again.",
        on_change=_switched,
        args=(outcomes,),
    )
    problem = _follow(on, outcomes)
    saved = 0
    try:
        saved = _in_history()
    except HistoryError as error:
        problem = problem or str(error)
    if problem:
        st.error(plain(problem), icon=":material/database:")
    elif _kept():
        st.caption(_saved_line(saved, len(_kept())), width="content")
    return saved


def watch_saved(saved: int) -> None:
    """Run the page again when another tab deletes what was saved here, or takes that back."""
    if _kept():
        watch(_in_history, saved)


def _saved_line(saved: int, kept: int) -> str:
    """What became of the ``kept`` sessions that this switch has saved."""
    if saved < kept:
        what = "Deleted from the history" if not saved else f"{saved} of {kept} still saved"
        return (
            f":material/bookmark_remove: {what}. Switch “Save to history” off and on again to save "
            "anew."
        )
    more = "" if kept == 1 else f": the numbers of {kept} pictures"
    return f":material/bookmark_added: Saved to history{more}"


def _in_history() -> int:
    """How many of the sessions that this switch has saved were not deleted since, as on the History
    page. Raises ``HistoryError``."""
    kept = _kept()
    return shared_history().of(owner()).count(ids=kept.values()) if kept else 0


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
