"""Reduces the data of long sessions for drawing, and keeps peaks and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.timeline.readings import problems, rivals
from fer_core.timeline.table import MAX_GAP_S

MOST_POINTS = 3000
"""The largest number of points of a line; more cannot be distinguished on a screen."""

MOST_RUNS = 600
"""The largest number of stretches of a ribbon: a pixel or two each on a wide screen."""


def thinned(
    rows: pd.DataFrame, columns: Sequence[str], keep_s: Sequence[float] = ()
) -> pd.DataFrame:
    """At most ``MOST_POINTS`` of the rows, and those at the times ``keep_s``.

    ``rows`` are those of ``timeline.with_gaps``. From each of equal bins of rows it keeps those in
    which one of ``columns`` is largest or smallest, and the first and the last empty row. So peaks
    keep their height, gaps remain gaps, and every value was measured.
    """
    if len(rows) <= MOST_POINTS:
        return rows
    bins = MOST_POINTS // (2 * len(columns) + 2)
    numbers = rows[list(columns)].to_numpy(np.float64)
    kept = [np.flatnonzero(rows["t_s"].isin(list(keep_s)))]
    for part in np.array_split(np.arange(len(rows)), bins):
        empty = part[np.isnan(numbers[part]).any(axis=1)]
        seen = part[~np.isnan(numbers[part]).any(axis=1)]
        kept.append(empty[[0, -1]] if len(empty) else empty)
        if len(seen):
            kept += [seen[numbers[seen].argmax(axis=0)], seen[numbers[seen].argmin(axis=0)]]
    return rows.iloc[np.unique(np.concatenate(kept))]


def runs(table: pd.DataFrame, track_id: int) -> pd.DataFrame:
    """The stretches in which the reading of a face is the same, in order of time.

    Columns: ``start_s``, ``end_s``, ``dominant``, ``rival`` (the expression that lies close to it,
    or ""), ``poor`` (whether the face cannot be read well). A frame stands for the time until the
    next one, as in ``summary``; the time between two stretches is a gap. In a session with more
    than ``MOST_RUNS`` changes, all frames of equal bins first get their most frequent reading.
    """
    times_s = table["t_s"].unique()
    rows = table[table["track_id"] == track_id].set_index("t_s").reindex(times_s)
    poor = (problems(rows) != "").to_numpy(bool)
    rival = np.where(poor, "", rivals(rows))
    readings = pd.DataFrame({"dominant": rows["dominant"], "rival": rival, "poor": poor})
    groups = readings.groupby(list(readings.columns), sort=False).ngroup()
    codes: NDArray[Any] = groups.fillna(-1).to_numpy(np.intp)
    known, first = np.unique(codes, return_index=True)
    if len(_changes(codes)) > MOST_RUNS:
        bins = np.array_split(codes, MOST_RUNS)
        parts = [np.full(len(part), _most_frequent(part), np.intp) for part in bins]
        codes = np.concatenate(parts)
    lengths_s = np.append(np.diff(times_s), 0.0)
    unknown = np.flatnonzero(lengths_s > MAX_GAP_S)
    starts = np.union1d(_changes(codes), unknown + 1)
    ends = np.append(starts[1:], len(times_s)) - 1
    held_s = np.where(lengths_s > MAX_GAP_S, 0.0, lengths_s)
    seen = codes[starts] >= 0
    these = readings.iloc[first[np.searchsorted(known, codes[starts[seen]])]]
    return pd.DataFrame(
        {
            "start_s": times_s[starts[seen]],
            "end_s": (times_s + held_s)[ends[seen]],
            **{name: these[name].to_numpy() for name in readings.columns},
        }
    )


def gaps(table: pd.DataFrame, track_id: int) -> pd.DataFrame:
    """The stretches of a session in which a face was not seen: ``start_s``, ``end_s``."""
    seen = runs(table, track_id)
    starts_s = np.append(float(table["t_s"].iloc[0]), seen["end_s"])
    ends_s = np.append(seen["start_s"], float(table["t_s"].iloc[-1]))
    long = ends_s > starts_s
    return pd.DataFrame({"start_s": starts_s[long], "end_s": ends_s[long]})


def _changes(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """The positions at which a run begins."""
    return np.flatnonzero(np.diff(codes, prepend=codes[:1] - 1)).astype(np.intp)


def _most_frequent(codes: NDArray[np.intp]) -> int:
    values, counts = np.unique(codes, return_counts=True)
    return int(values[counts.argmax()])
