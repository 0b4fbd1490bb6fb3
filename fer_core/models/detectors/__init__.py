"""Face detection: the first of the three steps."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Detection


class FaceDetector(Protocol):
    """Anything that finds faces. One instance may be used from several threads at once."""

    name: str

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """The faces in a picture ``(height, width, 3)`` uint8, BGR; largest first."""
        ...
