"""Exports a trained detector to a self-contained ONNX file.

The file takes ``picture``, ``(1, 1, h, w)`` uint8, grey, whose sides are multiples of 32, and gives
``scores``, ``(cells,)`` float32, 0..1, ``boxes``, ``(cells, 4)``, left, top, right and bottom, and
``points``, ``(cells, 5, 2)``, in pixels of the picture. The caller applies a threshold, which the
file's metadata gives, and non-maximum suppression. Weights are stored in half precision; the
network is rounded to it first, so the file equals it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.models.detectors.scout import (
    INPUT,
    OUTPUTS,
    STRIDES,
    THRESHOLD_NOTE,
    ScoutDetector,
)
from fer_core.training.detector.network import DetectorNet, decode, fused
from fer_core.training.expression.export import (
    export_graph,
    keep_if_equal,
    rounded_to_half,
    write_graph,
)

PARITY = 1e-4
"""The largest allowed difference between the ONNX file and PyTorch: of a score, or of a coordinate,
relative to itself plus a pixel."""

_MOST_SIDE = 8192
"""A picture size in pixels, which the exporter needs."""


class Exported(nn.Module):
    """``(1, 1, h, w)`` uint8 -> scores as a share, boxes and points of every cell."""

    def __init__(self, network: DetectorNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, boxes, points = decode(self.network(picture.float()))
        return torch.sigmoid(logits[0]), boxes[0], points[0]


def export(
    network: DetectorNet, threshold: float, pictures: list[NDArray[np.uint8]], path: Path
) -> float:
    """Write ``path`` and return the largest difference to PyTorch on ``pictures``.

    ``pictures``: ``(h, w)`` uint8 each, grey, sides multiples of 32. Raises ``RuntimeError`` if it
    is above ``PARITY``; ``path`` is then left as it was.
    """
    model = Exported(rounded_to_half(fused(network))).eval()
    partial = path.with_suffix(".partial")
    example = torch.zeros((1, 1, 96, 160), dtype=torch.uint8)
    last = STRIDES[-1]
    any_size = {
        2: last * torch.export.Dim("rows", min=1, max=_MOST_SIDE // last),
        3: last * torch.export.Dim("columns", min=1, max=_MOST_SIDE // last),
    }
    graph = export_graph(model, example, any_size, INPUT, OUTPUTS, optimize=True)
    write_graph(graph, {THRESHOLD_NOTE: f"{threshold:.2f}"}, partial)
    difference = max(_difference(model, partial, picture) for picture in pictures)
    keep_if_equal(difference, partial, path, PARITY)
    return difference


def _difference(model: Exported, path: Path, picture: NDArray[np.uint8]) -> float:
    with torch.no_grad():
        expected = [each.numpy() for each in model(torch.from_numpy(picture)[None, None])]
    got = ScoutDetector(path).predict(picture)
    return max(
        float((np.abs(ours - theirs) / (1.0 + np.abs(ours))).max())
        for ours, theirs in zip(expected, got, strict=True)
    )
