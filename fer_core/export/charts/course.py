"""The figure of one face over a session: ribbon, shares, valence and arousal, events, marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.export.charts.axis import ms, safe
from fer_core.export.charts.basic import TRAIL
from fer_core.export.charts.layout import AFFECT, Mark, layout
from fer_core.export.charts.ribbon import boxes, miniature, ribbon, unsure_words
from fer_core.export.charts.stack import stacked_areas, tops
from fer_core.export.charts.thin import gaps, runs, thinned
from fer_core.labels import Emotion, color_of
from fer_core.timeline.events import Event
from fer_core.timeline.table import labels_of, with_gaps

Style = Literal["lines", "stacked"]

ACTIVATION = "#CC7722"
"""The colour of arousal; valence has ``TRAIL``. The lines also differ in their dashes."""

SHADE = "rgba(128,128,128,0.16)"

MOST_OUTLINED = 60
MOST_WITH_ONSETS = 200
"""With more events than the first, their symbols are small; with more than the second, only peaks
are drawn."""


def course_figure(
    table: pd.DataFrame,
    track_id: int,
    *,
    style: Style = "lines",
    affect: bool = False,
    events: Sequence[Event] = (),
    marks: Sequence[Mark] = (),
) -> go.Figure:
    """The dominant expressions of one face over a whole session as a ribbon, and its shares below.

    ``table`` has the columns of ``timeline.columns`` and at least one row of this face. Lines break
    and areas end where the face was not seen, and these stretches are shaded. The ribbon is hatched
    where another expression lies close to the dominant one, and grey where the face cannot be read
    well; the hover text gives the reason. ``affect`` adds a track with valence and arousal, if the
    network's labels have them. ``events`` of this face are drawn on their lines; ``marks`` are
    vertical lines. The slider at the bottom shows the ribbon of the whole session.
    """
    labels = labels_of(table)
    names = [str(label) for label in labels]
    rows = with_gaps(table, track_id)
    affect = affect and bool(rows["valence"].notna().any())
    keep_s = [event.t_s for event in events]
    rows = thinned(rows, [*names, "valence", "arousal"] if affect else names, keep_s)
    stretches = runs(table, track_id)
    unseen = gaps(table, track_id)
    if bool((stretches["start_s"] == stretches["end_s"]).all()):
        # The frames are so far apart that all the time between them would be shaded.
        unseen = unseen.iloc[:0]
    # A single frame has no length, but should be visible.
    least_s = max(float(np.ptp(table["t_s"])), 1.0) / 400
    stretches["end_s"] = stretches["end_s"].clip(lower=stretches["start_s"] + least_s)
    traces = [
        *_shares(rows, labels, style),
        boxes(unseen, SHADE, name="not seen", showlegend=bool(len(unseen))),
        unsure_words(rows),
        *_events(rows, events, labels, style),
        *(_affect(rows) if affect else ()),
        *ribbon(stretches, labels),
        *miniature(stretches, labels),
    ]
    # At once: Plotly takes several times as long to add to a figure.
    return go.Figure(traces, layout(table, affect, marks))


def has_affect(table: pd.DataFrame, track_id: int) -> bool:
    """Whether valence and arousal of this face are known."""
    return bool(table.loc[table["track_id"] == track_id, "valence"].notna().any())


def _shares(rows: pd.DataFrame, labels: Sequence[str], style: Style) -> list[go.Scatter]:
    if style == "stacked":
        return stacked_areas(rows, labels)
    alone = _alone(rows)
    return [
        go.Scatter(
            x=ms(rows["t_s"]),
            y=rows[str(label)].to_numpy(np.float64).round(4),
            name=safe(label),
            # A frame between two gaps has no line; it is drawn as a dot.
            mode="lines+markers" if alone.any() else "lines",
            marker={"size": np.where(alone, 6, 0), "opacity": 1} if alone.any() else None,
            line={"color": color_of(label, labels).as_hex(), "width": 2},
            connectgaps=False,
            # Neutral lies behind the other expressions.
            zorder=0 if label == Emotion.NEUTRAL else 1,
            hovertemplate="%{y:.0%}",
        )
        for label in labels
    ]


def _alone(rows: pd.DataFrame) -> Any:
    """In which rows the face was seen, but not in their neighbours: ``(n,)`` bool."""
    seen = np.concatenate([[False], rows["track_id"].notna().to_numpy(bool), [False]])
    return seen[1:-1] & ~seen[:-2] & ~seen[2:]


def _events(
    rows: pd.DataFrame, events: Sequence[Event], labels: Sequence[str], style: Style
) -> list[go.Scatter]:
    """Detected peaks and onsets, each on its line, or on the upper edge of its area."""
    shares = rows[[str(label) for label in labels]]
    heights = (tops(shares) if style == "stacked" else shares).to_numpy(np.float64)
    index = dict(zip(rows["t_s"], range(len(rows)), strict=True))
    small = len(events) > MOST_OUTLINED
    looks = {"peak": ("triangle-down", 7 if small else 11)}
    if len(events) <= MOST_WITH_ONSETS:
        looks["onset"] = ("circle-open", 5 if small else 8)
    traces = []
    for kind, (symbol, size) in looks.items():
        these = [event for event in events if event.kind == kind]
        if not these:
            continue
        colors = [color_of(event.label, labels).as_hex() for event in these]
        traces.append(
            go.Scatter(
                x=ms([event.t_s for event in these]),
                y=[heights[index[event.t_s], list(labels).index(event.label)] for event in these],
                name=kind,
                mode="markers",
                marker={
                    "symbol": symbol,
                    "size": size,
                    "color": colors,
                    "line": {"width": 1, "color": colors if kind == "onset" else "#555555"},
                },
                text=[f"{safe(event.label)} {event.share:.0%}" for event in these],
                hovertemplate="%{text}",
            )
        )
    return traces


def _affect(rows: pd.DataFrame) -> list[go.Scatter]:
    looks = {"valence": (TRAIL, "solid"), "arousal": (ACTIVATION, "dash")}
    return [
        go.Scatter(
            x=ms(rows["t_s"]),
            y=rows[name].to_numpy(np.float64).round(4),
            name=name,
            mode="lines",
            line={"color": color, "dash": dash, "width": 2},
            connectgaps=False,
            hovertemplate="%{y:+.2f}",
            yaxis=AFFECT,
            legend="legend2",
        )
        for name, (color, dash) in looks.items()
    ]
