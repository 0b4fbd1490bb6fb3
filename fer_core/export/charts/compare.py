"""The figure that compares two faces, of one or two sessions, on one time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import ms, safe, time_axis
from fer_core.export.charts.basic import CLEAR, FONT_PX, GRID, TRAIL
from fer_core.export.charts.stack import closed, hover_line
from fer_core.export.charts.thin import thinned
from fer_core.labels import color_of
from fer_core.timeline.table import labels_of, with_gaps

_ROW, _BETWEEN, _ABOVE, _BELOW = 52, 10, 40, 44
"""Pixels."""


@dataclass(frozen=True, slots=True)
class Course:
    """One face of a table of ``timeline.columns``, and its name."""

    table: pd.DataFrame
    track_id: int
    title: str

    @property
    def start_s(self) -> float:
        """When the face was first seen."""
        return float(self._times.iloc[0])

    @property
    def end_s(self) -> float:
        """When the face was last seen."""
        return float(self._times.iloc[-1])

    @property
    def labels(self) -> tuple[str, ...]:
        """The expressions that its network knows."""
        return labels_of(self.table)

    @property
    def _times(self) -> pd.Series:
        times: pd.Series = self.table.loc[self.table["track_id"] == self.track_id, "t_s"]
        return times


def compare_figure(first: Course, second: Course, offset_s: float | None = None) -> go.Figure:
    """The shares of two faces with a row per expression: an area, and a dashed line for the second.

    Each starts at 0 when its face was first seen. With ``offset_s``, both are on the time of the
    first session, and second 0 of the second session is at ``offset_s``. The axis starts when the
    first of the two faces was seen. An expression that only one network knows has only one of them.
    """
    shifts = (-first.start_s, -second.start_s) if offset_s is None else (0.0, offset_s)
    courses = list(zip((first, second), shifts, strict=True))
    labels = list(dict.fromkeys([*first.labels, *second.labels]))
    begin_s = min(course.start_s + shift for course, shift in courses)
    end_s = max(course.end_s + shift for course, shift in courses)
    drawn: list[go.Scatter] = []
    for dashed, (course, shift) in zip((False, True), courses, strict=True):
        # The earlier of the two starts at 0, because the axis cannot show negative times.
        rows = _rows(course, shift - begin_s)
        for position, label in enumerate(labels, start=1):
            if label in course.labels:
                color = color_of(label, labels).as_hex()
                traces = _dashed(rows, label) if dashed else _area(rows, label, color)
                drawn += [trace.update(yaxis=f"y{position}") for trace in traces]
        drawn.append(_key(course.title, dashed))
    return go.Figure(drawn, _layout(labels, end_s - begin_s))


def _rows(course: Course, shift_s: float) -> pd.DataFrame:
    names = list(map(str, course.labels))
    rows = with_gaps(course.table, course.track_id)
    rows = rows[rows["t_s"].between(course.start_s, course.end_s)]
    rows = thinned(rows, names)
    return rows.assign(t_s=rows["t_s"] + shift_s)


def _area(rows: pd.DataFrame, label: str, color: str) -> list[go.Scatter]:
    area = closed(rows[["t_s", str(label)]])
    filled = go.Scatter(
        x=ms(area["t_s"]),
        y=area[str(label)].to_numpy(np.float64).round(4),
        mode="none",
        fill="tozeroy",
        fillcolor=color,
        opacity=0.7,
        showlegend=False,
        hoverinfo="skip",
    )
    return [filled, hover_line(rows, label).update(name=f"■ {safe(label)}")]


def _dashed(rows: pd.DataFrame, label: str) -> list[go.Scatter]:
    look = {"color": TRAIL, "width": 2, "dash": "dash"}
    return [hover_line(rows, label).update(line=look)]


def _key(title: str, dashed: bool) -> go.Scatter:
    """A trace without data for the legend, because the traces of the rows differ in colour."""
    look = {"mode": "lines", "line": {"color": TRAIL, "width": 2, "dash": "dash"}}
    if not dashed:
        square = {"symbol": "square", "size": 12, "color": "rgba(128,128,128,0.6)"}
        look = {"mode": "markers", "marker": square}
    return go.Scatter(x=[None], y=[None], name=safe(title), hoverinfo="skip", **look)


def _layout(labels: list[str], span_s: float) -> dict[str, Any]:
    inner = len(labels) * (_ROW + _BETWEEN)
    tops = [1.0 - position * (_ROW + _BETWEEN) / inner for position in range(len(labels))]
    rows = {
        f"yaxis{number}": {
            "domain": [top - _ROW / inner, top],
            **{"range": [0, 1], "tickvals": [0.5], "ticktext": [safe(label)]},
            **{"zeroline": True, "zerolinecolor": GRID, "gridcolor": GRID},
            **{"fixedrange": True, "automargin": True, "ticklabelstandoff": 6},
        }
        for number, (top, label) in enumerate(zip(tops, labels, strict=True), start=1)
    }
    return {
        **rows,
        "height": inner + _ABOVE + _BELOW,
        "margin": {"l": 12, "r": 14, "t": _ABOVE, "b": _BELOW},
        "font_size": FONT_PX,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {
            **{"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
            # A legend entry must not hide other traces.
            **{"itemclick": False, "itemdoubleclick": False},
        },
        "xaxis": {**time_axis(0.0, span_s), "anchor": f"y{len(labels)}", "gridcolor": GRID},
    }
