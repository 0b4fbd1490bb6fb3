"""Basic figures: bars of shares, valence and arousal, and the template of a timeline.

Backgrounds are transparent and the page sets the font colour, so that a figure suits a light and a
dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import safe
from fer_core.labels import EMOTIONS, color_of
from fer_core.schema import Face

CLEAR = "rgba(0,0,0,0)"
GRID = "rgba(128,128,128,0.25)"
FONT_PX = 13

_BESIDE_PX = 42
"""Space for "100%" to the right of a full bar, however narrow the figure is."""

TRAIL = "#8866CC"
"""The colour of valence and arousal: no expression has it, and it is visible on light and dark."""


def expression_bars(face: Face) -> go.Figure:
    """The probabilities of one face as horizontal bars."""
    return share_bars(face.emotions)


def share_bars(shares: Mapping[str, float]) -> go.Figure:
    """A horizontal bar for each expression, with its name and its share (0..1) in percent."""
    labels = tuple(shares)
    bars = go.Bar(
        x=list(shares.values()),
        y=list(map(safe, labels)),
        orientation="h",
        marker_color=[color_of(label, labels).as_hex() for label in labels],
        text=[f"{share:.0%}" for share in shares.values()],
        textposition="outside",
        textfont_size=FONT_PX,
        cliponaxis=False,
        hovertemplate="%{y} %{x:.1%}<extra></extra>",
    )
    layout = {
        **_look(24 + 28 * len(labels), margin={"l": 64, "r": _BESIDE_PX, "t": 4, "b": 4}),
        **{"bargap": 0.3, "showlegend": False},
        "xaxis": {"range": [0, 1], "visible": False, "fixedrange": True},
        "yaxis": {
            **{"autorange": "reversed", "showgrid": False, "ticks": "", "fixedrange": True},
            # A user's own classes may have long names.
            **{"automargin": True, "ticklabelstandoff": 6},
            # Otherwise Plotly would read names like numbers or dates as numbers or dates.
            "type": "category",
        },
    }
    return go.Figure(bars, layout)


def change_bars(changes: Mapping[str, float]) -> go.Figure:
    """A bar for each expression, to the left or the right: the change of its share (-1..1)."""
    figure = share_bars(changes)
    figure.update_traces(
        text=[f"{round(100 * change):+d}".replace("+0", "0") for change in changes.values()],
        hovertemplate="%{y} %{x:+.1%} against rest<extra></extra>",
    )
    figure.update_xaxes(range=[-1.14, 1.14], visible=True, showgrid=False, showticklabels=False)
    figure.update_xaxes(zeroline=True, zerolinecolor=GRID, zerolinewidth=2)
    return figure


def affect_figure(trail: pd.DataFrame) -> go.Figure:
    """Valence and arousal on the circumplex (Russell 1980) as a line that ends in a dot.

    ``trail`` has the columns ``valence`` and ``arousal``, -1..1, and at least one row, the oldest
    first.
    """
    line = go.Scatter(
        x=trail["valence"],
        y=trail["arousal"],
        mode="lines",
        line={"color": TRAIL, "width": 2},
        hoverinfo="skip",
    )
    dot = go.Scatter(
        x=trail["valence"].tail(1),
        y=trail["arousal"].tail(1),
        mode="markers",
        marker={"color": TRAIL, "size": 12},
        hovertemplate="valence %{x:+.2f}, arousal %{y:+.2f}<extra></extra>",
    )
    return go.Figure([line, dot], circumplex(240, margin={"l": 8, "r": 8, "t": 8, "b": 8}))


def circumplex(height: int, margin: dict[str, int]) -> dict[str, Any]:
    """The layout of a figure of valence and arousal: a circle, and what its ends mean."""
    axis = {"range": [-1.25, 1.25], "showgrid": False, "showticklabels": False, "fixedrange": True}
    # Otherwise Plotly widens the ranges at each change of the size, and the circle shrinks.
    axis |= {"constrain": "domain", "zeroline": True, "zerolinecolor": GRID}
    circle = {"x0": -1, "y0": -1, "x1": 1, "y1": 1, "line": {"color": GRID, "width": 2}}
    ends = ((1, 0, "pleasant"), (-1, 0, "unpleasant"), (0, 1, "active"), (0, -1, "calm"))
    words = [
        {
            **{"x": x, "y": y, "text": word, "showarrow": False, "font_size": FONT_PX - 2},
            "xanchor": "right" if x > 0 else "left" if x < 0 else "center",
            "yanchor": "bottom" if y >= 0 else "top",
        }
        for x, y, word in ends
    ]
    return {
        **_look(height, margin),
        "showlegend": False,
        "shapes": [{"type": "circle", **circle}],
        "annotations": words,
        "xaxis": axis,
        "yaxis": {**axis, "scaleanchor": "x"},
    }


def timeline_template(labels: Sequence[str] = EMOTIONS) -> go.Figure:
    """Lines for the shares of one face over time, without their values, for the live page.

    Lines break where the face was not seen. For whole sessions see ``course.course_figure``.
    """
    layout = {
        **_look(300, margin={"l": 46, "r": 12, "t": 36, "b": 48}),
        "hovermode": "x unified",
        "legend": {
            **{"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "font_size": FONT_PX - 1,
        },
        "xaxis": {
            "title": {"text": "seconds since the start", "font_size": FONT_PX, "standoff": 8},
            **{"gridcolor": GRID, "zeroline": False},
        },
        "yaxis": {
            **{"range": [0, 1.02], "tickformat": ".0%", "dtick": 0.5, "fixedrange": True},
            **{"gridcolor": GRID, "zeroline": False},
        },
    }
    return go.Figure([_line(label, labels) for label in labels], layout)


def _line(label: str, labels: Sequence[str]) -> go.Scatter:
    return go.Scatter(
        name=safe(label),
        mode="lines",
        line={"color": color_of(label, labels).as_hex(), "width": 2},
        connectgaps=False,
        hovertemplate="%{y:.0%}",
    )


def _look(height: int, margin: dict[str, int]) -> dict[str, Any]:
    return {
        **{"height": height, "margin": margin, "font_size": FONT_PX},
        **{"paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR},
    }
