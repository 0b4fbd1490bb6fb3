"""Parts of the face network that are learned alone, from what the network sees already.

All faces are looked at once, and what the maps show is kept; learning from that takes a hundredth
of the time of learning the whole network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_core.training.device import device
from fer_core.training.expression.network import half_precision
from fer_core.training.landmarks.losses import movement_loss, wing
from fer_core.training.landmarks.network import FaceNet, Shown, read_at

LOOKED_AT = 128
"""Faces that are looked at together."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """How something is learned; the learning rate falls along a cosine."""

    epochs: int
    seed: int
    batch: int
    rate: float
    weight_decay: float

    def of(self, learned: nn.Module, count: int, loss_of: Callable[[Tensor], Tensor]) -> float:
        """Fit to the loss of batches of ``count`` rows. Returns that of the last epoch."""
        optimizer = torch.optim.AdamW(
            learned.parameters(), self.rate, weight_decay=self.weight_decay
        )
        rng = np.random.default_rng(self.seed)
        steps = math.ceil(count / self.batch)
        total = 0.0
        for epoch in range(self.epochs):
            total, order = 0.0, rng.permutation(count)
            for step, part in enumerate(np.array_split(order, steps)):
                done = (epoch + step / steps) / self.epochs
                for group in optimizer.param_groups:
                    group["lr"] = 0.5 * self.rate * (1.0 + math.cos(math.pi * done))
                loss = loss_of(torch.from_numpy(part).to(device()))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += float(loss.detach()) * len(part) / count
        return total


def fit_movements(
    network: FaceNet, crops: np.ndarray, movements: np.ndarray, epochs: int, seed: int
) -> float:
    """Fit the movements of ``network`` to crops ``(n, 80, 80)`` uint8 and theirs ``(n, 52)``, 0..1.

    All else stays as it is. Returns the loss of the last epoch. A crop takes 27 kB of memory.
    """
    seen, pooled, places = _kept(crops, lambda some: _seen(network, some))
    target = torch.from_numpy(movements).to(device())
    head = network.movements.train()

    def loss_of(rows: Tensor) -> Tensor:
        with half_precision():
            told = head.tell(head.read(seen[rows].float()), pooled[rows], places[rows])
        return movement_loss(network, told, target[rows])

    # A weaker decay learns the training faces by heart.
    loss = _Fit(epochs, seed, batch=256, rate=2e-3, weight_decay=0.6).of(head, len(crops), loss_of)
    head.eval()
    return loss


def fit_mesh(network: FaceNet, crops: np.ndarray, mesh: np.ndarray, seed: int) -> float:
    """Fit the maps of the further points to crops ``(n, 80, 80)`` uint8 and theirs ``(n, 146, 2)``.

    ``mesh`` is in shares of the crop's side. All else stays as it is. Returns the loss of the last
    epoch. A crop takes 38 kB of memory.
    """
    points, coarse = _kept(crops, lambda some: _coarse(network, some))
    target = torch.from_numpy(mesh).to(device())
    # Each begins with the map of the one of the 68 points that is nearest on the average face.
    nearest = torch.cdist(target.mean(dim=0), points.mean(dim=0)).argmin(dim=1)
    weight = network.mesh_maps.weight
    weight.data.copy_(network.maps.weight[nearest])

    def loss_of(rows: Tensor) -> Tensor:
        return wing(
            network.expectation(functional.conv2d(coarse[rows].float(), weight)), target[rows]
        )

    fit = _Fit(epochs=8, seed=seed, batch=64, rate=1e-2, weight_decay=0.0)
    return fit.of(network.mesh_maps, len(crops), loss_of)


def _kept(crops: np.ndarray, look: Callable[[np.ndarray], tuple[Tensor, ...]]) -> list[Tensor]:
    """What ``look`` finds in all crops, a few of which it is given at a time.

    Filled in as it comes: concatenated at the end, it would for a moment be in memory twice.
    """
    kept: list[Tensor] = []
    for begin in range(0, len(crops), LOOKED_AT):
        found = look(crops[begin : begin + LOOKED_AT])
        kept = kept or [each.new_empty((len(crops), *each.shape[1:])) for each in found]
        for whole, part in zip(kept, found, strict=True):
            whole[begin : begin + LOOKED_AT] = part
    return kept


@torch.no_grad()
def _look(network: FaceNet, crops: np.ndarray) -> tuple[Tensor, Shown]:
    """The points of each crop, and what it shows."""
    network.eval()  # the maps are standardised as in use
    with half_precision():
        points, _, shown = network.look(torch.from_numpy(crops)[:, None].to(device()).float())
    return points.float(), shown


def _coarse(network: FaceNet, crops: np.ndarray) -> tuple[Tensor, Tensor]:
    """The points of each crop, and the coarse maps in half precision."""
    points, shown = _look(network, crops)
    return points, shown.coarse.half()


def _seen(network: FaceNet, crops: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Both maps at the places of each crop, in half precision; the pooled map; the places.

    ``Movements`` mixes whole maps and reads them afterwards, which comes to the same.
    """
    _, shown = _look(network, crops)
    maps = [read_at(maps.float(), shown.places.float()) for maps in (shown.coarse, shown.fine)]
    return torch.cat(maps, dim=2).half(), shown.pooled.float(), shown.places.float()
