"""A switch that removes faces that cannot be read well from a session's charts and files."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.timeline.readings import problems, readable


def readable_only(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """The table, filtered by ``readable`` if the switch of this ``key`` is on."""
    return readable(table) if st.session_state.get(_switch(key)) else table


def readable_switch(table: pd.DataFrame, key: str) -> None:
    """Show the switch, unless every face of the whole ``table`` can be read well."""
    faces = table["track_id"].notna()
    share = (problems(table)[faces] != "").mean() if faces.any() else 0.0
    if share:
        count = "few" if share <= 0.005 else f"{share:.0%}"  # not "the 0%"
        st.toggle(
            f"Leave out the {count} that cannot be read well",
            key=_switch(key),
            help="From the charts, the summary and the files: faces that are too small, blurred, "
            "dark, bright or turned, with covered eyes or mouth, or hardly recognised as a face.",
        )


def _switch(key: str) -> str:
    return f"{key}_readable"
