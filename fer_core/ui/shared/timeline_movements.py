"""The movements of a face in a session on a page: their course, and the face at a moment."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.export.charts.axis import format_time
from fer_core.export.charts.movements import (
    has_movements,
    left_out,
    movements_figure,
    movements_in_words,
    units_shown,
)
from fer_core.schema.action_units import DERIVED
from fer_core.ui.shared.face_diagram import diagram_of_row, face_diagram
from fer_core.ui.shared.session_chart import session_chart
from fer_core.ui.shared.timeline_session import Session
from fer_core.ui.shared.widgets import plain

NO_SIDES = "Both sides of the face together."


def movements_course(session: Session) -> None:
    """A strip over time for each action unit that stands out; nothing if none was measured."""
    track_id = session.face.track_id
    if not has_movements(session.table, track_id):
        return
    st.markdown("**Movements**")
    if units_shown(session.table, track_id):
        session_chart(
            movements_figure(session.table, track_id),
            label=movements_in_words(session.name, session.table, track_id),
            key=f"{session.key}_movements",
            name=f"{session.name}-movements",
            view=session.key,
            chosen=session.chosen,
            slider=False,
        )
    st.caption(" ".join(filter(None, [left_out(session.table, track_id), DERIVED])))


def face_at_moment(session: Session) -> None:
    """The face diagram of the selected moment; its place is the same before one is selected."""
    moment_s = session.moment_s
    if moment_s is None:
        st.markdown("**Face at a moment**")
        st.caption("Click a chart to choose a moment.")
        return
    st.markdown(f"**Face at {format_time(moment_s)}**")
    rows = session.rows[session.rows["t_s"] == moment_s]
    if rows.empty:
        st.caption(f"{plain(session.name)} was not in the picture then.")
    else:
        _face_of(session, rows.iloc[0], NO_SIDES)


def only_face(session: Session) -> None:
    """The face diagram of the only frame."""
    st.markdown("**Movements**")
    _face_of(session, session.rows.iloc[0], f"{DERIVED} {NO_SIDES}")


def _face_of(session: Session, row: pd.Series, note: str) -> None:
    drawn = diagram_of_row(row)
    if drawn is None:
        st.caption("Its movements were not measured.")
    else:
        face_diagram([drawn], note, f"{session.key}_face_at")
