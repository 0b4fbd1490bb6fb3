"""For how long the eyes of a face were closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.models.landmarks.gaze import MAX_YAW_DEG
from fer_core.schema.action_units import EYES_CLOSED
from fer_core.timeline.table import time_held

OPEN_QUANTILE = 0.9
"""How open somebody's open eyes are: this quantile of their openness over the session. With the
median, eyes that are closed for half of the time would pass for narrow ones."""

LEAST_OPEN = 0.75
"""Open eyes are taken to be at least so open, 0..1, or those that are closed all the time would
pass for narrow ones. Over the neutral and surprised pictures of each of 15 performers, the quantile
above is 0.79 to 1.00."""


@dataclass(frozen=True, slots=True)
class EyeClosure:
    """How long both eyes of a face were closed, by ``EYES_CLOSED``.

    ``share`` is the part, 0..1, of the time in which that could be judged: the movements were
    measured, on a head turned by at most ``MAX_YAW_DEG`` whose eyes nothing covers. It corresponds
    to PERCLOS, the share of time in which lids cover at least four fifths of the pupils (Wierwille
    et al. 1994, DOT HS 808 247). ``longest_s`` is the longest closure without a break, in seconds.

    Like PERCLOS it is of slow closures: movements are smoothed over 0.3 s, longer than most blinks.
    """

    share: float
    longest_s: float


def eye_closure(rows: pd.DataFrame, times: NDArray[np.float64]) -> EyeClosure | None:
    """The eye closure in ``rows`` of a table of ``timeline.columns``, those of one face.

    ``times`` are those of all frames of the stream, in seconds. None if it could not be judged, or
    for a single moment only.
    """
    seen_s = rows["t_s"].to_numpy()
    openness = 1.0 - rows["AU45"].to_numpy(np.float64)
    covered = rows["problems"].str.contains("eyes_covered", na=False).to_numpy(bool)
    ahead = (rows["yaw_deg"].abs() <= MAX_YAW_DEG).to_numpy(bool)
    judged = ~np.isnan(openness) & ahead & ~covered
    held_s = time_held(seen_s, times)
    judged_s = float(held_s[judged].sum())
    if not judged_s:
        return None
    level = max(float(np.quantile(openness[judged], OPEN_QUANTILE)), LEAST_OPEN)
    closed_s = np.where(judged & (openness < EYES_CLOSED * level), held_s, 0.0)
    # A row that counts for no time ends a closure, and so does a frame without the face.
    broken = (closed_s[:-1] == 0.0) | (np.diff(np.searchsorted(times, seen_s)) > 1)
    starts = np.flatnonzero(np.append(True, broken))
    return EyeClosure(
        share=float(closed_s.sum()) / judged_s,
        longest_s=float(np.add.reduceat(closed_s, starts).max()),
    )
