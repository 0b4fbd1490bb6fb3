"""Stretches the contrast of dark and flat pictures, for detectors that do not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

ENOUGH = 64
"""The range of greys above which a picture is left as it is."""

_TAILS = 0.1, 99.9
"""Percentiles that become black and white. A small face covers only 0.02 % of a tile, and must not
be clipped."""

_SAMPLE_PX = 4
"""Only every n-th pixel is sampled, in both directions."""


def stretched(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with its contrast stretched to black and white, if it has less.

    ``(height, width, 3)`` uint8, BGR. The stretch is linear and the same for all channels.
    Networks are trained on well-lit photos: of faces a tenth as bright YuNet finds 71 %, and 90 %
    after stretching, as many as in full light. Histogram equalisation and gamma curves gain less
    or lose (benchmarks/README.md).
    """
    some = bgr[::_SAMPLE_PX, ::_SAMPLE_PX].mean(axis=2)
    low, high = np.percentile(some, _TAILS).tolist()
    if high - low >= ENOUGH or high - low < 1.0:
        return bgr
    greys = (np.arange(256) - low) * (255.0 / (high - low))
    return np.asarray(cv2.LUT(bgr, np.clip(greys, 0, 255).round().astype(np.uint8)), np.uint8)
