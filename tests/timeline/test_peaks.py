"""The peaks are those that SciPy finds."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fer_core.timeline.peaks import Peak, find_peaks

curves = hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-2.0, 2.0, width=16))
# Few levels: tops of several samples, and neighbours of one height.
steps = hnp.arrays(np.float64, st.integers(0, 40), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@settings(max_examples=300)
@given(curve=curves | steps, prominence=st.sampled_from([0.0, 0.2, 0.5]))
def test_every_peak_scipy_finds_with_its_prominence(curve, prominence):
    peaks, found = scipy.signal.find_peaks(curve, prominence=prominence)
    assert find_peaks(curve, prominence, distance=1) == [
        Peak(int(i), p) for i, p in zip(peaks, found["prominences"], strict=True)
    ]


@settings(max_examples=300)
@given(order=st.permutations(range(40)), distance=st.integers(1, 12))
def test_of_peaks_close_together_the_one_scipy_keeps(order, distance):
    # No two of one height: which of those is kept is left open by SciPy.
    curve = np.array(order, float)
    peaks, found = scipy.signal.find_peaks(curve, prominence=3.0, distance=distance)
    assert find_peaks(curve, 3.0, distance) == [
        Peak(int(i), p) for i, p in zip(peaks, found["prominences"], strict=True)
    ]


@pytest.mark.parametrize("curve", [[], [1.0], [0.0, 1.0], [1.0, 0.0, 1.0], [0.5] * 9])
def test_no_peak_where_nothing_rises_and_falls(curve):
    assert find_peaks(np.array(curve, float), 0.0, 1) == []


def test_a_day_at_the_grid_of_events_is_searched():
    curve = np.random.default_rng(1).random(24 * 3600)
    peaks, _ = scipy.signal.find_peaks(curve, prominence=0.2, distance=10)
    assert [peak.index for peak in find_peaks(curve, 0.2, 10)] == list(peaks)
