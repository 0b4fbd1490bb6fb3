"""What the user set on the live page for one session of the camera, and the widgets for it."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, fields
from typing import cast

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fer_core.analysis.baseline import GIVE_UP_S, RestingExpression, above_rest, rest_progress
from fer_core.errors import RestNotMeasured
from fer_core.history import LiveRecording, Mark
from fer_core.history.live_writer import moment_label
from fer_core.labels import Emotion
from fer_core.live.session import LiveCamera
from fer_core.schema import Gaze
from fer_core.schema.affect import COORDINATES

_GAZE = [f"gaze_{each.name}" for each in fields(Gaze)]


@dataclass(slots=True)
class LiveView:
    """The user's choices for one session.

    ``names`` and ``rests`` are by identity. ``hidden`` faces get no chart. ``moments`` are
    the times in seconds of the frames that were marked, by the number of the mark, of
    which ``marked`` is the last one given. ``resting_since_s`` is
    the time of the frame with which a rest that is now being measured began. ``recording`` is there
    while the session is kept in the history.
    """

    session: LiveCamera
    names: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    rests: dict[int, RestingExpression] = field(default_factory=dict)
    moments: dict[int, float] = field(default_factory=dict)
    marked: int = 0
    resting_since_s: float | None = None
    problem: str = ""
    recording: LiveRecording | None = None
    save_problem: str = ""

    def name(self, track_id: int) -> str:
        """What the user calls a face, or its number."""
        return self.names.get(track_id) or f"Face {track_id}"

    def mark_moment(self) -> None:
        """Mark the newest frame, if there is one that is not marked yet."""
        latest = self.session.latest
        if latest is not None and latest.t_s not in self.moments.values():
            self.marked += 1
            self.moments[self.marked] = latest.t_s

    def remove_moment(self, number: int) -> None:
        """Take back a mark; the others keep their numbers."""
        self.moments.pop(number, None)

    def marks(self) -> list[Mark]:
        """The moments as the marks of a timeline."""
        return [Mark(number, t_s, moment_label(number), "") for number, t_s in self.moments.items()]


def live_view(session: LiveCamera) -> LiveView:
    """The choices for this session, kept in the browser session; a new session has none."""
    view = cast("LiveView | None", st.session_state.get("live_view"))
    if view is None or view.session is not session:
        view = st.session_state["live_view"] = LiveView(session)
    return view


def faces_popover(view: LiveView, tracks: list[int]) -> None:
    """The widgets that name faces and choose which of them get charts."""
    with st.popover("Faces", icon=":material/groups:", disabled=not tracks):
        for track_id in tracks:
            with st.container(horizontal=True, vertical_alignment="center"):
                shown = st.checkbox(f"Face {track_id}", value=True, key=f"live_show_{track_id}")
                name = st.text_input(
                    f"Name of face {track_id}",
                    key=f"live_name_{track_id}",
                    placeholder="name",
                    label_visibility="collapsed",
                    max_chars=40,
                    width=180,
                )
            view.names[track_id] = name.strip()
            (view.hidden.discard if shown else view.hidden.add)(track_id)


def rest_controls(view: LiveView) -> None:
    """The button that measures how the faces before the camera look at rest, or its progress.

    ``view.problem`` is a sentence where it could not be measured.
    """
    latest = view.session.latest
    if view.resting_since_s is not None and latest is not None:
        seen = _seen_at_rest(view, view.resting_since_s)
        progress = _progress(seen)
        if progress < 1.0 and latest.t_s - view.resting_since_s < GIVE_UP_S:
            st.progress(
                progress,
                f"Rest your face and look at the camera, as if nobody were there… {progress:.0%}",
                width=300,
            )
            return
        _measure(view, seen)
    st.button(
        "Measure at rest" if not view.rests else "Measure again",
        key="live_rest",
        icon=":material/self_improvement:",
        help="Rest your face for a few seconds. Some faces read as sad or angry at rest: this "
        "measures how yours does, and shows from then on what has changed against it.",
        disabled=latest is None,
        on_click=_begin,
        args=(view,),
    )
    if view.rests:
        st.button("Clear baseline", key="live_forget_rest", on_click=view.rests.clear)


def _begin(view: LiveView) -> None:
    latest = view.session.latest
    view.problem = ""
    view.resting_since_s = latest.t_s if latest else None


def _seen_at_rest(view: LiveView, since_s: float) -> pd.DataFrame:
    """The rows of all frames since a measurement began; those without a face have no identity."""
    table = view.session.timeline.to_frame(last_s=GIVE_UP_S)
    return table[table["t_s"] >= since_s]


def _progress(seen: pd.DataFrame) -> float:
    """How far the measurement is, 0..1: of the faces now in the picture, the one seen the least.

    While nobody is, the face seen the most: who left is not waited for.
    """
    of = {i: rest_progress(_times_s(rows)) for i, rows in seen.groupby("track_id")}
    present = seen[seen["t_s"] == seen["t_s"].max()]["track_id"].dropna()
    return min((of[i] for i in present), default=max(of.values(), default=0.0))


def _measure(view: LiveView, seen: pd.DataFrame) -> None:
    """Take the rest of every face seen for long enough; if none was, the sentence of the last."""
    view.resting_since_s = None
    measured: dict[int, RestingExpression] = {}
    view.problem = "No face was seen. Face the camera, with light on your face, and try again."
    for track_id, rows in seen.groupby("track_id"):
        try:
            measured[int(str(track_id))] = _rest_of(rows, int(str(track_id)), view.session)
        except RestNotMeasured as error:
            view.problem = str(error)
    if measured:
        view.problem = ""
        view.rests.update(measured)


def _rest_of(rows: pd.DataFrame, track_id: int, session: LiveCamera) -> RestingExpression:
    labels, times_s = session.timeline.labels, _times_s(rows)
    return RestingExpression.measure(
        labels,
        times_s,
        rows[[f"raw_{label}" for label in labels]].to_numpy(np.float64),
        session.movements.of(track_id, times_s),
        rows[_GAZE].to_numpy(np.float64),
    )


def _times_s(rows: pd.DataFrame) -> NDArray[np.float64]:
    return rows["t_s"].to_numpy(np.float64)


def against_rest(window: pd.DataFrame, view: LiveView) -> pd.DataFrame:
    """The values of faces whose rest is known, relative to it: shares as if it read as neutral,
    with what follows from them, action units and gaze.

    ``window`` is a ``Timeline.to_frame`` table.
    """
    if not view.rests:
        return window
    window = window.copy()
    for track_id, rest in view.rests.items():
        rows = (window["track_id"] == track_id).fillna(False).to_numpy(bool)
        if rows.any():
            _correct_shares(window, rows, rest)
            _correct_movements(window, rows, rest)
    return window


def _correct_shares(window: pd.DataFrame, rows: NDArray[np.bool_], rest: RestingExpression) -> None:
    if Emotion.NEUTRAL not in rest.labels:
        return
    columns = list(map(str, rest.labels))
    corrected = rest.corrected(window.loc[rows, columns].to_numpy(np.float64))
    window.loc[rows, columns] = corrected
    window.loc[rows, "dominant"] = [columns[i] for i in corrected.argmax(axis=1)]
    if all(label in COORDINATES for label in rest.labels):
        places = [(COORDINATES[i].valence, COORDINATES[i].arousal) for i in rest.labels]
        window.loc[rows, ["valence", "arousal"]] = corrected @ np.array(places)


def _correct_movements(
    window: pd.DataFrame, rows: NDArray[np.bool_], rest: RestingExpression
) -> None:
    at_rest = {name: value for name, value in rest.action_units.items() if name in window}
    if at_rest:  # of both sides together: a table has no others
        units, values = list(at_rest), np.array(list(at_rest.values()))
        seen = window[units].to_numpy(np.float64)
        window[units] = np.where(rows[:, np.newaxis], above_rest(seen, values), seen)
    if rest.gaze is not None:
        window[_GAZE] -= np.outer(rows, astuple(rest.gaze))
