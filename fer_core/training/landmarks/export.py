"""Exports a trained face network to a self-contained ONNX file.

The file takes ``crops``, ``(n, 80, 80)`` uint8, grey, and gives what
``fer_core.models.landmarks.face.Read`` holds. Weights are stored in half precision; the network is
rounded to it first, so the file equals it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.models.landmarks.crops import LANDMARK_PX
from fer_core.models.landmarks.face import FaceModel, Read
from fer_core.training.expression.export import keep_if_equal, rounded_to_half, write_square_graph
from fer_core.training.landmarks.network import FaceNet


class Exported(nn.Module):
    """``(n, 80, 80)`` uint8 -> what ``Read`` holds."""

    def __init__(self, network: FaceNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        points, presence, movements, irises = self.network(crops[:, None].float())
        return points, torch.sigmoid(presence), movements.clamp(0.0, 1.0), irises


def export(network: FaceNet, crops: NDArray[np.uint8], path: Path) -> float:
    """Write ``path`` and return the largest difference to PyTorch on ``crops``.

    ``crops``: ``(n, 80, 80)`` uint8, the pictures to compare on; the difference is in shares of
    their side, of presence, or of a movement. Raises ``RuntimeError`` if it is above ``PARITY``;
    ``path`` is then left as it was.
    """
    model = Exported(rounded_to_half(network)).eval()
    partial = path.with_suffix(".partial")
    names = [field.name for field in fields(Read)]
    write_square_graph(model, LANDMARK_PX, "crops", names, {}, partial)
    difference = _difference(model, partial, crops)
    keep_if_equal(difference, partial, path)
    return difference


def _difference(model: Exported, path: Path, crops: NDArray[np.uint8]) -> float:
    with torch.no_grad():
        expected = model(torch.from_numpy(crops))
    got = FaceModel(path).predict(crops)
    return max(
        float(np.abs(ours.numpy() - getattr(got, field.name)).max())
        for ours, field in zip(expected, fields(Read), strict=True)
    )
