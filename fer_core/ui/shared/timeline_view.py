"""A finished session on a page, the same after a live stream, of a video and in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fer_core.export.charts.axis import format_time
from fer_core.export.charts.course import Style, course_figure, has_affect
from fer_core.export.charts.movements import has_movements
from fer_core.export.charts.words import course_in_words
from fer_core.timeline.events import METHOD, find_events
from fer_core.timeline.summary import TrackSummary, summarize
from fer_core.ui.services import database_sentence
from fer_core.ui.shared.session_chart import session_chart
from fer_core.ui.shared.timeline_marks import Mark, mark_list
from fer_core.ui.shared.timeline_moment import event_chips, moment_row
from fer_core.ui.shared.timeline_movements import face_at_moment, movements_course, only_face
from fer_core.ui.shared.timeline_session import Session
from fer_core.ui.shared.timeline_summary import share_chart, span_summary, tables
from fer_core.ui.shared.widgets import isolated

GLIMPSE_S = 1.0
"""A face seen for a shorter time is most likely a slip of the detector: shown only if there is no
other."""

FrameAt = Callable[[float], "NDArray[np.uint8] | None"]
"""The picture (BGR) shown at a time in seconds, with whatever marks; None if it is not there."""

_STYLES: dict[Style, str] = {"lines": "Lines", "stacked": "Stacked"}


class Player(Protocol):
    """The film beside the chart of its session."""

    def __call__(
        self, view: str, moment_s: float | None, on_moment: Callable[[float], None]
    ) -> bool:
        """Draw it at ``moment_s``; ``on_moment`` is called with the time in seconds when it pauses.

        It shares its cursor with the chart of the same ``view``. False if it cannot be played.
        """


@st.fragment
@database_sentence()
def timeline_view(
    table: pd.DataFrame,
    *,
    key: str,
    names: Mapping[int, str] | None = None,
    marks: Sequence[Mark] = (),
    on_add_mark: Callable[[float, str, str], object] | None = None,
    on_remove_mark: Callable[[int], object] | None = None,
    frame_at: FrameAt | None = None,
    player: Player | None = None,
) -> None:
    """Everything there is to see of a session: course, summary, events, marks, values.

    ``table`` has the columns of ``timeline.columns``. ``key`` tells views on one page apart; what
    the user chose is kept under it. ``names`` of faces by identity. Marks can be added (time in
    seconds, label, note) and removed (by id) where there is something to call; the page runs again
    afterwards, with new ``marks``. A ``player`` shows the film beside the course; without one, or
    if it cannot play, ``frame_at`` gives the picture of the selected moment.

    A fragment: a click runs this view again, not the page, and so not where the router looks.
    """
    faces = faces_shown(table)
    if not faces:
        st.info(
            "No face was seen in this session, or none that can be read well. Faces that are "
            "large, well lit and turned to the camera are found and read best.",
            icon=":material/person_search:",
        )
        return
    called = {
        face.track_id: (names or {}).get(face.track_id) or f"Face {face.track_id}" for face in faces
    }
    face = _face_chosen(faces, called, key)
    if table["t_s"].nunique() == 1:  # a photo has no course, and nothing to choose about it
        _photo(Session(table, face, called[face.track_id], key))
        return
    # The controls are below the chart, so that the ribbon is visible without scrolling.
    above, below = st.container(), st.container()
    with below:
        style, with_events, affect = _controls(table, face.track_id, key)
    events = find_events(table, face.track_id) if with_events else ()
    session = Session(table, face, called[face.track_id], key, style, affect, events, marks)
    with above:
        picture = _course_and_film(session, frame_at, player)
    moment_row(session)
    event_chips(session)
    movements_course(session)
    moved = has_movements(table, face.track_id)
    beside = [picture, partial(face_at_moment, session) if moved else None]
    span_summary(session, [each for each in beside if each is not None])
    last_s = float(table["t_s"].max())
    mark_list(marks, key, session.moment_s, last_s, session.choose, on_add_mark, on_remove_mark)
    tables(session)


def _photo(session: Session) -> None:
    if not has_movements(session.table, session.face.track_id):
        share_chart(session, session.face)
        return
    shares, movements = st.columns(2, gap="medium")
    with shares:
        share_chart(session, session.face)
    with movements:
        only_face(session)


def faces_shown(table: pd.DataFrame) -> tuple[TrackSummary, ...]:
    """The faces of a session, the one seen longest first: those seen for more than a glimpse, or,
    if there is none, all."""
    faces = summarize(table)
    return tuple(face for face in faces if face.observed_s >= GLIMPSE_S) or faces


def _face_chosen(
    faces: tuple[TrackSummary, ...], names: Mapping[int, str], key: str
) -> TrackSummary:
    """The face to show; a select box if there are several."""
    if len(faces) == 1:
        return faces[0]
    by_id = {face.track_id: face for face in faces}
    seen = {
        i: f" · {face.observed_s:.0f} s" if face.observed_s else "" for i, face in by_id.items()
    }
    return by_id[
        st.selectbox(
            "Face",
            list(by_id),
            format_func=lambda i: f"{isolated(names[i])}{seen[i]}",
            key=f"{key}_face",
            label_visibility="collapsed",
            width=220,
        )
    ]


def _controls(table: pd.DataFrame, track_id: int, key: str) -> tuple[Style, bool, bool]:
    """The style of the course, and whether events, and valence and arousal are shown."""
    with st.container(horizontal=True, vertical_alignment="center"):
        style = st.segmented_control(
            "Shares as",
            list(_STYLES),
            format_func=lambda style: _STYLES[style],
            default="lines",
            required=True,
            key=f"{key}_style",
            label_visibility="collapsed",
            persist_state="session",
        )
        events = st.toggle(
            "Detected events",
            value=True,
            key=f"{key}_events",
            help=METHOD,
            persist_state="session",
        )
        affect = has_affect(table, track_id) and st.toggle(
            "Valence and arousal",
            value=True,
            key=f"{key}_affect",
            help="How pleasant and how activated an expression looks, derived from the shares "
            "(Russell and Mehrabian, 1977).",
            persist_state="session",
        )
    return style, events, affect


def _course_and_film(
    session: Session, frame_at: FrameAt | None, player: Player | None
) -> Callable[[], None] | None:
    """The course, with the film or a picture beside it. Without a player, returns a function that
    draws the picture, if there is one."""
    moment_s = session.moment_s
    if player is None:
        _course(session)
        if frame_at is None or moment_s is None:
            return None
        return partial(_picture, frame_at, moment_s)
    film, course = st.columns(2, gap="medium")
    with film:
        plays = player(session.key, moment_s, session.choose)
        if not plays and frame_at is not None:
            _picture(frame_at, session.face.start_s if moment_s is None else moment_s)
    with course:
        _course(session)
    return None


def _course(session: Session) -> None:
    face = session.face
    session_chart(
        course_figure(
            session.table,
            face.track_id,
            style=session.style,
            affect=session.affect,
            events=session.events,
            marks=session.marks,
        ),
        label=course_in_words(session.name, face, session.events),
        key=f"{session.key}_course",
        name=f"{session.name}-expressions",
        view=session.key,
        chosen=session.chosen,
    )


def _picture(frame_at: FrameAt, moment_s: float) -> None:
    st.markdown(f"**Picture at {format_time(moment_s)}**")
    frame = frame_at(moment_s)
    if frame is None:
        st.caption("The picture of this moment is no longer available.")
    else:
        st.image(frame[:, :, ::-1], width="stretch", output_format="JPEG")
