"""The time axis of sessions, and helpers for all figures.

Times are drawn as dates, so that Plotly labels minutes and seconds with round ticks at any zoom.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

HOUR_S = 3600.0

ZERO_MS = 946_684_800_000.0
"""Second 0 on the axis, in milliseconds: a midnight. It is not 0, because Plotly takes the numbers
1000 to 9999 for years."""


def ms(t_s: float | Sequence[float] | pd.Series | NDArray[np.float64]) -> Any:
    """Seconds in the axis's unit: milliseconds, as a float or an array ``(n,)``."""
    if isinstance(t_s, int | float):
        return ZERO_MS + round(1000.0 * float(t_s), 2)
    values: NDArray[np.float64] = np.asarray(t_s, np.float64)
    return ZERO_MS + np.round(1000.0 * values, 2)


def seconds(x_ms: float) -> float:
    """The time in seconds of a position on the axis, the inverse of ``ms``."""
    return round((x_ms - ZERO_MS) / 1000.0, 5)


def time_axis(start_s: float, end_s: float) -> dict[str, Any]:
    """Properties of an x axis from ``start_s`` to ``end_s`` seconds, labelled ``m:ss``, or
    ``h:mm:ss`` if it is longer than an hour."""
    clock_format = "%-H:%M:%S" if end_s >= HOUR_S else "%-M:%S"
    # A single frame needs a range around it to be visible.
    margin_s = 0.0 if end_s > start_s else 0.5
    return {
        "type": "date",
        "range": [ms(start_s - margin_s), ms(end_s + margin_s)],
        "tickformatstops": [
            {"dtickrange": [None, 99], "value": f"{clock_format}.%2f"},
            {"dtickrange": [99, 999], "value": f"{clock_format}.%1f"},
            {"dtickrange": [999, None], "value": clock_format},
        ],
        "hoverformat": f"{clock_format}.%2f",
    }


def format_time(t_s: float) -> str:
    """``1:05.3``: minutes and seconds as on the axis; ``1:01:05.3`` after an hour."""
    tenths = round(abs(t_s) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    before = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{'-' if t_s < 0 and tenths else ''}{before}:{rest // 10:02d}.{rest % 10}"


def safe(text: str) -> str:
    """A user's text, escaped for a figure: Plotly would turn ``<a href=…>`` into a link."""
    return html.escape(str(text), quote=False)


def figure_json(figure: go.Figure) -> str:
    """A figure as JSON, without Plotly's template (7 kB): pages and reports have their own."""
    bare = json.loads(figure.to_json())
    bare["layout"].pop("template", None)
    return json.dumps(bare, separators=(",", ":"))
