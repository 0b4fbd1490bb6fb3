"""Deletion of sessions, and the way back within the minute after it.

All is done before the page is drawn, and to the sessions that the page named: those in the list or
in the minute may be others by the time of the click.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from fer_core.errors import HistoryError
from fer_core.history import OwnedHistory
from fer_core.ui.services import database_sentence
from fer_core.ui.shared.widgets import plain
from fer_core.wording import count_of

UPDATE_S = 5.0
"""How often the line looks, while there is a way back, whether there still is one."""

_HERE, _CLICKS, _PROBLEM = "history_deleted", "history_clicks", "history_problem"


def delete(store: OwnedHistory, ids: Sequence[int]) -> None:
    """For ``on_click``: hide these sessions."""
    with _problem_is_said():
        store.delete(ids)
        _deleted_here().update(ids)


def delete_all(store: OwnedHistory) -> None:
    """For ``on_click``: remove all sessions permanently."""
    with _problem_is_said():
        store.delete_all()


def undo_line(store: OwnedHistory) -> None:
    """The way back after deletions of the last minute, also those in another tab."""
    # Always there, both: what comes and goes in them moves nothing else on the page.
    said, line = st.container(), st.container()
    if problem := st.session_state.pop(_PROBLEM, ""):
        said.warning(plain(problem), icon=":material/warning:")
    if store.restorable():
        with line:
            st.fragment(_undo_line, run_every=UPDATE_S)(store, _clicks())


def _undo_line(store: OwnedHistory, clicks: int) -> None:
    """``clicks`` is how many there were when the page was drawn."""
    with (
        st.container(key="history_undo_line", horizontal=True, vertical_alignment="center"),
        database_sentence(),
    ):
        deleted = store.restorable()
        if not deleted or clicks != _clicks():
            st.rerun()  # the whole page, with the list
        # So short that a phone has all of it in one line.
        st.caption(f":material/delete: {len(deleted)} deleted.", width="content")
        st.button(
            "Undo" if len(deleted) == 1 else f"Undo ({len(deleted)})",
            key="history_undo",
            icon=":material/undo:",
            on_click=_restore,
            args=(store, deleted),
        )
        # Who deleted others, in another tab or behind the same password, keeps the whole minute.
        if here := sorted(_deleted_here() & set(deleted)):
            st.button(
                "Delete permanently" if here == deleted else f"Delete {len(here)} permanently",
                key="history_purge",
                type="tertiary",
                on_click=_purge,
                args=(store, here),
            )


def _restore(store: OwnedHistory, ids: Sequence[int]) -> None:
    with _problem_is_said():
        if gone := len(ids) - store.restore(ids):
            raise HistoryError(f"{count_of(gone, 'session')} had already been deleted for good.")


def _purge(store: OwnedHistory, ids: Sequence[int]) -> None:
    with _problem_is_said():
        store.purge(ids)


@contextmanager
def _problem_is_said() -> Iterator[None]:
    """For what a click does: what is wrong with it is a sentence on the page that is drawn next."""
    st.session_state[_CLICKS] = _clicks() + 1
    try:
        yield
    except HistoryError as error:
        st.session_state[_PROBLEM] = str(error)


def _clicks() -> int:
    clicks: int = st.session_state.get(_CLICKS, 0)
    return clicks


def _deleted_here() -> set[int]:
    """What was deleted in this browser tab."""
    here: set[int] = st.session_state.setdefault(_HERE, set())
    return here
