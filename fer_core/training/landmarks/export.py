"""From a trained landmark network to an ONNX file that needs nothing beside it.

The file takes ``crops``, ``(n, 80, 80)`` uint8, grey, and gives ``points``, ``(n, 68, 2)`` float32,
shares of the crop's side, and ``presence``, ``(n,)`` float32, 0..1. Weights are stored in half
precision, to which the network is rounded first, so the file loses nothing against it.
"""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.landmarks.framing import LANDMARK_PX
from fer_core.landmarks.landmarks68 import Landmarks68Model
from fer_core.training.export import (
    OPSET,
    PARITY,
    drop_empty_biases,
    forget_origin,
    store_halved,
)
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
    rounded = copy.deepcopy(network).cpu().eval()
    for parameter in rounded.parameters():
        parameter.data = parameter.data.half().float()
    model = Exported(rounded).eval()
    partial = path.with_suffix(".partial")
    _write(model, partial)
    difference = _difference(model, partial, crops)
    if difference > PARITY:
        partial.unlink()
        raise RuntimeError(f"ONNX and PyTorch differ by {difference:.2g}, more than {PARITY:.0e}")
    partial.replace(path)
    return difference


def _write(model: Exported, path: Path) -> None:
    example = torch.zeros((2, LANDMARK_PX, LANDMARK_PX), dtype=torch.uint8)
    # It logs a line for every torchvision operator where torchvision is absent.
    logging.getLogger("torch.onnx._internal.exporter").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates parts of itself
        program = torch.onnx.export(
            model,
            (example,),
            input_names=["crops"],
            output_names=["points", "presence"],
            dynamic_shapes={"crops": {0: torch.export.Dim("n")}},
            opset_version=OPSET,
            dynamo=True,
            optimize=False,  # it would give convolutions biases that are not empty
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    forget_origin(graph)
    drop_empty_biases(graph)
    store_halved(graph)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))


def _difference(model: Exported, path: Path, crops: NDArray[np.uint8]) -> float:
    with torch.no_grad():
        expected = model(torch.from_numpy(crops))
    return max(
        float(np.abs(ours.numpy() - theirs).max())
        for ours, theirs in zip(expected, Landmarks68Model(path).predict(crops), strict=True)
    )
