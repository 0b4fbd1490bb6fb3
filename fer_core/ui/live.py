"""The live page: charts while the camera runs, and what the session came to afterwards."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fer_core.live import LiveStats, Places
from fer_core.settings import settings
from fer_core.summary import TrackSummary, summarize
from fer_core.timeline import table_csv
from fer_core.ui.charts import share_bars, timeline_figure
from fer_core.ui.live_chart import GLIMPSE_S, WINDOW_S, live_charts, long_enough
from fer_core.ui.live_view import LiveView, faces_popover, rest_controls

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
            affect = st.toggle(
                "Valence and arousal",
                key="live_affect",
                help="How pleasant and how activated an expression looks, derived from the shares "
                "(Russell and Mehrabian, 1977).",
            )
        rest_controls(view)
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
    """What a finished session showed: a summary and a chart of one face, all values as a table."""
    timeline = view.session.timeline
    st.subheader("Last session")
    frame = timeline.to_frame()
    summaries = tuple(face for face in summarize(frame) if face.observed_s >= GLIMPSE_S)
    if not summaries:
        st.info(
            "No face was seen in this session. Sit facing the camera, with light on your face.",
            icon=":material/person_search:",
        )
        return
    face = _choose_face(summaries, view)
    _show_summary(face)
    shares, course = st.columns([2, 5], gap="medium")
    with shares:
        st.markdown("**Share of time**")
        st.plotly_chart(
            share_bars(face.shares), key="session_shares", config={"displayModeBar": False}
        )
    with course:
        st.markdown("**Whole session**")
        st.plotly_chart(
            timeline_figure(frame, face.track_id, labels=timeline.labels),
            key="session_timeline",
            config={"displayModeBar": False},
        )
    with st.expander("All values"):
        st.dataframe(frame, hide_index=True)
    st.download_button(
        "All values (CSV)",
        data=partial(table_csv, frame),
        file_name="session.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _choose_face(summaries: tuple[TrackSummary, ...], view: LiveView) -> TrackSummary:
    """The face to show: the only one, or the user's choice (first: the one seen longest)."""
    if len(summaries) == 1:
        return summaries[0]
    by_id = {face.track_id: face for face in summaries}
    chosen = st.selectbox(
        "Face",
        list(by_id),
        format_func=lambda i: f"{view.name(i)} · {by_id[i].observed_s:.0f} s",
        width=260,
    )
    return by_id[chosen]


def _show_summary(face: TrackSummary) -> None:
    emotion, share = max(face.shares.items(), key=lambda item: item[1])
    run = face.longest_run
    figures = [
        ("Most of the time", f"{emotion} {share:.0%}"),
        ("Longest run", f"{run.emotion} {run.duration_s:.1f} s"),
        ("Switches", str(face.switches)),
        ("In the picture", f"{face.observed_s:.1f} s"),
    ]
    for column, (label, value) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(label, value)
