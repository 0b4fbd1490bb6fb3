"""Live charts that keep their place: a component that updates its Plotly graphs.

``st.plotly_chart`` builds a new graph whenever the data changes, which flickers and forgets zoom
and legend choices (Streamlit 1.67); this one updates the graph that is there.

Building a Plotly figure checks every property of it, and took 140 ms of the interpreter for one
face, two and a half times a second. So the figures of ``charts.py`` are built once, without
numbers, and an update is the numbers alone, which the browser puts into them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from fer_core.export.charts.basic import (
    affect_figure,
    change_bars,
    share_bars,
    timeline_template,
)
from fer_core.timeline.table import with_gaps
from fer_core.ui.live.view_state import LiveView, against_rest
from fer_core.ui.shared.assets import PLOTLY_LOADER, PLOTLY_URL
from fer_core.ui.shared.timeline_view import GLIMPSE_S

WINDOW_S = 60.0
"""How much of the session the live timeline shows."""

MOST_FACES = 4
"""Faces that are drawn at once."""

MOST_POINTS = 300
"""Points of a line that is sent to the browser twice a second."""

TRAIL_S = 10.0
"""How much of valence and arousal is drawn as a trail."""

STRAIGHT_DEG = 8.0
"""A head turned by less faces the camera."""

AWAY_S = 1.0
"""A face unseen for longer has left the picture; shorter, and its bars would only flicker."""

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "fer_live_chart",
    html='<div class="fer-live"></div>',
    css=(_HERE / "charts.css").read_text("utf-8"),
    js=PLOTLY_LOADER + (_HERE / "charts.js").read_text("utf-8"),
    # Plotly puts its own styles into the document's head, where a shadow root does not see them.
    isolate_styles=False,
)


class Bars(TypedDict):
    """The lengths of the bars, and what is written at their ends. ``figure``: which template."""

    figure: str
    x: list[float]
    text: list[str]


class Trail(TypedDict):
    """Valence and arousal, oldest first."""

    x: list[float | None]
    y: list[float | None]


class Lines(TypedDict):
    """A line for each label; None is a gap. ``range`` of the time axis in seconds, and a ``note``
    that belongs to the axis."""

    x: list[float | None]
    y: list[list[float | None]]
    range: tuple[float, float]
    note: str


class FaceCharts(TypedDict):
    """What the browser draws for one face; ``bars`` is None while it is not in the picture, and
    ``affect`` where valence and arousal are not asked for or not known."""

    id: int
    title: str
    now: str
    facts: str
    bars: Bars | None
    affect: Trail | None
    timeline: Lines


def live_charts(window: pd.DataFrame, view: LiveView, affect: bool, key: str) -> None:
    """Show each face of the last minute: its shares now, and over time.

    ``window`` is a ``Timeline.to_frame`` table of the last ``WINDOW_S`` seconds. With ``affect``,
    valence and arousal are drawn too.
    """
    faces = face_charts(window, view, affect)
    figures = figure_templates(view.session.timeline.labels)
    _component(key=key, data={"plotly_url": PLOTLY_URL, "figures": figures, "faces": faces})


@cache
def figure_templates(labels: tuple[str, ...]) -> dict[str, Any]:
    """The figures of ``charts.py`` for these labels as JSON, without their numbers.

    ``shares`` and ``changes`` for ``Bars``, ``affect`` for a ``Trail``, ``timeline`` for ``Lines``.
    """
    nothing = dict.fromkeys(map(str, labels), 0.0)
    moment = pd.DataFrame([{"t_s": 0.0, "track_id": 1, "valence": 0.0, "arousal": 0.0, **nothing}])
    return {
        "shares": _without(share_bars(nothing), "x", "text"),
        "changes": _without(change_bars(nothing), "x", "text"),
        "affect": _without(affect_figure(moment), "x", "y"),
        "timeline": _without(timeline_template(labels)),
    }


def _without(figure: go.Figure, *numbers: str) -> Any:
    bare = json.loads(figure.to_json())
    # Plotly's own look, most of the figure's text and not used: the page has its own.
    bare["layout"].pop("template", None)
    for trace in bare["data"]:
        for name in numbers:
            trace.pop(name, None)
    return bare


def long_enough(window: pd.DataFrame) -> list[int]:
    """The faces that were in the window for more than a glimpse, in order of their id."""
    times = window.groupby("track_id")["t_s"]
    spans = times.max() - times.min()
    return sorted(int(track_id) for track_id in spans[spans >= GLIMPSE_S].index)


def face_charts(window: pd.DataFrame, view: LiveView, affect: bool = False) -> list[FaceCharts]:
    """The charts of the faces the user did not hide; at most ``MOST_FACES``, those seen most."""
    chosen = [track_id for track_id in long_enough(window) if track_id not in view.hidden]
    frames = window["track_id"].value_counts()
    longest = sorted(chosen, key=lambda track_id: -frames[track_id])[:MOST_FACES]
    shown = against_rest(window, view)
    return [_charts(track_id, shown, view, affect) for track_id in sorted(longest)]


def _charts(track_id: int, window: pd.DataFrame, view: LiveView, affect: bool) -> FaceCharts:
    labels = view.session.timeline.labels
    rows = window[window["track_id"] == track_id]
    newest = rows.iloc[-1]
    here = window["t_s"].iloc[-1] - newest["t_s"] <= AWAY_S
    shares = {str(label): float(newest[str(label)]) for label in labels}
    dominant = newest["dominant"]
    trail = rows[rows["t_s"] > newest["t_s"] - TRAIL_S]
    knows_affect = affect and here and bool(newest.notna()["valence"])
    return FaceCharts(
        id=track_id,
        title=view.name(track_id),
        now=f"{dominant} {shares[dominant]:.0%}" if here else "not in the picture",
        facts=_facts(newest, track_id, view) if here else "",
        bars=_bars(newest, shares, track_id, view) if here else None,
        affect=Trail(x=_plain(trail["valence"]), y=_plain(trail["arousal"]))
        if knows_affect
        else None,
        timeline=_lines(window, track_id, labels),
    )


def _bars(newest: pd.Series, shares: dict[str, float], track_id: int, view: LiveView) -> Bars:
    """The shares now; where the rest of the face is known, what has changed against it."""
    rest = view.rests.get(track_id)
    if rest is None:
        values = list(shares.values())
        return Bars(figure="shares", x=_digits(values), text=[f"{value:.0%}" for value in values])
    raw = newest[[f"raw_{label}" for label in shares]].to_numpy(np.float64)
    values = rest.change(raw).tolist()
    text = [f"{round(100 * value):+d}".replace("+0", "0") for value in values]
    return Bars(figure="changes", x=_digits(values), text=text)


def _lines(window: pd.DataFrame, track_id: int, labels: Sequence[str]) -> Lines:
    """The numbers of ``timeline_template`` for this face."""
    names = list(map(str, labels))
    rows = with_gaps(window[["t_s", "track_id", *names]], track_id)
    times_s = rows["t_s"].to_numpy(np.float64)
    newest_s = max(WINDOW_S, float(times_s[-1]))
    shares = rows[names].to_numpy(np.float64)
    note = ""
    if len(rows) > MOST_POINTS:
        bin_s = WINDOW_S / MOST_POINTS
        times_s, shares = _means(times_s, shares, bin_s)
        note = f" (means over {bin_s:.1f} s)"
    return Lines(
        x=_plain(times_s),
        y=[_plain(column) for column in shares.T],
        range=(round(newest_s - WINDOW_S, 4), round(newest_s, 4)),
        note=note,
    )


def _means(
    times_s: NDArray[np.float64], shares: NDArray[np.float64], bin_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of ``times_s`` ``(n,)`` and ``shares`` ``(n, k)`` over bins that start at whole
    multiples of ``bin_s``: in a window that moves on, a point keeps its value. Gaps stay gaps."""
    bins = times_s // bin_s
    starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1.0))
    sizes = np.diff(starts, append=len(times_s))
    seen = np.add.reduceat(~np.isnan(shares), starts, dtype=np.float64)
    sums = np.add.reduceat(np.nan_to_num(shares), starts)
    means = np.divide(sums, seen, out=np.full_like(sums, np.nan), where=seen > 0)
    return np.add.reduceat(times_s, starts) / sizes, means


def _plain(values: pd.Series | NDArray[np.float64]) -> list[float | None]:
    """As JSON has it: four digits behind the point, None for NaN."""
    return [None if value != value else value for value in _digits(values)]


def _digits(values: pd.Series | NDArray[np.float64] | list[float]) -> list[float]:
    rounded: list[float] = np.asarray(values, np.float64).round(4).tolist()
    return rounded


def _facts(newest: pd.Series, track_id: int, view: LiveView) -> str:
    """``turned 12° to its left, still towards the camera · 14 blinks a minute``: what is known."""
    parts = []
    if rest := view.rests.get(track_id):
        label, share = max(zip(rest.labels, rest.shares, strict=True), key=lambda each: each[1])
        parts.append(f"against rest, which reads as {label} {share:.0%}")
    known = newest.notna()
    if known["yaw_deg"] and known["attentive"]:
        parts.append(_attention(float(newest["yaw_deg"]), bool(newest["attentive"])))
    if known["blinks_per_minute"]:
        parts.append(f"{newest['blinks_per_minute']:.0f} blinks a minute")
    return " · ".join(parts)


def _attention(yaw_deg: float, attentive: bool) -> str:
    if abs(yaw_deg) < STRAIGHT_DEG:
        return "facing the camera" if attentive else "eyes closed, or looking up or down"
    turn = f"turned {abs(yaw_deg):.0f}° to its {'left' if yaw_deg > 0 else 'right'}"
    return f"{turn}, still towards the camera" if attentive else turn
