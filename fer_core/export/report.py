"""Writes the report of a session: one HTML file that needs no connection, server or other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from fer_core.export.charts.affect import affect_trail_figure
from fer_core.export.charts.axis import figure_json, format_time
from fer_core.export.charts.course import course_figure, has_affect
from fer_core.export.charts.layout import Mark
from fer_core.export.charts.movements import (
    left_out,
    movements_figure,
    movements_in_words,
    units_shown,
)
from fer_core.export.charts.words import course_in_words
from fer_core.export.text_summary import sentences
from fer_core.labels import color_of
from fer_core.schema.action_units import DERIVED, LIDS_STAND_OUT
from fer_core.timeline.events import METHOD, Event, find_events
from fer_core.timeline.summary import (
    VISIBLE,
    TrackSummary,
    key_figures,
    summarize,
    summary_table,
    unit_table,
)

MOST_FACES = 12
"""The number of faces with charts in a report, those seen longest; others are passers-by."""

LIMITS = (
    "These numbers say what each face looks like to a neural network, compared with pictures that "
    "people labelled by looking at them. They do not say what a person feels, thinks or intends: a "
    "smile can be polite, a resting face can look sad. Accuracy across age, skin tone and culture "
    "has not been measured. Decide nothing about a person by them."
)

COURSE_EXPLAINED = (
    "Shares are smoothed over 0.3 s. The ribbon above the lines is the dominant expression. It is "
    "striped in two colours where two shares are close, and grey where the face cannot be read "
    "well; where the face was not seen, lines break and nothing is counted. Times are "
    "minutes:seconds since the beginning."
)

EXPLAINED = (
    "Shares sum to 100%. Valence and arousal are derived from them (coordinates of Russell and "
    "Mehrabian, 1977). Action units are derived from the movements of the face: no FACS coder "
    f"judged them. They are 0 to 100%, and visible from {VISIBLE:.0%} on (AU7 from "
    f"{LIDS_STAND_OUT:.0%}, because it shows on most neutral faces). Made by FER Dashboard."
)


def html_report(
    table: pd.DataFrame,
    title: str,
    facts: Mapping[str, str],
    names: Mapping[int, str] | None = None,
    marks: Sequence[Mark] = (),
) -> str:
    """The report of a session: facts, a summary and charts of each face, marks, detected events.

    ``table`` has the columns of ``timeline.columns``. ``names`` are those of faces by ``track_id``;
    faces without a name are numbered. All texts are escaped, because users enter them. The file
    contains plotly.js (4.8 MB), and its security policy forbids it to load anything.
    """
    seen = summarize(table)
    faces = seen[:MOST_FACES]
    titles = {
        face.track_id: (names or {}).get(face.track_id) or f"Face {face.track_id}" for face in faces
    }
    events = {face.track_id: find_events(table, face.track_id) for face in faces}
    in_order = sorted((e for found in events.values() for e in found), key=lambda e: e.t_s)
    return _TEMPLATE.render(
        title=title,
        facts=facts,
        limits=LIMITS,
        faces=[
            _face(table, face, titles[face.track_id], events[face.track_id], marks)
            for face in faces
        ],
        left_out=max(len(seen) - MOST_FACES, 0),
        marks=[
            {"at": format_time(mark.t_s), "label": mark.label, "note": mark.note}
            for mark in sorted(marks, key=lambda mark: mark.t_s)
        ],
        method=METHOD,
        events=[_event(event, titles[event.track_id]) for event in in_order],
        has_course=_has_course(table),
        explained=f"{COURSE_EXPLAINED} {EXPLAINED}" if _has_course(table) else EXPLAINED,
        plotly_js=Markup(get_plotlyjs()),
    )


def _face(
    table: pd.DataFrame,
    face: TrackSummary,
    title: str,
    events: Sequence[Event],
    marks: Sequence[Mark],
) -> dict[str, Any]:
    """The template's values for one face."""
    track_id = face.track_id
    affect = has_affect(table, track_id)
    course = course_figure(table, track_id, affect=affect, events=events, marks=marks)
    labels = list(face.shares)
    at = [] if _has_course(table) else ["at (s)"]
    shares = summary_table(face).drop(
        columns=[*at, *([] if face.observed_s else ["share of time"])]
    )
    units = unit_table(face).drop(columns=at).rename(columns={"share of time": "visible"})
    return {
        "name": title,
        "key": key_figures(face),
        "sentences": sentences(face),
        "words": course_in_words(title, face, events),
        "course": _chart(course) if _has_course(table) else None,
        "movements": _movements(table, track_id, title),
        "affect": _affect(table, face) if affect else None,
        "colors": [color_of(label, labels).as_hex() for label in labels],
        "shares": _in_texts(shares),
        "units": _in_texts(units),
    }


def _has_course(table: pd.DataFrame) -> bool:
    """Whether there is anything over time, other than in a photo."""
    return table["t_s"].nunique() > 1


def _affect(table: pd.DataFrame, face: TrackSummary) -> dict[str, Any]:
    figure = affect_trail_figure(table, face.track_id)
    if face.start_s == face.end_s:  # a scale of colours from a time to the same time
        figure.update_traces(marker_showscale=False)
    return _chart(figure)


def _in_texts(table: pd.DataFrame) -> dict[str, Any]:
    """The titles of the columns after the first, and the rows of ``summary_table`` and such."""
    table = table.rename(columns={"at (s)": "at"})
    for column in table.columns[1:]:
        table[column] = table[column].map(format_time if column == "at" else "{:.0%}".format)
    rows = [{"label": row[0], "numbers": row[1:]} for row in table.itertuples(index=False)]
    return {"titles": list(table.columns[1:]), "rows": rows}


def _movements(table: pd.DataFrame, track_id: int, title: str) -> dict[str, Any] | None:
    if not _has_course(table) or not units_shown(table, track_id):
        return None
    return _chart(movements_figure(table, track_id)) | {
        "words": movements_in_words(title, table, track_id),
        "note": f"{left_out(table, track_id)} {DERIVED}".lstrip(),
    }


def _event(event: Event, face: str) -> dict[str, str]:
    return {
        "at": format_time(event.t_s),
        "face": face,
        "kind": event.kind,
        "label": str(event.label),
        "share": f"{event.share:.0%}",
    }


def _chart(figure: go.Figure) -> dict[str, Any]:
    return {"height": figure.layout.height, "json": figure_json(figure)}


_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    (Path(__file__).parent / "report.html").read_text("utf-8")
)
