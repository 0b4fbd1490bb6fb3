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

from fer_core.models.landmarks.face import Read
from fer_core.training.checkpoints import save_network
from fer_core.training.device import device, made_batches
from fer_core.training.expression.curves import write_log
from fer_core.training.expression.network import half_precision, move_average
from fer_core.training.landmarks.batches import MARKED, Batch, Batches, Taught, Training
from fer_core.training.landmarks.curves import write_curves
from fer_core.training.landmarks.data import interocular
from fer_core.training.landmarks.evaluate import (
    iris_percent,
    mean_correlation,
    movement_correlations,
)
from fer_core.training.landmarks.head import fit_mesh, fit_movements
from fer_core.training.landmarks.losses import movement_loss, wing
from fer_core.training.landmarks.network import FaceNet
from fer_core.training.landmarks.state import Settings, State
from fer_core.training.run_state import save_checkpoint

LOSSES = "wing", "presence_loss", "movement_loss", "iris_wing", "mesh_wing"
"""What is summed, weighted, to the loss of a step."""

MOST_MESH_CROPS = 24_000
"""From so many crops at most the mesh is learned alone: their maps take 0.9 GB of memory."""

LEAST_DEVIATION = 0.05
"""The roots of movements that vary less over the training faces are told in this unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Validation data: crops with points, of faces without points, without a face, of taught faces.

    Crops are ``(n, 80, 80)`` uint8, ``points`` ``(n, 68, 2)`` float32, shares of the crop's side;
    those of taught faces have ``irises`` ``(m, 2, 2)`` and ``eyes`` ``(m, 2)``, the width of each,
    in the same unit, and ``movements`` ``(m, 52)``, 0..1.
    """

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    strangers: NDArray[np.uint8]
    negatives: NDArray[np.uint8]
    taught: NDArray[np.uint8]
    movements: NDArray[np.float32]
    irises: NDArray[np.float32]
    eyes: NDArray[np.float32]


def train(state: State, training: Training, validation: Validation, out: Path) -> None:
    """Train until the run's end, writing the folder ``out`` after every epoch."""
    out.mkdir(parents=True, exist_ok=True)
    if not state.history:
        _begin(state, training.taught)
    if device().type == "cuda":
        training.strangers.find_all()
    while state.progress < 1.0:
        started = time.monotonic()
        row = {
            "epoch": state.epoch + 1.0,
            "learning_rate": learning_rate(state.settings, state.progress),
            **_train_epoch(state, training),
            **validate(state.average, validation),
            "seconds": time.monotonic() - started,
        }
        state.epoch += 1
        state.seconds += row["seconds"]
        state.history.append(row)
        click.echo("  ".join(f"{key} {value:.4g}" for key, value in row.items()), err=True)
        save_checkpoint(state, out / "last.pt")
        if score(row) <= min(map(score, state.history)):
            save_network(state.average, out / "best.pt")
        write_log(state.history, out / "log.csv")
        write_curves(state.history, out / "curves.png")


def score(row: dict[str, float]) -> float:
    """The score for choosing an epoch (lower is better): the mean error in percent.

    0.1 % of the interocular distance counts as much as a presence loss of 0.01 nats, a mean
    correlation of the movements of 0.01, or 1 % of the eye's width in the place of the irises.
    """
    return (
        row["validation_nme_percent"]
        + 10.0 * row["validation_presence_loss"]
        + 10.0 * (1.0 - row["validation_movement_correlation"])
        + 0.1 * row["validation_iris_percent"]
    )


def learning_rate(settings: Settings, progress: float) -> float:
    """The learning rate when this share of the run is done."""
    done = min(progress, 1.0)
    warm = min(1.0, (done + 1e-4) / settings.warm_share)
    highest = settings.learning_rate * math.sqrt(settings.batch_scale)
    return highest * warm * 0.5 * (1.0 + math.cos(math.pi * done))


def set_scale(network: FaceNet, movements: NDArray[np.float32]) -> None:
    """Let the network say roots of movements in units of how much they vary, around their mean.

    ``movements``: ``(n, 52)``, those of the training faces.
    """
    roots = np.sqrt(movements)
    network.movement_mean.copy_(torch.from_numpy(roots.mean(axis=0)))
    network.movement_scale.copy_(torch.from_numpy(roots.std(axis=0).clip(min=LEAST_DEVIATION)))
    network.deviation.copy_(torch.from_numpy(movements.std(axis=0)))


def _begin(state: State, taught: Taught) -> None:
    """Scale the movements, and learn them alone, as well as a mesh that is not known yet."""
    network, settings = state.network, state.settings
    set_scale(network, taught.movements)
    if taught.has_mesh and not network.mesh_maps.weight.any():
        crops, places, _ = _drawn(taught, min(settings.alone, MOST_MESH_CROPS), settings.seed)
        loss = fit_mesh(network, crops, places[:, MARKED:], settings.seed)
        click.echo(f"mesh alone: loss {loss:.3f}", err=True)
    learn_movements(network, taught, settings)
    state.average.load_state_dict(network.state_dict())


def learn_movements(network: FaceNet, taught: Taught, settings: Settings) -> None:
    """Learn the movements alone, from faces drawn at random."""
    crops, _, movements = _drawn(taught, settings.alone, settings.seed)
    loss = fit_movements(network, crops, movements, settings.alone_epochs, settings.seed)
    click.echo(f"movements alone: loss {loss:.3f}", err=True)


def _drawn(taught: Taught, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """What ``Taught.face`` gives, of ``count`` faces drawn at random."""
    rng = np.random.default_rng(seed)
    drawn = [
        taught.face(int(i), rng, rng.uniform(0.0, 0.5))
        for i in rng.integers(0, len(taught.pictures), count)
    ]
    return tuple(np.stack(column) for column in zip(*drawn, strict=True))


def _train_epoch(state: State, data: Training) -> dict[str, float]:
    settings, network = state.settings, state.network
    network.train()
    begun, since = state.progress, time.monotonic()
    totals = np.zeros(len(LOSSES))
    batches: Iterator[Batch] = made_batches(
        Batches(data, settings, state.epoch, begun), range(settings.steps)
    )
    for step, batch in enumerate(batches):
        if settings.minutes is None:
            progress = begun + step / settings.steps / settings.epochs
        else:
            progress = begun + (time.monotonic() - since) / (60.0 * settings.minutes)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(settings, progress)
        losses = _losses(network, batch)
        weights = losses.new_tensor(
            [
                1.0,
                settings.presence_weight,
                settings.movement_weight,
                settings.iris_weight,
                settings.mesh_weight,
            ]
        )
        state.optimizer.zero_grad()
        (losses * weights).sum().backward()
        state.optimizer.step()
        move_average(
            state.average, network, settings.average_decay, state.epoch * settings.steps + step
        )
        totals += losses.detach().cpu().numpy()
    return {
        f"train_{name}": float(total) / settings.steps
        for name, total in zip(LOSSES, totals, strict=True)
    }


def _losses(network: FaceNet, batch: Batch) -> Tensor:
    """Those of ``LOSSES``: ``(5,)``; that of the mesh is 0 without one."""
    to = device()
    with half_precision():
        points, irises, shown = network.look(
            _tensor(batch.crops).to(memory_format=torch.channels_last)
        )
        present, told, mesh = network.present(shown), network.movements(shown), shown.mesh
    n, k = len(batch.movements), len(batch.points)
    movements, marked, iris, further, face = (
        torch.from_numpy(part).to(to)
        for part in (batch.movements, batch.points, batch.irises, batch.mesh, batch.present)
    )
    return torch.stack(
        [
            wing(points[:k], marked),
            functional.binary_cross_entropy_with_logits(present.float(), face),
            movement_loss(network, told[:n], movements),
            wing(irises[:n], iris),
            wing(mesh[:n], further) if further.numel() else points.new_zeros(()),
        ]
    )


@torch.no_grad()
def predict(network: FaceNet, crops: NDArray[np.uint8]) -> Read:
    """What the network says of crops ``(n, 80, 80)`` uint8, as the exported file says it."""
    network.eval()
    parts = [network(_tensor(crops[i : i + 256])) for i in range(0, len(crops), 256)]
    points, presence, movements, irises = (torch.cat(column) for column in zip(*parts, strict=True))
    outputs = points, presence.sigmoid(), movements.clamp(0.0, 1.0), irises
    return Read(*(output.float().cpu().numpy() for output in outputs))


def validate(network: FaceNet, data: Validation) -> dict[str, float]:
    """Mean error in percent of the interocular distance, the loss of presence in nats, the mean
    correlation of the movements, and the irises' error in percent of the eye's width."""
    marked, taught = predict(network, data.crops), predict(network, data.taught)
    strangers, negatives = predict(network, data.strangers), predict(network, data.negatives)
    errors = np.linalg.norm(marked.points - data.points, axis=2).mean(axis=1)
    rights = np.concatenate([marked.presence, strangers.presence, 1.0 - negatives.presence])
    correlations = movement_correlations(taught.movements, data.movements)
    return {
        "validation_nme_percent": 100.0 * float((errors / interocular(data.points)).mean()),
        "validation_presence_loss": -float(np.log(rights.clip(min=1e-7)).mean()),
        "validation_movement_correlation": mean_correlation(correlations),
        "validation_iris_percent": iris_percent(taught.irises, data.irises, data.eyes),
    }


def _tensor(crops: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(crops)[:, None].to(device()).float()
