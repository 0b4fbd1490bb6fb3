"""Live charts that keep their place: a component that updates its Plotly graphs.

``st.plotly_chart`` builds a new graph whenever the data changes, which flickers and forgets zoom
and legend choices (Streamlit 1.67); this one updates the graph that is there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.ui.assets import PLOTLY_URL
from fer_core.ui.charts import affect_figure, change_bars, share_bars, timeline_figure
from fer_core.ui.live_view import LiveView, against_rest

WINDOW_S = 60.0
"""How much of the session the live timeline shows."""

MOST_FACES = 4
"""Faces that are drawn at once."""

GLIMPSE_S = 1.0
"""A face seen for a shorter time is most likely a slip of the detector, and gets no chart."""

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
    css=(_HERE / "live_chart.css").read_text("utf-8"),
    js=(_HERE / "live_chart.js").read_text("utf-8"),
    # Plotly puts its own styles into the document's head, where a shadow root does not see them.
    isolate_styles=False,
)


class FaceCharts(TypedDict):
    """What the browser draws for one face; ``bars`` is None while it is not in the picture, and
    ``affect`` where valence and arousal are not asked for or not known."""

    id: int
    title: str
    now: str
    facts: str
    bars: str | None
    affect: str | None
    timeline: str


def live_charts(window: pd.DataFrame, view: LiveView, affect: bool, key: str) -> None:
    """Show each face of the last minute: its shares now, and over time.

    ``window`` is a ``Timeline.to_frame`` table of the last ``WINDOW_S`` seconds. With ``affect``,
    valence and arousal are drawn too.
    """
    faces = face_charts(window, view, affect)
    _component(key=key, data={"plotly_url": PLOTLY_URL, "faces": faces})


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
        bars=_bars(newest, shares, track_id, view).to_json() if here else None,
        affect=affect_figure(trail).to_json() if knows_affect else None,
        timeline=timeline_figure(window, track_id, WINDOW_S, labels).to_json(),
    )


def _bars(newest: pd.Series, shares: dict[str, float], track_id: int, view: LiveView) -> go.Figure:
    """The shares now; where the rest of the face is known, what has changed against it."""
    rest = view.rests.get(track_id)
    if rest is None:
        return share_bars(shares)
    raw = newest[[f"raw_{label}" for label in shares]].to_numpy(np.float64)
    return change_bars(dict(zip(shares, rest.change(raw).tolist(), strict=True)))


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
