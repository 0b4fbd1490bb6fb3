"""Exports a trained landmark network to a self-contained ONNX file.

The file takes ``crops``, ``(n, 80, 80)`` uint8, grey, and gives ``points``, ``(n, 68, 2)`` float32,
shares of the crop's side, and ``presence``, ``(n,)`` float32, 0..1. Weights are stored in half
precision; the network is rounded to it first, so the file equals it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.models.landmarks.crops import LANDMARK_PX
from fer_core.models.landmarks.landmarks68 import Landmarks68Model
from fer_core.training.expression.export import keep_if_equal, rounded_to_half, write_square_graph
from fer_core.training.landmarks.network import Landmarks68Net


class Exported(nn.Module):
    """``(n, 80, 80)`` uint8 -> points and presence as a share."""

    def __init__(self, network: Landmarks68Net) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        points, presence = self.network(crops[:, None].float())
        return points, torch.sigmoid(presence)


def export(network: Landmarks68Net, crops: NDArray[np.uint8], path: Path) -> float:
    """Write ``path`` and return the largest difference to PyTorch on ``crops``.

    ``crops``: ``(n, 80, 80)`` uint8, the pictures to compare on; the difference is in shares of
    their side, or of presence. Raises ``RuntimeError`` if it is above ``PARITY``; ``path`` is then
    left as it was.
    """
    model = Exported(rounded_to_half(network)).eval()
    partial = path.with_suffix(".partial")
    write_square_graph(model, LANDMARK_PX, "crops", ["points", "presence"], {}, partial)
    difference = _difference(model, partial, crops)
    keep_if_equal(difference, partial, path)
    return difference


def _difference(model: Exported, path: Path, crops: NDArray[np.uint8]) -> float:
    with torch.no_grad():
        expected = model(torch.from_numpy(crops))
    return max(
        float(np.abs(ours.numpy() - theirs).max())
        for ours, theirs in zip(expected, Landmarks68Model(path).predict(crops), strict=True)
    )
