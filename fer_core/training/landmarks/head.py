"""The first part of a run: the movements are learned alone, from what the network sees already.

All faces are looked at once, and what the maps show at their points is kept; learning from that
takes a hundredth of the time of learning the whole network.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fer_core.training.device import device
from fer_core.training.expression.network import half_precision
from fer_core.training.landmarks.evaluate import VARIES
from fer_core.training.landmarks.network import FaceNet, read_at

BATCH = 256
LOOKED_AT = 128
"""Faces in one step of the learning, and looked at together."""

LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.6

ERROR_WEIGHT = 0.3
"""The weight of the squared error in ``movement_loss``."""


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


def fit_movements(
    network: FaceNet, crops: np.ndarray, movements: np.ndarray, epochs: int, seed: int
) -> float:
    """Fit the movements of ``network`` to crops ``(n, 80, 80)`` uint8 and theirs ``(n, 52)``, 0..1.

    All else stays as it is. Returns the loss of the last epoch.
    """
    network.eval()  # the maps are standardised as in use
    parts = [_seen(network, crops[i : i + LOOKED_AT]) for i in range(0, len(crops), LOOKED_AT)]
    seen, pooled, places = (torch.cat(column) for column in zip(*parts, strict=True))
    target = torch.from_numpy(movements).to(device())
    head = network.movements.train()
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rng = np.random.default_rng(seed)
    steps = math.ceil(len(crops) / BATCH)
    total = 0.0
    for epoch in range(epochs):
        total, order = 0.0, rng.permutation(len(crops))
        for step, part in enumerate(np.array_split(order, steps)):
            rows = torch.from_numpy(part).to(device())
            rate = 0.5 * LEARNING_RATE * (1.0 + math.cos(math.pi * (epoch + step / steps) / epochs))
            for group in optimizer.param_groups:
                group["lr"] = rate
            with half_precision():
                told = head.tell(head.read(seen[rows].float()), pooled[rows], places[rows])
            loss = movement_loss(network, told, target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows) / len(crops)
    head.eval()
    return total


@torch.no_grad()
def _seen(network: FaceNet, crops: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Both maps at the points of each crop, in half precision; the pooled map; the places.

    ``Movements`` mixes whole maps and reads them afterwards, which comes to the same.
    """
    batch = torch.from_numpy(crops)[:, None].to(device()).float()
    with half_precision():
        _, _, shown = network.look(batch)
    maps = [read_at(maps.float(), shown.places.float()) for maps in (shown.coarse, shown.fine)]
    return torch.cat(maps, dim=2).half(), shown.pooled.float(), shown.places.float()
