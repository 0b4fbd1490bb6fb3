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
from fer_core.training.landmarks.network import FaceNet, Movements, read_at

BATCH = 256
LOOKED_AT = 128
"""Faces in one step of the learning, and looked at together."""

LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.02


def fit_movements(
    network: FaceNet, crops: np.ndarray, movements: np.ndarray, epochs: int, seed: int
) -> float:
    """Fit the movements of ``network`` to crops ``(n, 80, 80)`` uint8 and theirs ``(n, 52)``, 0..1.

    All else stays as it is. Returns the squared error of the last epoch, in units of the movements'
    deviations.
    """
    network.eval()  # the maps are standardised as in use
    parts = [_seen(network, crops[i : i + LOOKED_AT]) for i in range(0, len(crops), LOOKED_AT)]
    seen, pooled, places = (torch.cat(column) for column in zip(*parts, strict=True))
    target = torch.from_numpy(movements).to(device())
    target = (target - network.movement_mean) / network.movement_scale
    head = network.movements
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rng = np.random.default_rng(seed)
    steps = math.ceil(len(crops) / BATCH)
    error = 0.0
    for epoch in range(epochs):
        error, order = 0.0, rng.permutation(len(crops))
        for step in range(steps):
            rows = torch.from_numpy(order[step * BATCH : (step + 1) * BATCH]).to(device())
            rate = 0.5 * LEARNING_RATE * (1.0 + math.cos(math.pi * (epoch + step / steps) / epochs))
            for group in optimizer.param_groups:
                group["lr"] = rate
            with half_precision():
                found = tell(head, seen[rows].float(), pooled[rows], places[rows])
            loss = functional.mse_loss(found, target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            error += float(loss.detach()) * len(rows) / len(crops)
    return error


def tell(head: Movements, seen: Tensor, pooled: Tensor, places: Tensor) -> Tensor:
    """The movements from both maps as ``read_at`` places: ``seen`` is ``(n, 53, 48 + 16)``.

    The network applies the head's convolution to the whole map and reads afterwards, which comes to
    the same.
    """
    weights, norm = head.coarse
    mixed = functional.linear(seen[:, :, : weights.in_channels], weights.weight[:, :, 0, 0])
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    coarse = (mixed - norm.running_mean) * scale + norm.bias
    return head.tell(torch.cat([coarse, seen[:, :, weights.in_channels :]], dim=2), pooled, places)


@torch.no_grad()
def _seen(network: FaceNet, crops: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Both maps at the points of each crop, in half precision; the pooled map; the places."""
    batch = torch.from_numpy(crops)[:, None].to(device()).float()
    with half_precision():
        _, _, shown = network.look(batch)
    maps = [read_at(maps.float(), shown.places.float()) for maps in (shown.coarse, shown.fine)]
    return torch.cat(maps, dim=2).half(), shown.pooled.float(), shown.places.float()
