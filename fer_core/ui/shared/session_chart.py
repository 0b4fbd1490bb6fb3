"""A chart of a session on a page: it keeps its zoom and reports the selected moment and span.

``st.plotly_chart`` builds a new graph whenever the figure changes, which resets the zoom, reports
clicks on points only (few of a line can be hit), and has no text for screen readers
(Streamlit 1.67).

A click, or the slider below the chart, selects a moment; zooming selects a span. The chart and the
film of a view (``ui.video.film``) share a cursor in the browser, without rerunning the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from fer_core.export.charts.axis import figure_json, ms, seconds
from fer_core.ui.shared.assets import PLOTLY_LOADER, PLOTLY_URL
from fer_core.ui.shared.bounds import bounded

MOST_MS = 1e15
"""A place on the time axis that no session reaches."""

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "fer_session_chart",
    html='<div class="fer-session"></div>',
    css=(_HERE / "session_chart.css").read_text("utf-8"),
    js=PLOTLY_LOADER
    + (_HERE / "clock.js").read_text("utf-8")
    + (_HERE / "chart_copy.js").read_text("utf-8")
    + (_HERE / "session_chart.js").read_text("utf-8"),
    # Plotly puts its own styles into the document's head, where a shadow root does not see them.
    isolate_styles=False,
)

Span = tuple[float, float]
"""From and to, in seconds."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The selection in a chart, and callbacks for its changes.

    ``moment_s`` is drawn as a line; the chart is zoomed to ``span_s`` (None: not zoomed).
    ``on_moment`` is called with a time in seconds and ``on_span`` with a span or None, before the
    rerun that follows.
    """

    moment_s: float | None
    span_s: Span | None
    on_moment: Callable[[float], None]
    on_span: Callable[[Span | None], None]


def session_chart(
    figure: go.Figure,
    label: str,
    key: str,
    name: str | None = None,
    view: str | None = None,
    chosen: Chosen | None = None,
    slider: bool = True,
) -> None:
    """Show a figure; ``label`` describes it for screen readers.

    With a ``name`` it can be copied as a picture, or saved as a file of that name. With ``chosen``,
    its x axis must be that of ``charts.axis``; moments and spans can be selected, and the film of
    the same ``view`` follows. Of several charts of a view, one has the ``slider``.
    """

    def moment() -> None:
        moment_ms = bounded(st.session_state[key].moment, 0.0, MOST_MS)
        if chosen is not None and moment_ms is not None:
            chosen.on_moment(seconds(moment_ms))

    def span() -> None:
        if chosen is not None:
            chosen.on_span(_span(st.session_state[key].span))

    _component(
        key=key,
        data={
            "plotly_url": PLOTLY_URL,
            "figure": figure_json(figure),
            "label": label,
            "height": figure.layout.height,
            "name": name,
            "view": view,
            "slider": slider,
            "chosen": None
            if chosen is None
            else {
                "moment_ms": None if chosen.moment_s is None else ms(chosen.moment_s),
                "span_ms": None if chosen.span_s is None else list(map(ms, chosen.span_s)),
            },
        },
        on_moment_change=moment,
        on_span_change=span,
    )


def _span(told: object) -> Span | None:
    """The span that the browser sent, which may be invalid; None if it is, or not zoomed."""
    if not isinstance(told, list) or len(told) != 2:
        return None
    start_ms, end_ms = (bounded(each, 0.0, MOST_MS) for each in told)
    if start_ms is None or end_ms is None or not start_ms < end_ms:
        return None
    return seconds(start_ms), seconds(end_ms)
