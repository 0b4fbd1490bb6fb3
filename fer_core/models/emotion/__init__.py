"""Expression recognition: the last of the three steps."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class EmotionModel(Protocol):
    """Anything that reads expressions. One instance may be used from several threads at once."""

    name: str
    labels: tuple[str, ...]
    """The columns of ``predict``: ``EMOTIONS``, or a user's own classes."""

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The share of each of ``labels`` in square grey faces ``(n, s, s)`` uint8, any ``s``.

        Returns ``(n, len(labels))`` float32, each row summing to 1. Raises ``ValueError`` for
        other arrays.
        """
        ...
