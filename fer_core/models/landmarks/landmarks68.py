"""The landmark network this project trains itself and ships (models/landmarks68.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fer_core.models.landmarks import Landmarks
from fer_core.models.landmarks.crops import LANDMARK_PX, landmark_crop
from fer_core.models.registry import MODELS
from fer_core.models.weights.files import SHIPPED
from fer_core.models.weights.onnx import RESTORE, open_session, other_network
from fer_core.schema import Box

SHIPPED_WEIGHTS = SHIPPED / MODELS["landmarks68"].file_name

POINTS = 68

_OUTPUTS = ["points", "presence"]

_BATCH = 8
"""Crops in one pass. More would be no faster, and onnxruntime never releases the memory of its
largest pass: 28 MB after 64 crops."""


class Landmarks68Model:
    """``models/landmarks68.onnx`` in onnxruntime. One instance may serve many threads.

    Raises ``WeightsMissing`` or ``WeightsCorrupt`` if the file cannot be used.
    """

    def __init__(self, path: Path = SHIPPED_WEIGHTS, name: str = "landmarks68") -> None:
        self.name = name
        self._session = _open(path)

    def locate(self, bgr: NDArray[np.uint8], boxes: Sequence[Box]) -> list[Landmarks]:
        """See ``LandmarkModel.locate``."""
        if not boxes:
            return []
        crops, squares = zip(*(landmark_crop(bgr, box) for box in boxes), strict=True)
        places, presence = self.predict(np.stack(crops))
        return [
            Landmarks(square.to_picture(there), float(sure))
            for square, there, sure in zip(squares, places, presence, strict=True)
        ]

    def predict(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the network on crops ``(n, 80, 80)`` uint8, grey.

        Returns the points ``(n, 68, 2)`` float32 as fractions of the crop's side, and the presence
        ``(n,)`` float32, 0..1.
        """
        parts = [
            self._session.run(_OUTPUTS, {"crops": crops[i : i + _BATCH]})
            for i in range(0, max(1, len(crops)), _BATCH)
        ]
        points, presence = (np.concatenate(each) for each in zip(*parts, strict=True))
        return points, presence


def _open(path: Path) -> onnxruntime.InferenceSession:
    session = open_session(path, RESTORE)
    inputs = [(value.name, value.type, value.shape[1:]) for value in session.get_inputs()]
    outputs = [(value.name, value.shape[1:]) for value in session.get_outputs()]
    wanted = [("points", [POINTS, 2]), ("presence", [])]
    if inputs != [("crops", "tensor(uint8)", [LANDMARK_PX] * 2)] or outputs != wanted:
        raise other_network(path, RESTORE)
    return session
