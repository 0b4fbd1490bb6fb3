"""Draws a page anew when what it shows was changed in another tab, or by another process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core.errors import HistoryError

LOOK_S = 4.0
"""How often a page looks. Each look is a few small queries, and draws nothing."""


def watch(look: Callable[[], object], drawn: object) -> None:
    """Run the page again once ``look`` returns anything but ``drawn``, what it returned for the
    page as it is. Call it at the end of a page."""
    st.fragment(_watch, run_every=LOOK_S)(look, drawn)


def _watch(look: Callable[[], object], drawn: object) -> None:
    run = get_script_run_ctx()
    if run is None or not run.fragment_ids_this_run:
        return  # the page is being drawn, and ``drawn`` is new
    with suppress(HistoryError):  # the database is away: what is shown may still be so
        if look() != drawn:
            st.rerun()
