"""Widgets for what the history stores: each shows it, and writes it alone where it is changed.

Others may change it meanwhile, in another tab or behind the same password. So nothing is written
but what somebody has just changed here, and what others changed is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st

from fer_core.errors import HistoryError, SessionUnknown
from fer_core.ui.shared.widgets import plain


def follow(key: str, stored: object) -> None:
    """Let the widget of this ``key``, which comes next, show what is stored.

    What was typed there and could not be written stays, until the page is left or others change
    what is stored.
    """
    if key not in st.session_state or st.session_state.get(_shown(key)) != stored:
        st.session_state[key] = st.session_state[_shown(key)] = stored
        st.session_state.pop(_problem(key), None)


def write(key: str, save: Callable[[Any], object]) -> None:
    """For ``on_change``: save what the widget of this ``key`` holds now."""
    st.session_state.pop(_problem(key), None)
    try:
        # Gone in another tab meanwhile: the page shows it.
        with suppress(SessionUnknown):
            save(st.session_state[key])
            st.session_state.pop(_shown(key), None)  # without blanks, it may be stored differently
    except HistoryError as error:
        st.session_state[_problem(key)] = str(error)


def write_problem(key: str) -> None:
    """The sentence that says why what was last changed could not be written, if so."""
    if problem := st.session_state.get(_problem(key)):
        st.error(plain(problem), icon=":material/database:")


def _shown(key: str) -> str:
    return f"{key}_stored"


def _problem(key: str) -> str:
    return f"{key}_problem"
