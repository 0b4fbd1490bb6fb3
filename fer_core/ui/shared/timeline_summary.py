"""The summary of a session: key figures and shares of the visible span, and the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from fer_core.export.charts.affect import affect_trail_figure
from fer_core.export.charts.basic import share_bars
from fer_core.export.charts.course import has_affect
from fer_core.export.charts.words import problems_in_words, shares_in_words, span_in_words
from fer_core.export.text_summary import eyes_closed, hard_to_read, moved_most
from fer_core.timeline.events import METHOD, events_table
from fer_core.timeline.readings import problems
from fer_core.timeline.summary import TrackSummary, key_figures, summary_table
from fer_core.timeline.table import labels_of
from fer_core.ui.shared.session_chart import session_chart
from fer_core.ui.shared.timeline_session import Session
from fer_core.ui.shared.widgets import plain


def span_summary(session: Session, beside: Sequence[Callable[[], None]] = ()) -> None:
    """Key figures, shares and circumplex of the visible span; what is drawn ``beside`` the charts
    is of the selected moment."""
    _span_line(session)
    face = session.in_span
    parts = list(beside)
    if face is None:
        st.caption(f"{plain(session.name)} was not in the picture then.")
    else:
        _metrics(face)
        if sentence := moved_most(face):
            st.caption(f":material/face: {sentence}")
        if sentence := eyes_closed(face):
            st.caption(f":material/visibility: {sentence}")
        if sentence := hard_to_read(face):
            st.caption(f":material/visibility_off: {sentence}")
        parts.append(partial(share_chart, session, face))
        if has_affect(session.visible, face.track_id):
            parts.append(partial(_circumplex, session))
    if parts:
        for column, part in zip(st.columns(len(parts), gap="medium"), parts, strict=True):
            with column:
                part()


def share_chart(session: Session, face: TrackSummary) -> None:
    """The share of time of each expression, or the mean shares of a face seen in one frame."""
    shares, title = (face.shares, "Share of time") if face.observed_s else (face.means, "Shares")
    st.markdown(f"**{title}**")
    session_chart(
        share_bars(shares),
        label=f"{title} of {session.name}: {shares_in_words(shares)}.",
        key=f"{session.key}_shares",
    )


def tables(session: Session) -> None:
    """The numbers behind the charts."""
    with st.expander("Tables", icon=":material/table:"):
        summary, events, values = st.tabs(["Summary", "Detected events", "All values"])
        with summary:
            if session.span_s is not None:
                st.caption(f"Only {span_in_words(*session.span_s)}.")
            if session.in_span is not None:
                st.dataframe(
                    summary_table(session.in_span), hide_index=True, column_config=_PERCENT
                )
        with events:
            st.caption(METHOD)
            st.dataframe(
                events_table(session.events).drop(columns="track_id"),
                hide_index=True,
                column_config=_PERCENT,
            )
        with values:
            table = session.table.assign(problems=problems(session.table).map(problems_in_words))
            columns = ["t_s", "track_id", "dominant", *map(str, labels_of(table)), "problems"]
            rest = [name for name in table.columns if name not in columns]
            st.dataframe(table, hide_index=True, column_order=[*columns, *rest])


def _span_line(session: Session) -> None:
    """The span of the figures below, and a button for the whole session."""
    if session.span_s is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{span_in_words(*session.span_s)}**", width="content")
        st.button(
            "Whole session",
            key=f"{session.key}_whole",
            icon=":material/zoom_out_map:",
            type="tertiary",
            on_click=session.choose_span,
            args=(None,),
        )


def _metrics(face: TrackSummary) -> None:
    with st.container(horizontal=True, gap="medium"):
        for label, value in key_figures(face).items():
            st.metric(label, plain(value), width="content")


def _circumplex(session: Session) -> None:
    st.markdown("**Valence and arousal**")
    face = session.in_span or session.face
    session_chart(
        affect_trail_figure(session.visible, face.track_id),
        label=f"Valence and arousal of {session.name} on the circumplex: "
        f"mean valence {face.valence_mean:+z.2f}, mean arousal {face.arousal_mean:+z.2f}.",
        key=f"{session.key}_circumplex",
    )


_PERCENT = {
    name: st.column_config.NumberColumn(format="percent")
    for name in ("share", "share of time", "mean share", "largest share")
} | {
    name: st.column_config.NumberColumn(format="%.2f", help="Seconds since the session began.")
    for name in ("t_s", "at (s)")
}
