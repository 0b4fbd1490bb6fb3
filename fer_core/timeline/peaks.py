"""Peaks of a curve by their topographic prominence: the rules of ``scipy.signal.find_peaks``.

SciPy itself would cost 27 MB of memory for this one function, and 40 MB of the slug. The tests
compare the results with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak: its index in the curve, and its prominence in the curve's unit."""

    index: int
    prominence: float


def find_peaks(curve: NDArray[np.float64], prominence: float, distance: int) -> list[Peak]:
    """The peaks of a curve ``(n,)`` of finite numbers, in order.

    A peak is higher than its neighbours; on a plateau it is the middle. First, peaks nearer than
    ``distance`` samples to a higher one are left out, then those whose prominence is below
    ``prominence``: their height above the higher of the lowest points between them and the next
    higher point, or the end of the curve, on either side.
    """
    maxima = _maxima(curve)
    heights = _prominences(curve, maxima)
    return [
        Peak(int(maxima[i]), float(heights[i]))
        for i in _apart(maxima, curve[maxima], distance)
        if heights[i] >= prominence
    ]


def _maxima(curve: NDArray[np.float64]) -> NDArray[np.intp]:
    """The local maxima in order, without the ends of the curve."""
    if len(curve) < 3:
        return np.empty(0, np.intp)
    # Runs of equal values, each by its first sample.
    first = np.flatnonzero(np.concatenate([[True], curve[1:] != curve[:-1]]))
    last = np.append(first[1:], len(curve)) - 1
    steps = np.sign(np.diff(curve[first]))
    tops = np.flatnonzero((steps[:-1] > 0) & (steps[1:] < 0)) + 1
    return np.asarray((first[tops] + last[tops]) // 2)


def _apart(
    maxima: NDArray[np.intp], heights: NDArray[np.float64], distance: int
) -> NDArray[np.intp]:
    """The positions in ``maxima`` of those that are kept, in order. Higher ones have priority; of
    the same height, later ones."""
    stays = np.ones(len(maxima), bool)
    for i in np.argsort(heights, kind="stable")[::-1]:
        if stays[i]:
            first = np.searchsorted(maxima, maxima[i] - distance, side="right")
            after = np.searchsorted(maxima, maxima[i] + distance, side="left")
            stays[first:after] = False
            stays[i] = True
    return np.flatnonzero(stays)


def _prominences(curve: NDArray[np.float64], maxima: NDArray[np.intp]) -> NDArray[np.float64]:
    """The prominence of each of all the maxima of a curve, ``(len(maxima),)``."""
    if not len(maxima):
        return np.empty(0)
    tops = curve[maxima]
    # The lowest points before the first, between neighbours, and after the last.
    valleys = np.minimum.reduceat(curve, np.concatenate([[0], maxima]))
    left = _bases(tops, valleys[:-1])
    right = _bases(tops[::-1], valleys[:0:-1])[::-1]
    return tops - np.maximum(left, right)


def _bases(tops: NDArray[np.float64], valleys: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each top the lowest of the valleys since the last higher top; ``valleys[i]`` lies just
    before ``tops[i]``.

    In one pass: once a later top is as high, only the base of the earlier one matters.
    """
    bases: list[float] = []
    higher: list[tuple[float, float]] = []  # tops, and the base of each
    for top, base in zip(tops.tolist(), valleys.tolist(), strict=True):  # Python's own are faster
        while higher and higher[-1][0] <= top:
            base = min(base, higher.pop()[1])
        bases.append(base)
        higher.append((top, base))
    return np.array(bases)
