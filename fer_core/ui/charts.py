"""The figures of ``fer_core.charts.basic`` under the name by which the pages know them."""

from fer_core.charts.basic import (
    MOST_LIVE_POINTS,
    affect_figure,
    change_bars,
    expression_bars,
    share_bars,
    timeline_figure,
)
from fer_core.charts.thin import MOST_POINTS

__all__ = [
    "MOST_LIVE_POINTS",
    "MOST_POINTS",
    "affect_figure",
    "change_bars",
    "expression_bars",
    "share_bars",
    "timeline_figure",
]
