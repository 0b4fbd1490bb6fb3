"""A finished session on a page, the same after a live stream, of a video and in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fer_core.export.charts.affect import affect_trail_figure
from fer_core.export.charts.axis import format_time
from fer_core.export.charts.basic import share_bars
from fer_core.export.charts.course import Style, course_figure, has_affect
from fer_core.timeline.events import METHOD, Event, events_table, find_events
from fer_core.timeline.summary import TrackSummary, key_figures, summarize, summary_table
from fer_core.timeline.table import labels_of
from fer_core.ui.shared.session_chart import session_chart
from fer_core.ui.shared.timeline_marks import Mark, mark_list
from fer_core.ui.shared.widgets import plain

GLIMPSE_S = 1.0
"""A face seen for a shorter time is most likely a slip of the detector: shown only if there is no
other."""

FrameAt = Callable[[float], "NDArray[np.uint8] | None"]
"""The picture (BGR) shown at a time in seconds, with whatever marks; None if it is not there."""

_STYLES: dict[Style, str] = {"lines": "Lines", "stacked": "Stacked"}


@dataclass(frozen=True, slots=True)
class _Session:
    """One face of a session, and what the user chose to see of it."""

    table: pd.DataFrame
    face: TrackSummary
    name: str
    key: str
    style: Style = "lines"
    affect: bool = False
    events: tuple[Event, ...] = ()
    marks: Sequence[Mark] = field(default_factory=tuple)

    @property
    def moment_s(self) -> float | None:
        """The chosen moment: the time of a frame."""
        moment_s: float | None = st.session_state.get(f"{self.key}_moment")
        return moment_s

    def choose(self, t_s: float) -> None:
        """Choose the frame nearest to ``t_s``."""
        times_s = self.table["t_s"].to_numpy(np.float64)
        nearest = float(times_s[np.abs(times_s - t_s).argmin()])
        st.session_state[f"{self.key}_moment"] = nearest


@st.fragment
def timeline_view(
    table: pd.DataFrame,
    *,
    key: str,
    names: Mapping[int, str] | None = None,
    marks: Sequence[Mark] = (),
    on_add_mark: Callable[[float, str, str], object] | None = None,
    on_remove_mark: Callable[[int], object] | None = None,
    frame_at: FrameAt | None = None,
) -> None:
    """Everything there is to see of a session: course, summary, events, marks, values.

    ``table`` has the columns of ``timeline.columns``. ``key`` tells views on one page apart; what
    the user chose is kept under it. ``names`` of faces by identity. Marks can be added (time in
    seconds, label, note) and removed (by id) where there is something to call; the page runs again
    afterwards, with new ``marks``. With ``frame_at``, the picture of a chosen moment is shown.

    A fragment: a click runs this view again, not the page.
    """
    faces = faces_shown(table)
    if not faces:
        st.info(
            "No face was seen in this session. Faces that are large, well lit and turned to the "
            "camera are found most easily.",
            icon=":material/person_search:",
        )
        return
    session = _controls(table, faces, key, names or {}, marks)
    if table["t_s"].nunique() == 1:
        st.info("This session is a single frame: there is no course over time.")
        _bars(session, session.face.means)
        return
    _metrics(session.face)
    session_chart(
        course_figure(
            table,
            session.face.track_id,
            style=session.style,
            affect=session.affect,
            events=session.events,
            marks=marks,
        ),
        label=f"{session.name}: expressions over {format_time(np.ptp(table['t_s']))} minutes",
        key=f"{key}_course",
        moment_s=session.moment_s,
        on_moment=session.choose,
    )
    _moment(session)
    _beside(session, frame_at)
    mark_list(marks, key, session.moment_s, session.choose, on_add_mark, on_remove_mark)
    _tables(session)


def faces_shown(table: pd.DataFrame) -> tuple[TrackSummary, ...]:
    """The faces of a session, the one seen longest first: those seen for more than a glimpse, or,
    if there is none, all."""
    faces = summarize(table)
    return tuple(face for face in faces if face.observed_s >= GLIMPSE_S) or faces


def _controls(
    table: pd.DataFrame,
    faces: tuple[TrackSummary, ...],
    key: str,
    names: Mapping[int, str],
    marks: Sequence[Mark],
) -> _Session:
    """The row of widgets above the chart."""
    by_id = {face.track_id: face for face in faces}

    def name(track_id: int) -> str:
        return names.get(track_id) or f"Face {track_id}"

    with st.container(horizontal=True, vertical_alignment="center"):
        track_id = faces[0].track_id
        if len(faces) > 1:
            track_id = st.selectbox(
                "Face",
                list(by_id),
                format_func=lambda i: f"{name(i)} · {by_id[i].observed_s:.0f} s",
                key=f"{key}_face",
                label_visibility="collapsed",
                width=220,
            )
        style = st.segmented_control(
            "Shares as",
            list(_STYLES),
            format_func=lambda style: _STYLES[style],
            default="lines",
            required=True,
            key=f"{key}_style",
            label_visibility="collapsed",
        )
        found = st.toggle("Detected events", value=True, key=f"{key}_events", help=METHOD)
        affect = has_affect(table, track_id) and st.toggle(
            "Valence and arousal",
            value=True,
            key=f"{key}_affect",
            help="How pleasant and how activated an expression looks, derived from the shares "
            "(Russell and Mehrabian, 1977).",
        )
    events = find_events(table, track_id) if found else ()
    return _Session(table, by_id[track_id], name(track_id), key, style, affect, events, marks)


def _metrics(face: TrackSummary) -> None:
    with st.container(horizontal=True):
        for label, value in key_figures(face).items():
            st.metric(label, plain(value), width="content")


def _moment(session: _Session) -> None:
    """What there was at the chosen moment, and the way to the events before and after it."""
    moment_s = session.moment_s
    times_s = sorted({event.t_s for event in session.events})
    now_s = -np.inf if moment_s is None else moment_s
    earlier = [t_s for t_s in times_s if t_s < now_s]
    later = [t_s for t_s in times_s if t_s > now_s]
    with st.container(horizontal=True, vertical_alignment="center"):
        for word, icon, there in (
            ("Previous event", ":material/skip_previous:", earlier[-1:]),
            ("Next event", ":material/skip_next:", later[:1]),
        ):
            st.button(
                word,
                key=f"{session.key}_{word}",
                icon=icon,
                disabled=not there,
                on_click=partial(_choose_all, session, there),
                type="tertiary",
            )
        if moment_s is None:
            st.caption("Click the chart to choose a moment.")
        else:
            st.markdown(_moment_line(session, moment_s))


def _choose_all(session: _Session, times_s: Sequence[float]) -> None:
    for t_s in times_s:
        session.choose(t_s)


def _moment_line(session: _Session, t_s: float) -> str:
    """``**0:12.3** · happy 83% · peak of happy``."""
    rows = session.table
    row = rows[(rows["t_s"] == t_s) & (rows["track_id"] == session.face.track_id)]
    parts = [f"**{format_time(t_s)}**"]
    if row.empty:
        parts.append("not in the picture")
    else:
        dominant = str(row["dominant"].iloc[0])
        parts.append(f"{plain(dominant)} {float(row[dominant].iloc[0]):.0%}")
    parts += [f"{e.kind} of {plain(str(e.label))}" for e in session.events if e.t_s == t_s]
    parts += [f":material/flag: {plain(mark.label)}" for mark in session.marks if mark.t_s == t_s]
    return " · ".join(parts)


def _beside(session: _Session, frame_at: FrameAt | None) -> None:
    """The picture of the chosen moment, the shares, and the circumplex, side by side."""
    moment_s = session.moment_s
    parts: list[Callable[[], None]] = []
    if moment_s is not None and frame_at is not None:
        parts.append(partial(_picture, frame_at, moment_s))
    face = session.face
    parts.append(partial(_bars, session, face.shares if face.observed_s else face.means))
    if has_affect(session.table, face.track_id):
        parts.append(partial(_circumplex, session))
    for column, part in zip(st.columns(len(parts), gap="medium"), parts, strict=True):
        with column:
            part()


def _picture(frame_at: FrameAt, moment_s: float) -> None:
    st.markdown(f"**Picture at {format_time(moment_s)}**")
    frame = frame_at(moment_s)
    if frame is None:
        st.caption("The picture of this moment is not there any more.")
    else:
        st.image(frame[:, :, ::-1], width="stretch", output_format="JPEG")


def _bars(session: _Session, shares: Mapping[str, float]) -> None:
    st.markdown("**Share of time**" if shares is session.face.shares else "**Mean share**")
    st.plotly_chart(
        share_bars(shares), key=f"{session.key}_shares", config={"displayModeBar": False}
    )


def _circumplex(session: _Session) -> None:
    st.markdown("**Valence and arousal**")
    st.plotly_chart(
        affect_trail_figure(session.table, session.face.track_id),
        key=f"{session.key}_circumplex",
        config={"displayModeBar": False},
    )


def _tables(session: _Session) -> None:
    """The same as numbers."""
    with st.expander("Tables", icon=":material/table:"):
        summary, events, values = st.tabs(["Summary", "Detected events", "All values"])
        with summary:
            st.dataframe(summary_table(session.face), hide_index=True, column_config=_PERCENT)
        with events:
            st.caption(METHOD)
            st.dataframe(
                events_table(session.events).drop(columns="track_id"),
                hide_index=True,
                column_config=_PERCENT,
            )
        with values:
            columns = ["t_s", "track_id", "dominant", *map(str, labels_of(session.table))]
            rest = [name for name in session.table.columns if name not in columns]
            st.dataframe(session.table, hide_index=True, column_order=[*columns, *rest])


_PERCENT = {
    name: st.column_config.NumberColumn(format="percent")
    for name in ("share", "share of time", "mean share", "largest share")
} | {
    name: st.column_config.NumberColumn(format="%.2f", help="Seconds since the session began.")
    for name in ("t_s", "at (s)")
}
