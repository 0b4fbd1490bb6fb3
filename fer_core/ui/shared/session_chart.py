"""A chart of a whole session on a page: it keeps its zoom, and a click on it chooses a moment.

``st.plotly_chart`` builds a new graph whenever the figure changes, which forgets the zoom, and
reports clicks on points only (Streamlit 1.67): in a line, few can be hit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from fer_core.export.charts.axis import figure_json, ms, seconds
from fer_core.ui.shared.assets import PLOTLY_LOADER, PLOTLY_URL
from fer_core.ui.shared.bounds import bounded

MOST_MS = 1e15
"""A place on the time axis that no session reaches."""

_component = st.components.v2.component(
    "fer_session_chart",
    html='<div class="fer-session"></div>',
    js=PLOTLY_LOADER + (Path(__file__).parent / "session_chart.js").read_text("utf-8"),
    # Plotly puts its own styles into the document's head, where a shadow root does not see them.
    isolate_styles=False,
)


def session_chart(
    figure: go.Figure,
    label: str,
    key: str,
    moment_s: float | None = None,
    on_moment: Callable[[float], None] | None = None,
) -> None:
    """Show a figure whose x axis is ``charts.axis``, and the chosen moment as a line in it.

    ``label`` says to those who cannot see it what it shows. ``on_moment`` is called with the time
    in seconds that was clicked, before the run that the click causes.
    """

    def chosen() -> None:
        moment_ms = bounded(st.session_state[key].moment, 0.0, MOST_MS)
        if on_moment is not None and moment_ms is not None:
            on_moment(seconds(moment_ms))

    _component(
        key=key,
        data={
            "plotly_url": PLOTLY_URL,
            "figure": figure_json(figure),
            "moment_ms": None if moment_s is None else ms(moment_s),
            "label": label,
            "height": figure.layout.height,
            "clickable": on_moment is not None,
        },
        on_moment_change=chosen,
    )
