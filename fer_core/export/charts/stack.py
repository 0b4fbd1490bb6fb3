"""Traces for shares as stacked areas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import ms, safe
from fer_core.labels import color_of

_PATTERNS = ("", "/", ".", "\\", "x", "-", "|", "+")
"""A pattern as a second cue beside the colour; the first and usually the last area are plain."""

_EDGE_S = 1e-5
"""The width of an area's vertical edges, too narrow to see."""


def tops(shares: pd.DataFrame) -> pd.DataFrame:
    """The upper edges of the areas of ``shares``, one column per label."""
    return shares.cumsum(axis=1)


def stacked_areas(rows: pd.DataFrame, labels: Sequence[str]) -> list[go.Scatter]:
    """An area for each label, with gaps where the face was not seen, and a line for its hover text.

    ``rows`` are those of ``timeline.with_gaps``. Plotly's areas cannot have gaps (at a missing
    value they slope to zero or continue), so each area ends with a vertical edge, and an invisible
    line with gaps provides the hover text.
    """
    traces = []
    for position, label in enumerate(labels):
        color = color_of(label, labels).as_hex()
        area = closed(rows[["t_s", str(label)]])
        traces.append(
            go.Scatter(
                x=ms(area["t_s"]),
                y=area[str(label)].to_numpy(np.float64).round(4),
                name=safe(label),
                legendgroup=str(position),
                mode="lines",
                stackgroup="shares",
                line={"width": 0.5, "color": color},
                fillcolor=color,
                fillpattern={
                    **{"shape": _PATTERNS[position % len(_PATTERNS)], "fillmode": "overlay"},
                    **{"fgcolor": "rgba(0,0,0,0.35)", "size": 8, "solidity": 0.15},
                },
                hoverinfo="skip",
            )
        )
        traces.append(hover_line(rows, label).update(legendgroup=str(position)))
    return traces


def hover_line(rows: pd.DataFrame, label: str) -> go.Scatter:
    """An invisible line with the hover text of a share that is drawn as an area."""
    return go.Scatter(
        x=ms(rows["t_s"]),
        y=rows[str(label)].to_numpy(np.float64).round(4),
        name=safe(label),
        mode="lines",
        line={"width": 0},
        connectgaps=False,
        showlegend=False,
        hovertemplate="%{y:.0%}",
    )


def closed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with values, and a row of zeros right before and after each stretch of them.

    The first column of ``rows`` is ``t_s``; the others are values.
    """
    values = rows.columns[1:]
    zeros = dict.fromkeys(values, 0.0)
    seen = rows[values].notna().all(axis=1).to_numpy(bool)
    edges = np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8))
    before = rows.iloc[np.flatnonzero(edges == 1)].assign(**zeros)
    after = rows.iloc[np.flatnonzero(edges == -1) - 1].assign(**zeros)
    parts = [
        before.assign(t_s=before["t_s"] - _EDGE_S),
        rows[seen],
        after.assign(t_s=after["t_s"] + _EDGE_S),
    ]
    return pd.concat(parts).sort_values("t_s", kind="stable")
