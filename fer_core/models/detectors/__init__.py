"""Where the faces are: the first of the three steps."""

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


def load_detector(name: str = "auto") -> FaceDetector:
    """The detector of that name, ready to use: ``"auto"``, ``"yunet"`` or ``"haar"``.

    ``auto`` is YuNet where its weights are here or can be fetched, else Haar.
    Raises ``UnknownEngine`` for another name and ``WeightsError`` where YuNet is asked for by name
    and its weights cannot be had.
    """
    # Imported here because engines.py knows both detectors, and they import this protocol's room.
    from fer_core.models.choice import choose_detector
    from fer_core.models.detectors.haar import HaarDetector
    from fer_core.models.detectors.yunet import YuNetDetector
    from fer_core.models.weights.files import fetch

    if choose_detector(name).name == "haar":
        return HaarDetector()
    return YuNetDetector(fetch("yunet"))
