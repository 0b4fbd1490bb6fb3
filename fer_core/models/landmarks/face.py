"""The face network this project trains itself and ships (models/face.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from fer_core.schema.action_units import MOVEMENTS

SHIPPED_WEIGHTS = SHIPPED / MODELS["face"].file_name

POINTS, IRISES = 68, 2

_OUTPUTS = {
    "points": [POINTS, 2],
    "presence": [],
    "movements": [len(MOVEMENTS)],
    "irises": [IRISES, 2],
}

_BATCH = 8
"""Crops in one pass. More would be no faster, and onnxruntime never releases the memory of its
largest pass: 28 MB after 64 crops."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What the network says of ``n`` crops, all float32.

    ``points`` ``(n, 68, 2)`` and ``irises`` ``(n, 2, 2)``, the centres of the person's right and
    left iris, are fractions of the crop's side; ``presence`` ``(n,)`` and ``movements``
    ``(n, 52)``, in the order of ``MOVEMENTS``, are 0..1.
    """

    points: NDArray[np.float32]
    presence: NDArray[np.float32]
    movements: NDArray[np.float32]
    irises: NDArray[np.float32]


class FaceModel:
    """``models/face.onnx`` in onnxruntime. One instance may serve many threads.

    Raises ``WeightsMissing`` or ``WeightsCorrupt`` if the file cannot be used.
    """

    def __init__(self, path: Path = SHIPPED_WEIGHTS, name: str = "face") -> None:
        self.name = name
        self._session = _open(path)

    def locate(self, bgr: NDArray[np.uint8], boxes: Sequence[Box]) -> list[Landmarks]:
        """See ``LandmarkModel.locate``."""
        if not boxes:
            return []
        crops, squares = zip(*(landmark_crop(bgr, box) for box in boxes), strict=True)
        read = self.predict(np.stack(crops))
        return [
            Landmarks(
                square.to_picture(read.points[i]),
                float(read.presence[i]),
                read.movements[i],
                square.to_picture(read.irises[i]),
            )
            for i, square in enumerate(squares)
        ]

    def predict(self, crops: NDArray[np.uint8]) -> Read:
        """Run the network on crops ``(n, 80, 80)`` uint8, grey."""
        parts = [
            self._session.run(list(_OUTPUTS), {"crops": crops[i : i + _BATCH]})
            for i in range(0, max(1, len(crops)), _BATCH)
        ]
        return Read(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _open(path: Path) -> onnxruntime.InferenceSession:
    session = open_session(path, RESTORE)
    inputs = [(value.name, value.type, value.shape[1:]) for value in session.get_inputs()]
    outputs = {value.name: value.shape[1:] for value in session.get_outputs()}
    if inputs != [("crops", "tensor(uint8)", [LANDMARK_PX] * 2)] or outputs != _OUTPUTS:
        raise other_network(path, RESTORE)
    return session
