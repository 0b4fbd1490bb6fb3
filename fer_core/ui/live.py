"""The live page: charts while the camera runs, and what the session came to afterwards."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fer_core.live import LiveStats, Places
from fer_core.settings import settings
from fer_core.timeline import table_csv
from fer_core.ui.keep import keep_live
from fer_core.ui.live_chart import WINDOW_S, live_charts, long_enough
from fer_core.ui.live_view import LiveView, faces_popover, rest_controls
from fer_core.ui.timeline_view import timeline_view

UPDATE_S = 0.4
"""How often the live charts are drawn anew."""


SKIPPED_SHARE = 0.4
"""A machine that skips more than this part of the camera's frames is too slow for the camera."""


@st.cache_resource(show_spinner=False)
def live_places() -> Places:
    """The places for live cameras, which all sessions of this server share."""
    return Places(settings().max_streams)


@st.fragment(run_every=UPDATE_S)
def live_panel(view: LiveView) -> None:
    """The live charts of a running session, and a line on how the machine keeps up."""
    session = view.session
    # Always the same containers, so that what comes and goes in one does not move the others.
    status, controls, notice = st.container(), st.container(), st.container()
    if error := session.error:
        status.warning(error, icon=":material/warning:")
    window = session.timeline.to_frame(last_s=WINDOW_S)
    if window.empty:
        if not error:
            status.info("Waiting for the first picture…", icon=":material/hourglass_top:")
        return
    status.caption(speed_line(session.stats()))
    tracks = long_enough(window)
    with controls:
        with st.container(horizontal=True, vertical_alignment="center"):
            faces_popover(view, tracks)
            problem = keep_live(view)
            affect = st.toggle(
                "Valence and arousal",
                key="live_affect",
                help="How pleasant and how activated an expression looks, derived from the shares "
                "(Russell and Mehrabian, 1977).",
            )
        rest_controls(view)
    if problem:
        status.warning(problem, icon=":material/database:")
    if window["track_id"].isna().all():
        notice.info("No face in the picture.", icon=":material/person_search:")
    live_charts(window, view, affect, key="live_charts")


def speed_line(stats: LiveStats) -> str:
    """``14.8 frames a second · latency 23 ms (95 % within 41 ms) · 312 frames analysed``, and what
    a machine that is too slow for the camera leaves out."""
    parts = [f"{stats.fps:.1f} frames a second"]
    if stats.latency_median_ms is not None:
        parts.append(
            f"latency {stats.latency_median_ms:.0f} ms (95 % within {stats.latency_p95_ms:.0f} ms)"
        )
    parts.append(f"{stats.processed} frames analysed")
    line = " · ".join(parts)
    if stats.skipped_share > SKIPPED_SHARE:
        line += (
            f"  \n:material/speed: This computer is busy: {stats.skipped_share:.0%} of the "
            "camera's frames are skipped, for every live session alike."
        )
    return line


def session_summary(view: LiveView) -> None:
    """What a finished session showed: its timeline, with all values as a file."""
    table = view.session.timeline.to_frame()
    st.subheader("Last session")
    if problem := keep_live(view):
        st.warning(problem, icon=":material/database:")
    # A key of its own for each session: what was chosen in the one before does not stay.
    timeline_view(table, key=f"session_{id(view.session)}", names=view.names)
    st.download_button(
        "All values (CSV)",
        data=partial(table_csv, table),
        file_name="session.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
