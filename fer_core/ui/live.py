"""The live page: charts while the camera runs, and what the session came to afterwards."""

from __future__ import annotations

import streamlit as st

from fer_core.live import LiveCamera, LiveStats
from fer_core.timeline import Timeline, TrackSummary
from fer_core.ui.charts import share_bars, timeline_figure
from fer_core.ui.live_chart import GLIMPSE_S, WINDOW_S, live_charts

UPDATE_S = 0.4
"""How often the live charts are drawn anew."""


@st.fragment(run_every=UPDATE_S)
def live_panel(session: LiveCamera) -> None:
    """The live charts of a running session, and a line on how the machine keeps up."""
    if error := session.error:
        st.warning(error, icon=":material/warning:")
    window = session.timeline.to_frame(last_s=WINDOW_S)
    if window.empty:
        st.info("Waiting for the first picture from the camera…", icon=":material/hourglass_top:")
        return
    st.caption(stats_line(session.stats()))
    if window["track_id"].isna().all():
        st.info("No face in the picture.", icon=":material/person_search:")
    live_charts(window, session.timeline.labels, key="live_charts")


def stats_line(stats: LiveStats) -> str:
    """``14.8 frames a second · latency 23 ms (95 % within 41 ms) · 312 frames analysed``."""
    parts = [f"{stats.fps:.1f} frames a second"]
    if stats.latency_median_ms is not None:
        parts.append(
            f"latency {stats.latency_median_ms:.0f} ms (95 % within {stats.latency_p95_ms:.0f} ms)"
        )
    parts.append(f"{stats.processed} frames analysed")
    return " · ".join(parts)


def session_summary(timeline: Timeline) -> None:
    """What a finished session showed: a summary and a chart of one face, all values as a table."""
    st.subheader("Last session")
    summaries = tuple(face for face in timeline.summary() if face.observed_s >= GLIMPSE_S)
    if not summaries:
        st.info(
            "No face was seen in this session. Sit facing the camera, with light on your face.",
            icon=":material/person_search:",
        )
        return
    face = _choose_face(summaries)
    _show_summary(face)
    frame = timeline.to_frame()
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
        data=timeline.to_csv,
        file_name="session.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _choose_face(summaries: tuple[TrackSummary, ...]) -> TrackSummary:
    """The face to show: the only one, or the user's choice (first: the one seen longest)."""
    if len(summaries) == 1:
        return summaries[0]
    by_label = {f"Face {face.track_id} · {face.observed_s:.0f} s": face for face in summaries}
    label = st.selectbox("Face", list(by_label), width=260)
    return by_label[label]


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
