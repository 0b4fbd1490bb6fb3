"""Basic figures: bars of shares, valence and arousal, and the template of a timeline.

Backgrounds are transparent and the page sets the font colour, so that a figure suits a light and a
dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    figure = go.Figure(
        go.Bar(
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
    )
    height = 24 + 28 * len(labels)
    figure.update_layout(_layout(height, margin={"l": 64, "r": _BESIDE_PX, "t": 4, "b": 4}))
    figure.update_layout(bargap=0.3, showlegend=False)
    figure.update_xaxes(range=[0, 1], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", fixedrange=True)
    # A user's own classes may have long names.
    figure.update_yaxes(automargin=True, ticklabelstandoff=6)
    # Otherwise Plotly would read names like numbers or dates as numbers or dates.
    figure.update_yaxes(type="category")
    return figure


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
    figure = go.Figure(
        [
            go.Scatter(
                x=trail["valence"],
                y=trail["arousal"],
                mode="lines",
                line={"color": TRAIL, "width": 2},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=trail["valence"].tail(1),
                y=trail["arousal"].tail(1),
                mode="markers",
                marker={"color": TRAIL, "size": 12},
                hovertemplate="valence %{x:+.2f}, arousal %{y:+.2f}<extra></extra>",
            ),
        ]
    )
    figure.add_shape(type="circle", x0=-1, y0=-1, x1=1, y1=1, line={"color": GRID, "width": 2})
    figure.update_layout(_layout(height=240, margin={"l": 8, "r": 8, "t": 8, "b": 8}))
    figure.update_layout(showlegend=False)
    axis = {"range": [-1.25, 1.25], "showgrid": False, "showticklabels": False, "fixedrange": True}
    # Otherwise Plotly widens the ranges at each change of the size, and the circle shrinks.
    axis |= {"constrain": "domain"}
    figure.update_xaxes(**axis, zeroline=True, zerolinecolor=GRID)
    figure.update_yaxes(**axis, zeroline=True, zerolinecolor=GRID, scaleanchor="x")
    ends = ((1, 0, "pleasant"), (-1, 0, "unpleasant"), (0, 1, "active"), (0, -1, "calm"))
    for x, y, word in ends:
        figure.add_annotation(
            x=x,
            y=y,
            text=word,
            showarrow=False,
            font_size=FONT_PX - 2,
            xanchor="right" if x > 0 else "left" if x < 0 else "center",
            yanchor="bottom" if y >= 0 else "top",
        )
    return figure


def timeline_template(labels: Sequence[str] = EMOTIONS) -> go.Figure:
    """Lines for the shares of one face over time, without their values, for the live page.

    Lines break where the face was not seen. For whole sessions see ``course.course_figure``.
    """
    figure = go.Figure([_line(label, labels) for label in labels])
    figure.update_layout(_layout(height=300, margin={"l": 46, "r": 12, "t": 36, "b": 48}))
    figure.update_layout(
        hovermode="x unified",
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font_size": FONT_PX - 1,
            "title": None,
        },
    )
    title = {"text": "seconds since the start", "font_size": FONT_PX, "standoff": 8}
    figure.update_xaxes(title=title, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(
        range=[0, 1.02],
        tickformat=".0%",
        dtick=0.5,
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
    )
    return figure


def _line(label: str, labels: Sequence[str]) -> go.Scatter:
    return go.Scatter(
        name=safe(label),
        mode="lines",
        line={"color": color_of(label, labels).as_hex(), "width": 2},
        connectgaps=False,
        hovertemplate="%{y:.0%}",
    )


def _layout(height: int, margin: dict[str, int]) -> go.Layout:
    return go.Layout(
        height=height,
        margin=margin,
        font_size=FONT_PX,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
    )
