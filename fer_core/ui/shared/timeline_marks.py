"""The marks that somebody made by hand in a session: a list, and a form for the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import streamlit as st

from fer_core.errors import HistoryError, SessionUnknown
from fer_core.export.charts import layout
from fer_core.export.charts.axis import format_time
from fer_core.ui.shared.widgets import plain

MOST_CHARS = {"label": 60, "note": 500}


class Mark(layout.Mark, Protocol):
    """One that can be removed."""

    @property
    def id(self) -> int:
        """What tells it apart."""


def mark_list(
    marks: Sequence[Mark],
    key: str,
    moment_s: float | None,
    last_s: float,
    on_show: Callable[[float], None],
    on_add: Callable[[float, str, str], object] | None,
    on_remove: Callable[[int], object] | None,
) -> None:
    """The marks in order of time; a form that adds one, at ``moment_s`` at first and until
    ``last_s``, where ``on_add`` is given.

    The page runs again after a change.
    """
    if not marks and on_add is None:
        return
    st.markdown("**Marks**")
    for mark in sorted(marks, key=lambda mark: mark.t_s):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                format_time(mark.t_s),
                key=f"{key}_show_{mark.id}",
                icon=":material/flag:",
                help="Show this moment",
                on_click=on_show,
                args=(mark.t_s,),
                type="tertiary",
            )
            note = f" · {plain(mark.note)}" if mark.note else ""
            st.markdown(f"**{plain(mark.label)}**{note}", width="stretch")
            if on_remove is not None and st.button(
                "Remove",
                key=f"{key}_remove_{mark.id}",
                icon=":material/delete:",
                type="tertiary",
            ):
                _change(partial(on_remove, mark.id))
    if on_add is not None:
        _form(key, moment_s, last_s, on_add)


def _form(
    key: str,
    moment_s: float | None,
    last_s: float,
    on_add: Callable[[float, str, str], object],
) -> None:
    with (
        st.form(f"{key}_add", clear_on_submit=True, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        # Another moment is another widget: only so does it begin with that moment.
        t_s = st.number_input(
            "Second",
            min_value=0.0,
            max_value=max(last_s, moment_s or 0.0),
            value=moment_s or 0.0,
            step=0.1,
            format="%.2f",
            key=f"{key}_mark_at_{moment_s}",
            width=130,
        )
        label = st.text_input(
            "Label", key=f"{key}_mark_label", max_chars=MOST_CHARS["label"], width=200
        )
        note = st.text_input(
            "Note", key=f"{key}_mark_note", max_chars=MOST_CHARS["note"], width="stretch"
        )
        wanted = st.form_submit_button("Add mark", icon=":material/flag:")
    if not wanted:
        return
    if not label.strip():
        st.warning("A mark needs a label: a word or two about what happened.")
        return
    _change(partial(on_add, t_s, label.strip(), note.strip()))


def _change(change: Callable[[], object]) -> None:
    """Make a change, and draw the page anew; or say why it could not be made."""
    try:
        # Gone in another tab meanwhile: the page shows it.
        with suppress(SessionUnknown):
            change()
    except HistoryError as error:
        st.error(plain(error), icon=":material/database:")
    else:
        st.rerun()
