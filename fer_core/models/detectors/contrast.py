"""Dark and flat pictures with their full contrast, for detectors that do not see to it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

ENOUGH = 64
"""Greys between the darkest and the brightest part of a picture that need no help."""

_TAILS = 0.1, 99.9
"""Percentiles that become black and white. Of a tile a small face is a fiftieth of a hundredth, and
must not be among what is cut off."""

_SAMPLE_PX = 4
"""Only each so many-th pixel is looked at, both ways."""


def stretched(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with its darkest part black and its brightest white, where it has less contrast.

    ``(height, width, 3)`` uint8, BGR. Linearly, and all channels alike. Networks learned from well
    lit photos: of faces a tenth as bright YuNet finds 71 %, and with this 90 %, as many as in full
    light; equalised histograms and gamma curves gain less or lose (benchmarks/README.md).
    """
    some = bgr[::_SAMPLE_PX, ::_SAMPLE_PX].mean(axis=2)
    low, high = np.percentile(some, _TAILS).tolist()
    if high - low >= ENOUGH or high - low < 1.0:
        return bgr
    greys = (np.arange(256) - low) * (255.0 / (high - low))
    return np.asarray(cv2.LUT(bgr, np.clip(greys, 0, 255).round().astype(np.uint8)), np.uint8)
