"""Random numbers for many people or scenes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

Numbers = dict[str, Array]
"""Random numbers by name, one per person or per scene."""


class Dice:
    """Random numbers for ``n`` people or scenes at once."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self.rng, self.n = rng, n

    def uniform(self, low: float, high: float) -> Array:
        return self.rng.uniform(low, high, self.n)

    def between(self, low: float, high: float) -> Array:
        """Positive numbers whose logarithm is uniform."""
        return np.exp(self.uniform(np.log(low), np.log(high)))

    def normal(self, mean: float, deviation: float) -> Array:
        return self.rng.normal(mean, deviation, self.n)

    def hits(self, share: float) -> NDArray[np.bool_]:
        return self.rng.random(self.n) < share
