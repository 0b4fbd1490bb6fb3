"""The layout of a session's figure: tracks above one time axis, and a slider below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pandas as pd

from fer_core.export.charts.axis import format_time, ms, safe, time_axis
from fer_core.export.charts.basic import CLEAR, FONT_PX, GRID

AFFECT, RIBBON = "y2", "y3"
"""The tracks beside the shares, each a y axis over the common x axis."""

SLIDER = {"xaxis": "x2", "yaxis": "y4"}
"""The axes of the slider's content; they have no visible height in the figure."""

_TICK_PX = 6

_MARK_LINE = "rgba(128,128,128,0.9)"
_LABEL_CHARS = 18

# Heights in pixels, from top to bottom.
_LEGEND, _RIBBON, _UNDER_RIBBON, _SHARES, _BETWEEN, _AFFECT, _TICKS, _SLIDER, _BELOW = (
    *(40, 36, 8, 196),
    *(22, 80),
    *(24, 30, 8),
)


class Mark(Protocol):
    """A time of a session that a user marked."""

    @property
    def t_s(self) -> float:
        """Seconds since the start of the session."""

    @property
    def label(self) -> str:
        """A word or two."""

    @property
    def note(self) -> str:
        """A text of any length, or ""."""


def layout(table: pd.DataFrame, affect: bool, marks: Sequence[Mark]) -> dict[str, Any]:
    """The layout of the tracks of a session's figure; ``affect``: with valence and arousal.

    Marks are vertical lines over the shares.
    """
    first_s, last_s = float(table["t_s"].iloc[0]), float(table["t_s"].iloc[-1])
    axis = time_axis(first_s, last_s)
    inner = _RIBBON + _UNDER_RIBBON + _SHARES + (_BETWEEN + _AFFECT) * affect + _TICKS
    quiet = {"zeroline": False, "gridcolor": GRID, "fixedrange": True}
    bare = {**quiet, "showgrid": False, "showticklabels": False}

    def domain(top: int, height: int) -> list[float]:
        """The part of the y axis from ``top`` pixels below the upper edge, as Plotly counts."""
        return [1.0 - (top + height) / inner, 1.0 - top / inner]

    below = domain(inner - _TICKS - _AFFECT, _AFFECT)
    only_affect = {
        "yaxis2": {
            **{**quiet, "domain": below, "range": [-1.1, 1.1]},
            **{"tickvals": [-1, 0, 1], "ticktext": ["-1", "0", "+1"]},
        },
        "legend2": _legend(below[1] - 0.01),
    }
    return {
        **_look(inner),
        **_flags(marks, first_s, last_s),
        **(only_affect if affect else {}),
        "legend": _legend(1.0),
        "xaxis": {
            **{**axis, "anchor": AFFECT if affect else "y", "gridcolor": GRID},
            # Lower than the last number of the y axis, beside which the first one stands.
            **{"ticks": "outside", "ticklen": _TICK_PX, "tickcolor": CLEAR},
        },
        "yaxis": {
            **{**quiet, "domain": domain(_RIBBON + _UNDER_RIBBON, _SHARES), "range": [0, 1.04]},
            **{"tickformat": ".0%", "dtick": 0.5},
        },
        "yaxis3": {**bare, "domain": domain(0, _RIBBON), "range": [0, 1]},
        "xaxis2": {
            **{**axis, "anchor": "y4", "matches": "x", "showgrid": False, "showticklabels": False},
            "rangeslider": {
                **{"visible": True, "bgcolor": CLEAR, "range": axis["range"]},
                "thickness": _SLIDER / inner,
            },
        },
        "yaxis4": {**bare, "domain": [0, 3e-4], "range": [0, 1], "anchor": "x2"},
    }


def _flags(marks: Sequence[Mark], start_s: float, end_s: float) -> dict[str, Any]:
    """A line for each mark, and its label; labels alternate in height."""
    lines, labels = [], []
    for number, mark in enumerate(sorted(marks, key=lambda mark: mark.t_s)):
        x = ms(mark.t_s)
        lines.append(
            {
                "type": "line",
                **{"x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "y domain"},
                "line": {"color": _MARK_LINE, "width": 1.5, "dash": "dot"},
            }
        )
        cut = len(mark.label) > _LABEL_CHARS
        short = f"{mark.label[: _LABEL_CHARS - 1]}…" if cut else mark.label
        note = f"<br>{safe(mark.note)}" if mark.note else ""
        labels.append(
            {
                **{"x": x, "y": 1, "yref": "y domain", "yanchor": "top"},
                "xanchor": "left" if mark.t_s - start_s < 0.7 * (end_s - start_s) else "right",
                "text": f"⚑ {safe(short)}",
                "showarrow": False,
                "yshift": -18 * (number % 3),
                "font_size": FONT_PX - 2,
                "bgcolor": "rgba(128,128,128,0.22)",
                "hovertext": f"{format_time(mark.t_s)} {safe(mark.label)}{note}",
            }
        )
    return {"shapes": lines, "annotations": labels} if lines else {}


def _look(inner: int) -> dict[str, Any]:
    return {
        # Plotly adds the slider and its surroundings to the bottom margin.
        "height": _LEGEND + inner + _SLIDER + 2 * _BELOW,
        "margin": {"l": 48, "r": 14, "t": _LEGEND, "b": _BELOW},
        "font_size": FONT_PX,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "barmode": "overlay",
        "hovermode": "x unified",
        "hoversubplots": "axis",
        # Names on the ribbon are hidden if they do not fit.
        "uniformtext": {"minsize": FONT_PX - 2, "mode": "hide"},
    }


def _legend(y: float) -> dict[str, Any]:
    return {
        **{"orientation": "h", "x": 0, "y": y, "yanchor": "bottom"},
        **{"font_size": FONT_PX - 1, "bgcolor": CLEAR},
    }
