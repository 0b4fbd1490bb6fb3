"""The training loop: SGD, a moving average of the weights, checkpoints, a log and its curves.

A run is a folder: ``last.pt`` (everything needed to go on), ``best.pt`` (the averaged weights of
the epoch that did best on validation), ``log.csv`` and ``curves.png``. Every epoch draws its
random numbers from the seed and its own number, so a run that was stopped goes on exactly as it
would have.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.training.device import device
from fer_core.training.expression.augment import augment, mix
from fer_core.training.expression.curves import write_curves, write_log
from fer_core.training.expression.network import half_precision, move_average
from fer_core.training.expression.state import Settings, State, save_network
from fer_core.training.expression.teachers import teachers_say, with_teachers
from fer_core.training.run_state import save_checkpoint


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Tiles ``(n, 48, 48)`` uint8, and for each head ``(n, classes)`` float32 target shares.

    A row of zeros means that the head learns nothing from that tile.
    """

    tiles: NDArray[np.uint8]
    targets: dict[str, NDArray[np.float32]]


def train(
    state: State,
    training: Examples,
    validation: Examples,
    out: Path,
    teachers: Sequence[nn.Module] = (),
) -> None:
    """Train until ``state.settings.epochs``, writing the folder ``out`` after every epoch.

    ``settings.teacher_share`` of what is learned is what ``teachers`` say, where there are any.
    """
    out.mkdir(parents=True, exist_ok=True)
    while state.epoch < state.settings.epochs:
        started = time.monotonic()
        loss = _train_epoch(state, training, teachers)
        row = {
            "epoch": float(state.epoch),
            "learning_rate": learning_rate(state.settings, float(state.epoch)),
            "train_loss": loss,
            **validate(state.average, validation),
            "seconds": time.monotonic() - started,
        }
        state.history.append(row)
        click.echo("  ".join(f"{key} {value:.4g}" for key, value in row.items()), err=True)
        save_checkpoint(state, out / "last.pt")
        if score(row) >= max(map(score, state.history)):
            save_network(state.average, state.classes, out / "best.pt")
        write_log(state.history, out / "log.csv")
        write_curves(state.history, out / "curves.png")


def score(row: dict[str, float]) -> float:
    """What an epoch is chosen by: the mean of the heads' validation accuracies, 0..1."""
    return float(np.mean([value for key, value in row.items() if key.endswith("_accuracy")]))


def learning_rate(settings: Settings, epoch: float) -> float:
    """The learning rate after ``epoch`` epochs, which may be a fraction."""
    warm = min(1.0, (epoch + 0.01) / 1.0)
    start = settings.epochs * (1.0 - settings.decay_share)
    progress = (epoch - start) / max(settings.epochs - start, 1e-9)
    fall = 0.5 * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return settings.learning_rate * warm * fall


def _train_epoch(state: State, data: Examples, teachers: Sequence[nn.Module]) -> float:
    settings, network = state.settings, state.network
    torch.manual_seed(settings.seed * 100_003 + state.epoch)  # for dropout
    generator = torch.Generator().manual_seed(settings.seed * 100_003 + state.epoch)
    refining = state.epoch >= settings.epochs * (1.0 - settings.refine_share)
    network.train()
    batches = list(_batches(len(data.tiles), settings.batch, generator))
    total = 0.0
    with click.progressbar(
        batches,
        label=f"epoch {state.epoch + 1}/{settings.epochs}",
        file=sys.stderr,
    ) as bar:
        for step, rows in enumerate(bar):
            for group in state.optimizer.param_groups:
                group["lr"] = learning_rate(settings, state.epoch + step / len(batches))
            tiles = torch.from_numpy(data.tiles[rows])[:, None]
            tiles = augment(tiles, generator, strength=0.5 if refining else 1.0)
            targets = {k: torch.from_numpy(v[rows]) for k, v in data.targets.items()}
            if not refining and float(torch.rand((), generator=generator)) < settings.mixup_share:
                tiles, targets = mix(tiles, targets, generator)
            tiles = tiles.to(device(), memory_format=torch.channels_last)
            if teachers:
                targets = with_teachers(
                    targets, teachers_say(teachers, tiles), settings.teacher_share
                )
            with half_precision():
                logits = network(tiles)
            loss = cross_entropy(logits, targets)
            state.optimizer.zero_grad()
            loss.backward()
            state.optimizer.step()
            move_average(
                state.average,
                state.network,
                settings.average_decay,
                state.epoch * len(batches) + step,
            )
            total += float(loss.detach())
    state.epoch += 1
    return total / len(batches)


def cross_entropy(logits: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """The mean cross-entropy of each head over the tiles it has a target for, summed."""
    losses = []
    for name, target in targets.items():
        on_device = target.to(logits[name].device)
        log_shares = torch.log_softmax(logits[name].float(), dim=1)
        losses.append(-(on_device * log_shares).sum() / on_device.sum().clamp(min=1.0))
    return torch.stack(losses).sum()


def _batches(n: int, size: int, generator: torch.Generator) -> Iterator[NDArray[np.int64]]:
    """Random batches of ``size``; the rest, too small for batch normalisation, is left out."""
    order = torch.randperm(n, generator=generator).numpy()
    for start in range(0, max(n - n % size, 1), size):
        yield order[start : start + size]


@torch.no_grad()
def predict_logits(network: nn.Module, tiles: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The logits of each head, ``(n, classes)`` float32, for ``(n, 48, 48)`` uint8 tiles."""
    network.eval()
    where = next(network.parameters()).device
    parts = [
        network(torch.from_numpy(tiles[i : i + 256])[:, None].float().to(where))
        for i in range(0, len(tiles), 256)
    ]
    return {name: torch.cat([p[name] for p in parts]).float().cpu().numpy() for name in parts[0]}


def validate(network: nn.Module, data: Examples) -> dict[str, float]:
    """``<head>_accuracy`` (0..1) and ``<head>_loss`` (nats) over the tiles that have a target."""
    figures: dict[str, float] = {}
    for name, logits in predict_logits(network, data.tiles).items():
        target = data.targets[name]
        known = target.sum(axis=1) > 0
        hits = logits[known].argmax(axis=1) == target[known].argmax(axis=1)
        loss = cross_entropy({name: torch.from_numpy(logits)}, {name: torch.from_numpy(target)})
        figures |= {f"{name}_accuracy": float(hits.mean()), f"{name}_loss": float(loss)}
    return figures
