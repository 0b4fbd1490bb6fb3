"""The losses of points and of movements."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from fer_core.training.landmarks.evaluate import VARIES
from fer_core.training.landmarks.network import FaceNet

WING_WIDTH, WING_CURVE = 4.0, 1.0
"""Parameters of the Wing loss, in hundredths of the crop's side."""

ERROR_WEIGHT = 0.3
"""The weight of the squared error in ``movement_loss``."""


def wing(points: Tensor, target: Tensor) -> Tensor:
    """The Wing loss (Feng et al. 2018) of ``(n, k, 2)`` points.

    Logarithmic below ``WING_WIDTH``, so that small errors count, and linear above, so that wrong
    labels do not count too much.
    """
    error = 100.0 * (points - target).abs()
    small = WING_WIDTH * torch.log1p(error / WING_CURVE)
    offset = WING_WIDTH - WING_WIDTH * math.log1p(WING_WIDTH / WING_CURVE)
    return torch.where(error < WING_WIDTH, small, error - offset).mean()


def movement_loss(network: FaceNet, told: Tensor, movements: Tensor) -> Tensor:
    """The loss of what ``Movements`` ``told`` of faces with ``movements``, both ``(n, 52)``.

    The squared error in units of the movements' deviations, and by how much each movement that
    varies is correlated less than perfectly over these ``n`` faces.
    """
    unit = network.deviation.clamp(min=VARIES)  # noise is not learned at the cost of the others
    found, truth = network.squared(told) / unit, movements / unit
    error = functional.mse_loss(found, truth)
    found, truth = found - found.mean(dim=0), truth - truth.mean(dim=0)
    # No division by 0 where all faces have the same.
    spread = (found.square().mean(dim=0) * truth.square().mean(dim=0) + 1e-4).sqrt()
    apart = 1.0 - (found * truth).mean(dim=0) / spread
    varies = network.deviation >= VARIES
    return ERROR_WEIGHT * error + (apart * varies).sum() / varies.sum().clamp(min=1)
