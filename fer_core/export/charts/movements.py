"""The chart of a face's movements over a session: a strip for each action unit that stands out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from fer_core.export.charts.axis import format_time, ms, time_axis
from fer_core.export.charts.basic import CLEAR, FONT_PX, GRID, TRAIL
from fer_core.export.charts.thin import MOST_RUNS
from fer_core.export.charts.words import span_in_words
from fer_core.schema.action_units import ACTION_UNITS, STANDS_OUT, ActionUnit
from fer_core.schema.face import ACTION_UNIT_COLUMNS
from fer_core.timeline.table import MAX_GAP_S

LEAST = 0.06
"""The opacity of a movement of 0: a stretch in which the face was seen differs from a gap."""

MOST_SPOKEN = 5
"""The largest number of action units in a description."""

# Heights in pixels.
_ROW, _STRIP, _TICKS, _EDGE = 32, 12, 24, 10

_SCALE = [[0.0, f"rgba(136,102,204,{LEAST})"], [1.0, TRAIL]]
"""From almost clear to the colour of charts that no expression has."""


def has_movements(table: pd.DataFrame, track_id: int) -> bool:
    """Whether the movements of this face are known: not in sessions of older versions."""
    rows = table.loc[table["track_id"] == track_id, list(ACTION_UNIT_COLUMNS)]
    return bool(rows.notna().to_numpy().any())


def units_shown(table: pd.DataFrame, track_id: int) -> tuple[ActionUnit, ...]:
    """The action units of this face that reach ``STANDS_OUT``, in order of their numbers."""
    rows = table.loc[table["track_id"] == track_id, list(ACTION_UNIT_COLUMNS)]
    return tuple(unit for unit in ACTION_UNITS if rows[unit.column].max() >= STANDS_OUT)


def movements_figure(table: pd.DataFrame, track_id: int) -> go.Figure:
    """A strip over time for each of ``units_shown``, at least one: the stronger, the darker.

    ``table`` has the columns of ``timeline.columns``. The time axis is that of ``course_figure``,
    with the same margins. Where the face was not seen, a strip has gaps. There are as many cells as
    frames at the usual rate, at most ``MOST_RUNS``; each shows the largest value of its time.
    """
    units = units_shown(table, track_id)
    times_s, values = _cells(table, track_id, [unit.column for unit in units])
    titles = [unit.title for unit in units]
    highest = table.loc[table["track_id"] == track_id, list(ACTION_UNIT_COLUMNS)].max()
    step_ms = 1000.0 * (times_s[1] - times_s[0]) if len(times_s) > 1 else 1000.0
    strips = go.Heatmap(
        **{"x0": ms(float(times_s[0])), "dx": step_ms, "y": titles},
        **{"z": values.T.astype(np.float32), "zmin": 0.0, "zmax": 1.0},
        **{"colorscale": _SCALE, "showscale": False},
        ygap=_ROW - _STRIP,
        hoverongaps=False,
        hovertemplate="%{y} %{z:.0%}<br>%{x}<extra></extra>",
    )
    inner = _ROW * len(units)
    layout = go.Layout(
        height=inner + _TICKS + _EDGE,
        margin={"l": 48, "r": 14, "t": _EDGE, "b": _TICKS},
        font_size=FONT_PX,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        showlegend=False,
        hovermode="closest",
        annotations=[
            *(_words(unit.title, unit.title, 0.0) for unit in units),
            *(_words(unit.title, f"up to {highest[unit.column]:.0%}", 1.0) for unit in units),
        ],
        xaxis={**time_axis(*_ends(table)), "gridcolor": GRID, "showgrid": False},
        yaxis={
            "range": [len(units) - 0.5, -0.5],  # not Plotly's, which makes room for the titles
            **{"fixedrange": True, "showgrid": False, "zeroline": False},
            **{"showticklabels": False, "ticks": "", "type": "category"},
        },
    )
    return go.Figure(strips, layout)


def left_out(table: pd.DataFrame, track_id: int) -> str:
    """Which action units have no strip: ``12 of 17 action units stay below 15%.``"""
    quiet = len(ACTION_UNITS) - len(units_shown(table, track_id))
    if not quiet:
        return ""
    count = "All" if quiet == len(ACTION_UNITS) else f"{quiet} of"
    return f"{count} {len(ACTION_UNITS)} action units stay below {STANDS_OUT:.0%}."


def movements_in_words(name: str, table: pd.DataFrame, track_id: int) -> str:
    """A description of ``movements_figure``: its span, and the highest value of the strongest."""
    rows = table[table["track_id"] == track_id].set_index("t_s")
    units = units_shown(table, track_id)
    highest = sorted(units, key=lambda unit: -rows[unit.column].max())[:MOST_SPOKEN]
    at_s = {unit: float(rows.index[int(rows[unit.column].argmax())]) for unit in highest}
    listed = ", ".join(
        f"{unit.title} {rows[unit.column].max():.0%} at {format_time(at_s[unit])}"
        for unit in highest
    )
    title = "Highest" if len(highest) == len(units) else f"{len(units)} action units, highest"
    seen = f"{name}: movements from {span_in_words(float(rows.index[0]), float(rows.index[-1]))}"
    return " ".join(filter(None, [f"{seen}. {title}: {listed}.", left_out(table, track_id)]))


def _words(row: str, text: str, x: float) -> dict[str, Any]:
    """A text above the strip of a ``row``, at the left (0) or the right (1) of the plot."""
    return {
        **{"x": x, "xref": "paper", "xanchor": "right" if x else "left", "text": text},
        **{"y": row, "yanchor": "middle", "yshift": _ROW // 2 - 1},
        **{"showarrow": False, "font_size": FONT_PX - 1},
    }


def _ends(table: pd.DataFrame) -> tuple[float, float]:
    return float(table["t_s"].iloc[0]), float(table["t_s"].iloc[-1])


def _cells(
    table: pd.DataFrame, track_id: int, columns: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middles of equal cells of time ``(n,)``, seconds, and their values ``(n, columns)``.

    A cell has the largest value of its frames, or else that of the frame before it, which stands
    for the time until the next one, but for no longer than ``MAX_GAP_S``; NaN where the face was
    not seen.
    """
    times_s = table["t_s"].unique()
    rows = table[table["track_id"] == track_id].set_index("t_s")[columns].reindex(times_s)
    # By the usual step, because frames may be far from even: a camera stops, or a tab is hidden.
    steps_s = np.diff(times_s)
    usual = round(float(np.ptp(times_s) / np.median(steps_s))) + 1 if len(steps_s) else 1
    count = min(usual, MOST_RUNS)
    edges_s = np.linspace(times_s[0], times_s[-1], count + 1)
    middles_s = (edges_s[1:] + edges_s[:-1]) / 2
    at = np.searchsorted(times_s, middles_s, side="right") - 1
    held = rows.iloc[at].to_numpy(np.float64, copy=True)
    held[np.diff(times_s, append=times_s[-1])[at] > MAX_GAP_S] = np.nan
    cell = np.clip(np.searchsorted(edges_s, times_s, side="right") - 1, 0, count - 1)
    largest = rows.groupby(cell).max().reindex(range(count)).to_numpy(np.float64)
    return middles_s, np.where(np.isnan(largest), held, largest)
