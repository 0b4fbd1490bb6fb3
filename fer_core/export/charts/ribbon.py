"""The ribbon of a session's figure: the dominant expression over time, and where it is uncertain.

``stretches`` are tables from ``thin.runs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import ms, safe
from fer_core.export.charts.layout import RIBBON, SLIDER
from fer_core.export.charts.words import in_words
from fer_core.labels import color_of
from fer_core.timeline.readings import problems, rivals

POOR, POOR_HATCH = "#D9DCE0", "#757C85"
"""The greys for a face that cannot be read well; no expression has them."""

_STRIPES = {"fillmode": "replace", "size": 8, "solidity": 0.5}


def ribbon(stretches: pd.DataFrame, labels: Sequence[str]) -> list[go.Bar]:
    """A bar for each stretch, with the name of its expression if it fits.

    A stretch between two expressions has stripes in both colours and no name; a stretch in which
    the face cannot be read well has grey stripes. The legend explains the stripes that occur.
    """
    colors = {str(label): color_of(label, labels) for label in labels}
    color = {label: each.as_hex() for label, each in colors.items()}
    poor = stretches[stretches["poor"]]
    read = stretches[~stretches["poor"]]
    bars = []
    for label in color:
        these = read[read["dominant"] == label]
        unsure = (these["rival"] != "").to_numpy(bool)
        bars.append(
            _bars(
                these,
                safe(label),
                text=["" if each else safe(label) for each in unsure],
                insidetextfont_color=colors[label].ink().as_hex(),
                marker={
                    "color": color[label],
                    "line_width": 0,
                    "pattern": {
                        **{"shape": np.where(unsure, "/", ""), **_STRIPES},
                        "bgcolor": color[label],
                        "fgcolor": [color[rival or label] for rival in these["rival"]],
                    },
                },
            )
        )
    bars.append(_bars(poor, "hard to read", text=[""] * len(poor), marker=_hatched(POOR)))
    return [*bars, *_legend(stretches, list(color.values()))]


def miniature(stretches: pd.DataFrame, labels: Sequence[str]) -> list[go.Scatter]:
    """The ribbon for the slider."""
    groups = {
        color_of(label, labels).as_hex(): ~stretches["poor"] & (stretches["dominant"] == str(label))
        for label in labels
    }
    groups[POOR] = stretches["poor"]
    return [
        boxes(stretches[these], color, showlegend=False, **SLIDER)
        for color, these in groups.items()
    ]


def boxes(stretches: pd.DataFrame, color: str, **properties: Any) -> go.Scatter:
    """Filled boxes from the bottom to the top of their track, in one trace.

    They are not bars, because with other bars in a figure Plotly (7.1) no longer hides the names on
    the ribbon that do not fit.
    """
    corners = np.full((len(stretches), 5), np.nan)
    corners[:, [0, 1]] = stretches[["start_s"]]
    corners[:, [2, 3]] = stretches[["end_s"]]
    return go.Scatter(
        x=ms(corners.ravel()),
        y=np.tile([0.0, 1.0, 1.0, 0.0, np.nan], len(stretches)),
        mode="none",
        fill="toself",
        fillcolor=color,
        hoverinfo="skip",
        **properties,
    )


def unsure_words(rows: pd.DataFrame) -> go.Scatter:
    """The hover text of uncertain readings, for the rows of ``timeline.with_gaps``."""
    readings = zip(rows["dominant"], rivals(rows), problems(rows), strict=True)
    words = [in_words(*reading) for reading in readings]
    return go.Scatter(
        x=ms(rows["t_s"]),
        y=[0.0 if each else None for each in words],
        text=list(map(safe, words)),
        name="reading",
        mode="lines",
        line={"width": 0},
        connectgaps=False,
        showlegend=False,
        hovertemplate="%{text}",
    )


def _bars(stretches: pd.DataFrame, name: str, **look: Any) -> go.Bar:
    length_s = (stretches["end_s"] - stretches["start_s"]).to_numpy(np.float64)
    return go.Bar(
        x=ms(stretches["start_s"].to_numpy(np.float64) + length_s / 2),
        y=[1.0] * len(stretches),
        width=1000.0 * length_s,
        name=name,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        # The shares below provide the hover text.
        hoverinfo="skip",
        showlegend=False,
        yaxis=RIBBON,
        **look,
    )


def _hatched(ground: str, stripes: str = POOR_HATCH) -> dict[str, Any]:
    pattern = {"shape": "/", "bgcolor": ground, "fgcolor": stripes, **_STRIPES}
    return {"color": ground, "line_width": 0, "pattern": pattern}


def _legend(stretches: pd.DataFrame, colors: Sequence[str]) -> Iterator[go.Bar]:
    """Legend entries for the stripes: bars without a position."""
    keys = (
        ("between two", bool((stretches["rival"] != "").any()), _hatched(colors[0], colors[-1])),
        ("hard to read", bool(stretches["poor"].any()), _hatched(POOR)),
    )
    for name, there, marker in keys:
        if there:
            yield go.Bar(x=[None], y=[None], name=name, marker=marker, yaxis=RIBBON)
