"""Smoothing of a stream's shares, label and points, correct for any frame times."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SHARES_TAU_S = 0.3
"""Time constant of the shown shares. Facial expressions last from half a second to four seconds
(Matsumoto and Hwang, 2011): one of half a second still reaches 81 %, and flicker from frame to
frame at 30 frames per second is reduced to a tenth."""

SWITCH_MARGIN = 0.1
SWITCH_AFTER_S = 0.5
"""Another label is shown once it leads by this share, or has led for this long.

The margin is well above the noise of smoothed shares: on the most restless of four faces in clips
they change by 0.007 from frame to frame in the mean (0.008 with the previous compact network). The
time is that of the shortest ordinary expression, so that a face between two expressions does not
keep an outdated label."""

MIN_CUTOFF_HZ = 1.5
SPEED_CUTOFF_HZ = 1.0
CUTOFF_PER_SPEED = 12.0
"""The One-Euro filter: cutoff at rest, cutoff for the speed itself (the authors' value), and
increase of the cutoff in Hz for each face width per second of speed. Tuned as the authors advise:
the first until a face at rest is still, the last until a moving one does not lag."""


def gain(step_s: float, tau_s: float) -> float:
    """The weight of a new value after ``step_s`` seconds in an exponential mean: 0..1.

    ``1 - exp(-step/tau)`` is exact for a signal that is constant over each step, so two half steps
    equal a whole one, and a jump is followed to 63 % after ``tau_s`` at any frame rate. A step of
    zero or negative time has weight 0.
    """
    return -math.expm1(-max(0.0, step_s) / tau_s)


class ExponentialSmoother:
    """An exponential mean over time of arrays of one shape, such as the shares of a face."""

    def __init__(self, tau_s: float = SHARES_TAU_S) -> None:
        self._tau_s = tau_s
        self._mean: NDArray[np.float64] | None = None
        self._last_s = 0.0

    def update(self, values: NDArray[np.float64], t_s: float) -> NDArray[np.float64]:
        """The mean up to ``t_s`` seconds; the first values are their own mean.

        Each result lies between the last one and ``values``, so shares stay shares, and the largest
        is at most the mean of the frames' largest.
        """
        if self._mean is None:
            self._mean = np.asarray(values, np.float64)
        else:
            weight = gain(t_s - self._last_s, self._tau_s)
            self._mean = self._mean + weight * (values - self._mean)
        self._last_s = t_s
        return self._mean


class SteadyLabel:
    """The column of the largest share, with hysteresis."""

    def __init__(self) -> None:
        self._shown: int | None = None
        self._rival = -1
        self._rival_since_s = 0.0

    def update(self, shares: NDArray[np.float64], t_s: float) -> int:
        """The column to show at ``t_s`` seconds, given smoothed shares ``(k,)``."""
        leader = int(shares.argmax())
        if self._shown is None or leader == self._shown:
            self._shown = leader
            self._rival = leader
            return leader
        if leader != self._rival:
            self._rival, self._rival_since_s = leader, t_s
        ahead = shares[leader] - shares[self._shown] >= SWITCH_MARGIN
        if ahead or t_s - self._rival_since_s >= SWITCH_AFTER_S:
            self._shown = leader
        return self._shown


class PointFilter:
    """One-Euro filter (Casiez, Roussel and Vogel, CHI 2012) for the points of one face.

    A low-pass whose cutoff rises with speed: a face at rest does not tremble, a moving one does
    not lag. There are two differences from the paper: speed is that of a point, not of a
    coordinate, in face widths per second, so that faces of any size and rotation are treated alike;
    and the gain is ``gain``, exact for uneven steps.
    """

    def __init__(self) -> None:
        self._points: NDArray[np.float64] | None = None
        self._velocity: NDArray[np.float64] | float = 0.0
        self._last_s = 0.0

    def update(
        self, points: NDArray[np.floating], face_px: float, t_s: float
    ) -> NDArray[np.float64]:
        """The filtered points at ``t_s`` seconds.

        ``points``: ``(n, 2)``, pixels. ``face_px``: the width of the face, more than 0. A step of
        zero or negative time changes nothing.
        """
        now = np.asarray(points, np.float64)
        step_s = t_s - self._last_s
        self._last_s = t_s
        if self._points is None:
            self._points = now
        elif step_s > 0.0:
            way = (now - self._points) / face_px
            weight = gain(step_s, _tau(SPEED_CUTOFF_HZ))
            # In this order a tiny step does no harm: weight / step is at most 1 / tau.
            self._velocity = self._velocity * (1.0 - weight) + way * (weight / step_s)
            speed = np.hypot(self._velocity[:, 0], self._velocity[:, 1])
            cutoff_hz = MIN_CUTOFF_HZ + CUTOFF_PER_SPEED * speed
            weights = -np.expm1(-2.0 * np.pi * step_s * cutoff_hz)[:, None]
            self._points = self._points + weights * (now - self._points)
        return self._points

    def rescale(self, across: float, down: float) -> None:
        """Adapt to frames scaled by these factors."""
        if self._points is not None:
            self._points = self._points * (across, down)


def _tau(cutoff_hz: float) -> float:
    """The time constant of a first-order low-pass with this cutoff."""
    return 1.0 / (2.0 * math.pi * cutoff_hz)
