"""Shares as areas, one on the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import ms, safe
from fer_core.labels import color_of

_PATTERNS = ("", "/", ".", "\\", "x", "-", "|", "+")
"""The second cue beside the colour, by position; the first, and most often the last, is plain."""

_EDGE_S = 1e-5
"""Within this time an area rises or falls at its ends: upright to the eye."""


def tops(shares: pd.DataFrame) -> pd.DataFrame:
    """The upper edges of the areas of ``shares``, one column a label."""
    return shares.cumsum(axis=1)


def stacked_areas(rows: pd.DataFrame, labels: Sequence[str]) -> list[go.Scatter]:
    """An area for each label, none where the face was not seen; and what is read from each.

    ``rows`` are those of ``timeline.with_gaps``. Plotly's areas know no gaps (a missing value is a
    slope to zero, or is bridged): each ends with an upright edge, and an unseen line that does
    break answers to the pointer.
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
    """What the pointer reads of a share that is drawn as an area."""
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
    """The rows with values, and one of zeros right before and after each stretch of them.

    ``rows``: the column ``t_s``, then those of the values.
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
