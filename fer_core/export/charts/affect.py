"""The figure of valence and arousal of a whole session on the circumplex."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import format_time
from fer_core.export.charts.basic import FONT_PX, circumplex
from fer_core.export.charts.thin import thinned
from fer_core.timeline.summary import summarize
from fer_core.timeline.table import with_gaps

_TIME_SCALE = [[0.0, "#7755DD"], [1.0, "#DD8811"]]
"""From violet to orange: distinguishable for colour-blind people, on light and dark backgrounds."""


def affect_trail_figure(table: pd.DataFrame, track_id: int) -> go.Figure:
    """The valence and arousal of a face on the circumplex (Russell, 1980); colour is time.

    The face must have valence and arousal in at least one row. A cross marks their means over time.
    """
    rows = thinned(with_gaps(table, track_id), ["valence", "arousal"])
    rows = rows[rows["valence"].notna()]
    first_s, last_s = float(rows["t_s"].iloc[0]), float(rows["t_s"].iloc[-1])
    [face] = (face for face in summarize(table) if face.track_id == track_id)
    mean = go.Scatter(
        x=[face.valence_mean],
        y=[face.arousal_mean],
        mode="markers",
        marker={
            **{"symbol": "x", "size": 12, "color": "#DD3333"},
            "line": {"width": 1.5, "color": "#FFFFFF"},
        },
        hovertemplate="mean: valence %{x:+.2f}, arousal %{y:+.2f}<extra></extra>",
    )
    places = _places(rows, first_s, max(last_s, first_s + 1e-3))
    return go.Figure([places, mean], circumplex(300, margin={"l": 8, "r": 8, "t": 8, "b": 44}))


def _places(rows: pd.DataFrame, first_s: float, last_s: float) -> go.Scatter:
    colorbar = {
        **{"orientation": "h", "thickness": 8, "len": 0.7, "y": -0.02, "yanchor": "top"},
        **{"tickvals": [first_s, last_s], "ticktext": [format_time(first_s), format_time(last_s)]},
        **{"tickfont_size": FONT_PX - 2, "ticks": "", "outlinewidth": 0},
    }
    return go.Scatter(
        x=rows["valence"].to_numpy(np.float64).round(3),
        y=rows["arousal"].to_numpy(np.float64).round(3),
        mode="markers",
        marker={
            **{"size": 6, "opacity": 0.75, "color": rows["t_s"].to_numpy(np.float64).round(2)},
            **{"colorscale": _TIME_SCALE, "cmin": first_s, "cmax": last_s, "colorbar": colorbar},
        },
        customdata=[format_time(t_s) for t_s in rows["t_s"]],
        hovertemplate="%{customdata}<br>valence %{x:+.2f}, arousal %{y:+.2f}<extra></extra>",
    )
