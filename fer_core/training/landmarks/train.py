"""The training loop: AdamW, a moving average of the weights, checkpoints, a log and its curves.

A run is a folder: ``last.pt`` (everything needed to resume), ``best.pt`` (the averaged weights of
the epoch that did best on validation), ``log.csv`` and ``curves.png``. Every epoch draws its random
numbers from the seed and its own number, so a stopped run continues exactly as it would have.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fer_core.training.checkpoints import save_network
from fer_core.training.device import device
from fer_core.training.expression.curves import write_log
from fer_core.training.expression.network import half_precision, move_average
from fer_core.training.landmarks.augment import augment
from fer_core.training.landmarks.curves import write_curves
from fer_core.training.landmarks.data import interocular
from fer_core.training.landmarks.negatives import Strangers
from fer_core.training.landmarks.network import Landmarks68Net
from fer_core.training.landmarks.state import Settings, State
from fer_core.training.run_state import save_checkpoint

WING_WIDTH, WING_CURVE = 4.0, 1.0
"""Parameters of the Wing loss, in hundredths of the crop's side."""


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Training data: grey pictures with their points ``(n, 68, 2)``, and faces without points."""

    pictures: list[NDArray[np.uint8]]
    points: NDArray[np.float32]
    strangers: Strangers


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Validation data: crops with points, of faces without points, and without a face.

    Crops are ``(n, 80, 80)`` uint8, ``points`` ``(n, 68, 2)`` float32, shares of the crop's side.
    """

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    strangers: NDArray[np.uint8]
    negatives: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """``crops``: ``(n, 1, 80, 80)`` float32. The first ``len(points)`` have points ``(k, 68, 2)``.

    ``present``: ``(n,)`` float32, 1 for a face and 0 for none.
    """

    crops: Tensor
    points: Tensor
    present: Tensor


def train(state: State, training: Training, validation: Validation, out: Path) -> None:
    """Train until ``state.settings.epochs``, writing the folder ``out`` after every epoch."""
    out.mkdir(parents=True, exist_ok=True)
    while state.epoch < state.settings.epochs:
        started = time.monotonic()
        losses = _train_epoch(state, training)
        row = {
            "epoch": float(state.epoch),
            "learning_rate": learning_rate(state.settings, float(state.epoch)),
            **losses,
            **validate(state.average, validation),
            "seconds": time.monotonic() - started,
        }
        state.history.append(row)
        click.echo("  ".join(f"{key} {value:.4g}" for key, value in row.items()), err=True)
        save_checkpoint(state, out / "last.pt")
        if score(row) <= min(map(score, state.history)):
            save_network(state.average, out / "best.pt")
        write_log(state.history, out / "log.csv")
        write_curves(state.history, out / "curves.png")


def score(row: dict[str, float]) -> float:
    """The score for choosing an epoch (lower is better): the mean error in percent.

    A presence loss of 0.01 nats counts as much as 0.1 % of the interocular distance.
    """
    return row["validation_nme_percent"] + 10.0 * row["validation_presence_loss"]


def learning_rate(settings: Settings, epoch: float) -> float:
    """The learning rate after ``epoch`` epochs, which may be a fraction."""
    warm = min(1.0, (epoch + 0.01) / 1.0)
    progress = min(epoch / settings.epochs, 1.0)
    return settings.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * progress))


def _train_epoch(state: State, data: Training) -> dict[str, float]:
    settings, network = state.settings, state.network
    rng = np.random.default_rng([settings.seed, state.epoch])
    network.train()
    steps = max(len(data.pictures) // settings.batch, 1)
    totals = np.zeros(2)
    for step, batch in enumerate(_batches(data, settings, state.epoch, rng)):
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(settings, state.epoch + step / steps)
        with half_precision():
            points, presence = network(batch.crops.to(memory_format=torch.channels_last))
        parts = torch.stack(
            [
                wing(points[: len(batch.points)], batch.points),
                functional.binary_cross_entropy_with_logits(presence.float(), batch.present),
            ]
        )
        state.optimizer.zero_grad()
        (parts[0] + settings.presence_weight * parts[1]).backward()
        state.optimizer.step()
        move_average(
            state.average, state.network, settings.average_decay, state.epoch * steps + step
        )
        totals += parts.detach().cpu().numpy()
    state.epoch += 1
    wing_loss, presence_loss = (float(total) / steps for total in totals)
    return {"train_wing": wing_loss, "train_presence_loss": presence_loss}


def _batches(
    data: Training, settings: Settings, epoch: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Every face once, in random order; the last few, too few for a batch, are left out."""
    refining = epoch >= settings.epochs * (1.0 - settings.refine_share)
    strength = 0.5 if refining else 1.0
    order = rng.permutation(len(data.pictures))
    size = min(settings.batch, len(order))
    for start in range(0, len(order) - size + 1, size):
        rows = order[start : start + size]
        crops, points = zip(
            *(augment(data.pictures[i], data.points[i], rng, strength) for i in rows), strict=True
        )
        faces = [data.strangers.face(rng, strength) for _ in range(settings.strangers)]
        negatives = [data.strangers.negative(rng, strength) for _ in range(settings.negatives)]
        present = [1.0] * (size + len(faces)) + [0.0] * len(negatives)
        yield Batch(
            _tensor(np.stack([*crops, *faces, *negatives])),
            torch.from_numpy(np.stack(points)).to(device()),
            torch.tensor(present, device=device()),
        )


def wing(points: Tensor, target: Tensor) -> Tensor:
    """The Wing loss (Feng et al. 2018) of ``(n, 68, 2)`` points.

    Logarithmic below ``WING_WIDTH``, so that small errors count, and linear above, so that wrong
    labels do not count too much.
    """
    error = 100.0 * (points - target).abs()
    small = WING_WIDTH * torch.log1p(error / WING_CURVE)
    offset = WING_WIDTH - WING_WIDTH * math.log1p(WING_WIDTH / WING_CURVE)
    return torch.where(error < WING_WIDTH, small, error - offset).mean()


@torch.no_grad()
def predict(
    network: Landmarks68Net, crops: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points ``(n, 68, 2)`` and presence logits ``(n,)`` for crops ``(n, 80, 80)`` uint8."""
    network.eval()
    parts = [network(_tensor(crops[i : i + 256])) for i in range(0, len(crops), 256)]
    points, presence = (torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True))
    return points, presence


def validate(network: Landmarks68Net, data: Validation) -> dict[str, float]:
    """Mean error in percent of the interocular distance, and the loss of presence in nats."""
    points, marked = predict(network, data.crops)
    _, strangers = predict(network, data.strangers)
    _, negatives = predict(network, data.negatives)
    errors = np.linalg.norm(points - data.points, axis=2).mean(axis=1) / interocular(data.points)
    losses = np.logaddexp(0.0, np.concatenate([-marked, -strangers, negatives]))
    return {
        "validation_nme_percent": 100.0 * float(errors.mean()),
        "validation_presence_loss": float(losses.mean()),
    }


def _tensor(crops: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(crops)[:, None].to(device()).float()
