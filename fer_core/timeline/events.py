"""Detects events of one face: peaks of an expression, and their onsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.labels import Emotion
from fer_core.timeline.peaks import find_peaks
from fer_core.timeline.table import labels_of, with_gaps

Kind = Literal["peak", "onset"]

PROMINENCE = 0.2
"""The smallest rise of a peak's share above the higher of its neighbouring valleys."""

APART_S = 0.5
"""The smallest distance between peaks of one expression: the shortest ordinary expression lasts
half a second (Matsumoto and Hwang, 2011)."""

ONSET_LEVEL = 0.1
"""The part of the prominence at which a rise begins, like the proximal level of a pulse."""

METHOD = (
    "A peak is a maximum of the smoothed share of one expression with a topographic prominence of "
    f"at least {PROMINENCE:.0%}, {APART_S:g} s or more from higher ones (by the rules of "
    "scipy.signal.find_peaks; Virtanen et al., 2020). Its onset is where the rise to it passes "
    f"{ONSET_LEVEL:.0%} of the prominence above its base (the 10% reference level of IEEE Std "
    "181-2011). Neutral has no peaks: it is what remains when no other expression shows. No event "
    "is detected across a gap in which the face was not seen, or at its edges."
)
"""The method, as text for pages and reports."""

_STEP_S = 0.05
"""The time grid on which peaks are detected; each event is then moved to a frame."""

COLUMNS = ["t_s", "kind", "track_id", "expression", "share"]


@dataclass(frozen=True, slots=True)
class Event:
    """A peak or an onset of the expression ``label`` of one face; ``share`` (0..1) is at that time.

    ``t_s`` is the time of a frame of the table in which the face was seen.
    """

    t_s: float
    kind: Kind
    track_id: int
    label: str
    share: float


def find_events(table: pd.DataFrame, track_id: int) -> tuple[Event, ...]:
    """The peaks and onsets of one face of a table of ``timeline.columns``, in order of time.

    See ``METHOD``. Empty if the face is not in the table.
    """
    found: list[Event] = []
    for stretch in _stretches(with_gaps(table, track_id)):
        times_s = stretch["t_s"].to_numpy(np.float64)
        for label in labels_of(table):
            if label == Emotion.NEUTRAL:
                continue
            shares = stretch[str(label)].to_numpy(np.float64)
            found += [
                Event(float(times_s[frame]), kind, track_id, label, float(shares[frame]))
                for kind, frame in _rises(times_s, shares)
            ]
    # Two peaks without a deep valley between them may share an onset.
    return tuple(sorted(set(found), key=lambda event: (event.t_s, event.kind, event.label)))


def events_table(events: Sequence[Event]) -> pd.DataFrame:
    """A table with a row per event and the columns ``t_s``, ``kind``, ``track_id``, ``expression``,
    ``share`` (0..1)."""
    rows = [(e.t_s, e.kind, e.track_id, str(e.label), e.share) for e in events]
    return pd.DataFrame(rows, columns=COLUMNS)


def _stretches(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The stretches of two or more rows of ``with_gaps`` in which the face was seen in each."""
    seen = rows["track_id"].notna().to_numpy(bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    for first, after in edges.reshape(-1, 2):
        if after - first > 1:
            yield rows.iloc[first:after]


def _rises(times_s: NDArray[np.float64], shares: NDArray[np.float64]) -> Iterator[tuple[Kind, int]]:
    """The frames of each peak and its onset, for one share over a stretch without a gap."""
    if np.ptp(shares) < PROMINENCE:
        return
    # Rounded, so that the same curve gives the same grid at any time of the session.
    passed_s = np.round(times_s - times_s[0], 6)
    grid_s = np.arange(0.0, passed_s[-1] + _STEP_S / 2, _STEP_S)
    level = np.interp(grid_s, passed_s, shares)
    for peak in find_peaks(level, PROMINENCE, distance=round(APART_S / _STEP_S)):
        apex = _apex(passed_s, shares, float(grid_s[peak.index]))
        onset_level = level[peak.index] - (1.0 - ONSET_LEVEL) * peak.prominence
        below = np.flatnonzero(shares[:apex] < onset_level)
        yield "onset", int(below[-1]) + 1
        yield "peak", apex


def _apex(passed_s: NDArray[np.float64], shares: NDArray[np.float64], peak_s: float) -> int:
    """The frame for a peak on the grid: that with the largest share within a step, else the
    nearest."""
    near = np.flatnonzero(np.abs(passed_s - peak_s) <= _STEP_S)
    if not len(near):
        return int(np.abs(passed_s - peak_s).argmin())
    return int(near[shares[near].argmax()])
