"""Live charts that keep their place: a component that is sent numbers, and draws them.

``st.plotly_chart`` builds a new graph whenever the data changes, which flickers and forgets zoom
(Streamlit 1.67). Here bars are HTML, the minute is drawn on a canvas, and only the lines and the
circumplex are Plotly's. To build a figure checks every property of it, and took 140 ms of the
interpreter for one face, two and a half times a second. So the figures are built once, without
numbers, and an update is the numbers alone, which the browser puts into them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.export.charts.basic import affect_figure, timeline_template
from fer_core.labels import color_of
from fer_core.schema.action_units import DERIVED
from fer_core.ui.live.face_numbers import face_charts
from fer_core.ui.live.view_state import LiveView
from fer_core.ui.shared.assets import PLOTLY_LOADER, PLOTLY_URL
from fer_core.ui.shared.face_diagram import DIAGRAM_CSS, DIAGRAM_JS, TEMPLATE

Style = Literal["ribbon", "lines", "multiples"]
"""How the last minute is drawn: shares stacked, as lines in one chart, or a line for each
expression that is scaled to its own range, so that small changes show."""

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "fer_live_chart",
    html=TEMPLATE
    + """
    <div class="fer-live">
      <div class="fer-legend" role="group" aria-label="Expressions shown over time"></div>
      <p class="fer-nobody" hidden>No face in the picture.</p>
      <div class="fer-faces"></div>
      <p class="fer-moves-note" hidden></p>
      <div class="fer-said" role="status" aria-live="polite"></div>
    </div>
    """,
    css=DIAGRAM_CSS + (_HERE / "charts.css").read_text("utf-8"),
    js=PLOTLY_LOADER
    + DIAGRAM_JS
    + (_HERE / "minute.js").read_text("utf-8")
    + (_HERE / "charts.js").read_text("utf-8"),
    # Plotly puts its own styles into the document's head, where a shadow root does not see them.
    isolate_styles=False,
)


def live_charts(
    window: pd.DataFrame,
    view: LiveView,
    key: str,
    style: Style = "ribbon",
    *,
    affect: bool = False,
    movements: bool = False,
) -> None:
    """Show each face of the last minute: its expression now, and over time.

    ``window`` is a ``Timeline.to_frame`` table of the last ``WINDOW_S`` seconds. With ``affect``,
    valence and arousal are drawn too, with ``movements`` a face whose parts light up.
    """
    labels = view.session.timeline.labels
    newest = window[window["t_s"] == window["t_s"].iloc[-1]]
    _component(
        key=key,
        data={
            "plotly_url": PLOTLY_URL,
            "figures": figure_templates(labels),
            "labels": list(map(str, labels)),
            "colors": [color_of(label, labels).as_hex() for label in labels],
            "style": style,
            "faces": face_charts(window, view, affect, movements),
            "moments_s": list(view.moments.values()),
            "note": DERIVED if movements else "",
            "nobody": bool(newest["track_id"].isna().all()),
        },
    )


@cache
def figure_templates(labels: tuple[str, ...]) -> dict[str, Any]:
    """The figures for these labels as JSON, without their numbers.

    ``affect`` for a ``Trail``, ``lines`` for a ``Minute``.
    """
    nothing = dict.fromkeys(map(str, labels), 0.0)
    moment = pd.DataFrame([{"t_s": 0.0, "track_id": 1, "valence": 0.0, "arousal": 0.0, **nothing}])
    lines = timeline_template(labels)
    # One legend above all faces, and little room: two of them fit on a screen.
    lines.update_layout(height=176, showlegend=False, margin={"l": 40, "r": 8, "t": 8, "b": 40})
    return {"affect": _without(affect_figure(moment), "x", "y"), "lines": _without(lines)}


def _without(figure: go.Figure, *numbers: str) -> Any:
    bare = json.loads(figure.to_json())
    # Plotly's own look, most of the figure's text and not used: the page has its own.
    bare["layout"].pop("template", None)
    for trace in bare["data"]:
        for name in numbers:
            trace.pop(name, None)
    return bare
