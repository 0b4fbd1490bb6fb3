"""The movements of a camera's faces over the last seconds."""

from __future__ import annotations

import numpy as np

from fer_core.analysis.baseline import GIVE_UP_S
from fer_core.live.recent_movements import RecentMovements
from fer_core.schema import Box, Face, FrameResult
from fer_core.schema.action_units import MOVEMENTS

SHARES = (0.0,) * 6 + (1.0,)


def frame(t_s: float, **shown: float) -> FrameResult:
    """Face 1 with all movements at ``seen``, smoothed to ``smooth``; face 2 without any."""
    seen, smooth = ((shown[name],) * len(MOVEMENTS) for name in ("seen", "smooth"))
    moving = Face(
        Box(1, 2, 30, 40),
        0.9,
        probabilities=SHARES,
        track_id=1,
        coefficients=smooth,
        raw_coefficients=seen,
    )
    still = Face(Box(50, 2, 30, 40), 0.9, probabilities=SHARES, track_id=2)
    return FrameResult(640, 480, (moving, still), "m", "d", t_s=t_s)


def test_movements_of_the_frames_asked_for_before_smoothing() -> None:
    recent = RecentMovements()
    for number in range(4):
        recent.add(frame(number / 10, seen=number / 4, smooth=0.5))
    found = recent.of(1, np.array([0.1, 0.15, 0.3]))
    assert found.shape == (3, 52)
    assert found[:, 0].tolist()[::2] == [0.25, 0.75]
    assert np.isnan(found[1]).all()
    assert np.isnan(recent.of(2, np.array([0.1]))).all()
    assert recent.of(3, np.array([])).shape == (0, 52)


def test_nothing_is_kept_for_longer_than_a_rest_may_take() -> None:
    recent = RecentMovements()
    times_s = np.arange(0.0, 3 * GIVE_UP_S)
    for t_s in times_s.tolist():
        recent.add(frame(t_s, seen=0.5, smooth=0.5))
    known = ~np.isnan(recent.of(1, times_s)).any(axis=1)
    assert times_s[known].min() == times_s[-1] - GIVE_UP_S
