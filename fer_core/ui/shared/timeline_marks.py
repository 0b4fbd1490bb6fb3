"""The marks that somebody made by hand in a session: a list, and a form for the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
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

    The page runs again after a change. One that was just removed keeps its place until the page is
    drawn for another reason, and can be added again: the second click of a double click would else
    remove the mark that has moved there.
    """
    gone: tuple[Mark, ...] = st.session_state.pop(_gone(key), ())
    if not marks and not gone and on_add is None:
        return
    st.markdown("**Marks**")
    for mark in sorted((*marks, *gone), key=lambda mark: (mark.t_s, mark.id)):
        with st.container(horizontal=True, vertical_alignment="center"):
            if mark in gone:
                _removed_row(mark, key, gone, on_add)
            else:
                _row(mark, key, gone, on_show, on_remove)
    if on_add is not None:
        _form(key, moment_s, last_s, on_add)
    if problem := st.session_state.get(_problem(key)):
        st.warning(plain(problem), icon=":material/warning:")


def _row(
    mark: Mark,
    key: str,
    gone: tuple[Mark, ...],
    on_show: Callable[[float], None],
    on_remove: Callable[[int], object] | None,
) -> None:
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
    if on_remove is not None:
        st.button(
            "Remove",
            key=f"{key}_remove_{mark.id}",
            icon=":material/delete:",
            on_click=_remove,
            args=(key, mark, gone, on_remove),
            type="tertiary",
        )


def _removed_row(
    mark: Mark,
    key: str,
    gone: tuple[Mark, ...],
    on_add: Callable[[float, str, str], object] | None,
) -> None:
    st.markdown(
        f":material/delete: :small[{format_time(mark.t_s)}] **{plain(mark.label)}** "
        ":small[Removed]",
        width="content",
    )
    if on_add is not None:
        st.button(
            "Undo",
            key=f"{key}_undo_{mark.id}",
            icon=":material/undo:",
            on_click=_undo,
            args=(key, mark, gone, on_add),
            type="tertiary",
        )


def _form(
    key: str,
    moment_s: float | None,
    last_s: float,
    on_add: Callable[[float, str, str], object],
) -> None:
    # Another moment is another widget: only so does it begin with that moment. And after each mark
    # they are others, which are empty; so is the button, whose second of two quick clicks is for
    # the form that was there.
    number = st.session_state.get(_added(key), 0)
    second, label, note = (
        f"{key}_mark_at_{moment_s}_{number}",
        f"{key}_mark_label_{number}",
        f"{key}_mark_note_{number}",
    )
    with (
        st.form(f"{key}_add", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.number_input(
            "Second",
            min_value=0.0,
            max_value=max(last_s, moment_s or 0.0),
            value=moment_s or 0.0,
            step=0.1,
            format="%.2f",
            key=second,
            width=130,
        )
        st.text_input("Label", key=label, max_chars=MOST_CHARS["label"], width=200)
        st.text_input("Note", key=note, max_chars=MOST_CHARS["note"], width="stretch")
        st.form_submit_button(
            "Add mark",
            icon=":material/flag:",
            key=f"{key}_mark_{number}",
            on_click=_add,
            args=(key, number, second, label, note, on_add),
        )


def _add(
    key: str,
    number: int,
    second: str,
    label: str,
    note: str,
    on_add: Callable[[float, str, str], object],
) -> None:
    """For ``on_click``: add the mark that is in the widgets of these keys, once: ``number`` is how
    many had been added when they were drawn."""
    typed = st.session_state
    if typed.get(_added(key), 0) != number:
        return
    if not typed[label].strip():
        typed[_problem(key)] = "A mark needs a label: a word or two about what happened."
        return
    with _problem_is_said(key):
        on_add(typed[second], typed[label].strip(), typed[note].strip())
        typed[_added(key)] = typed.get(_added(key), 0) + 1
    st.rerun()  # the whole page


def _remove(
    key: str, mark: Mark, gone: tuple[Mark, ...], on_remove: Callable[[int], object]
) -> None:
    """For ``on_click``: remove a mark. ``gone`` are those that were removed just before."""
    with _problem_is_said(key):
        on_remove(mark.id)
        st.session_state[_gone(key)] = (*gone, mark)
    st.rerun()  # the whole page


def _undo(
    key: str,
    mark: Mark,
    gone: tuple[Mark, ...],
    on_add: Callable[[float, str, str], object],
) -> None:
    """For ``on_click``: add a mark that was removed."""
    with _problem_is_said(key):
        on_add(mark.t_s, mark.label, mark.note)
        gone = tuple(other for other in gone if other is not mark)
    st.session_state[_gone(key)] = gone
    st.rerun()  # the whole page


@contextmanager
def _problem_is_said(key: str) -> Iterator[None]:
    """For what a click does: what is wrong with it is a sentence on the page that is drawn next."""
    st.session_state.pop(_problem(key), None)
    try:
        # Gone in another tab meanwhile: the page shows it.
        with suppress(SessionUnknown):
            yield
    except HistoryError as error:
        st.session_state[_problem(key)] = str(error)


def _problem(key: str) -> str:
    return f"{key}_mark_problem"


def _added(key: str) -> str:
    return f"{key}_marks_added"


def _gone(key: str) -> str:
    return f"{key}_marks_gone"
