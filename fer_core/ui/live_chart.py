"""Live charts that keep their place: a component that updates its Plotly graphs.

``st.plotly_chart`` builds a new graph whenever the data changes, which flickers and forgets zoom
and legend choices (Streamlit 1.67); this one updates the graph that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd
import streamlit as st

from fer_core.labels import EMOTIONS
from fer_core.ui.assets import PLOTLY_URL
from fer_core.ui.charts import share_bars, timeline_figure

WINDOW_S = 60.0
"""How much of the session the live timeline shows."""

MOST_FACES = 4
"""Faces that are drawn at once."""

GLIMPSE_S = 1.0
"""A face seen for a shorter time is most likely a slip of the detector, and gets no chart."""

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
    """What the browser draws for one face; ``bars`` is None while it is not in the picture."""

    id: int
    title: str
    now: str
    bars: str | None
    timeline: str


def live_charts(window: pd.DataFrame, labels: Sequence[str], key: str) -> None:
    """Show each face of the last minute: its shares now, and over time.

    ``window`` is a ``Timeline.to_frame`` table of the last ``WINDOW_S`` seconds, ``labels`` the
    expressions it has shares of.
    """
    _component(key=key, data={"plotly_url": PLOTLY_URL, "faces": face_charts(window, labels)})


def face_charts(window: pd.DataFrame, labels: Sequence[str] = EMOTIONS) -> list[FaceCharts]:
    """The charts of the ``MOST_FACES`` faces seen longest in the window, in order of their id."""
    times = window.groupby("track_id")["t_s"]
    spans = (times.max() - times.min()).sort_values(ascending=False, kind="stable")
    longest = spans[spans >= GLIMPSE_S].index[:MOST_FACES]
    return [_charts(int(track_id), window, labels) for track_id in sorted(longest)]


def _charts(track_id: int, window: pd.DataFrame, labels: Sequence[str]) -> FaceCharts:
    newest = window[window["track_id"] == track_id].iloc[-1]
    here = window["t_s"].iloc[-1] - newest["t_s"] <= AWAY_S
    shares = {str(label): float(newest[str(label)]) for label in labels}
    dominant = newest["dominant"]
    return FaceCharts(
        id=track_id,
        title=f"Face {track_id}",
        now=f"{dominant} {shares[dominant]:.0%}" if here else "not in the picture",
        bars=share_bars(shares).to_json() if here else None,
        timeline=timeline_figure(window, track_id, WINDOW_S, labels).to_json(),
    )
