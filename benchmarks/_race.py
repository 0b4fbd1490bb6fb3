"""Compares the speed of two ways of doing one thing, timed in turns.

The speed of a shared machine varies. So speed is only reported as a ratio of two things measured in
one run: they take turns, other load slows both, and the ratio is the median of the ratios per turn.
Each side has one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Race:
    """``times_ms``: milliseconds a call, one value for each side and turn."""

    times_ms: Mapping[str, NDArray[np.float64]]

    def median_ms(self, side: str) -> float:
        """The median time of a call of ``side``."""
        return float(np.median(self.times_ms[side]))

    def times_longer(self, slow: str, fast: str) -> tuple[float, float, float]:
        """How many times longer ``slow`` takes than ``fast``: median, lower and upper quartile.

        Above 1 if ``slow`` is the slower one.
        """
        middle, low, high = np.percentile(self.times_ms[slow] / self.times_ms[fast], [50, 25, 75])
        return float(middle), float(low), float(high)


def race(sides: Mapping[str, Callable[[], object]], turns: int, calls: int = 1) -> Race:
    """Let the sides take turns of ``calls`` calls; a first turn of each is not counted.

    OpenCV is limited to one thread permanently; networks come from ``open_session``.
    """
    cv2.setNumThreads(1)
    times_ms: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(1 + turns):
        for name, call in sides.items():
            times_ms[name].append(_ms_a_call(call, calls))
    return Race({name: np.array(times[1:]) for name, times in times_ms.items()})


def _ms_a_call(call: Callable[[], object], calls: int) -> float:
    began_s = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began_s) / calls * 1e3


def open_session(network: Path | bytes) -> onnxruntime.InferenceSession:
    """A network in onnxruntime, on the processor, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
