"""The training loop: AdamW, a moving average of the weights, checkpoints, a log and its curves.

A run is a folder: ``last.pt`` (everything needed to resume), ``best.pt`` (the averaged weights of
the epoch that did best on validation), ``log.csv`` and ``curves.png``. Every step draws its random
numbers from the seed and its own number, so a stopped run continues exactly as it would
have.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from fer_core.errors import FerError
from fer_core.models.detectors.scout import Boxes, suppress
from fer_core.training.checkpoints import save_network
from fer_core.training.detector.curves import write_curves
from fer_core.training.detector.data import FaceTiles
from fer_core.training.detector.evaluate import DetectorScores, Truth, score
from fer_core.training.detector.losses import BOX_WEIGHT, POINTS_WEIGHT, as_target, losses
from fer_core.training.detector.network import DetectorNet, decode
from fer_core.training.detector.plan import Labels, plan
from fer_core.training.detector.render import Renderer
from fer_core.training.detector.state import Settings, State
from fer_core.training.device import device, made_batches
from fer_core.training.expression.curves import write_log
from fer_core.training.expression.network import half_precision, move_average
from fer_core.training.run_state import save_checkpoint

THRESHOLDS = [hundredths / 100.0 for hundredths in range(30, 95, 5)]
WANTED_PRECISION = 0.9
"""A network's threshold is the lowest of ``THRESHOLDS`` with this precision on synthetic scenes."""

_MOST_GRADIENT = 10.0
_MOST_SKIPPED = 10
"""Steps of an epoch without a finite gradient after which a run does not recover."""


class TrainingFailed(FerError):
    """A run cannot go on."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Material for scenes: faces, and backgrounds ``(n, 512, 512)`` uint8, grey."""

    tiles: FaceTiles
    backgrounds: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Synthetic scenes of one shape, ``(n, 1, height, width)`` uint8 on the device, and their
    faces."""

    pictures: Tensor
    truth: list[Truth]


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Scenes ``(n, height, width)`` uint8, and their faces."""

    pictures: NDArray[np.uint8]
    labels: Labels


class _Batches(Dataset[_Batch]):
    """The scenes of each step, by its number."""

    def __init__(self, material: Material, settings: Settings) -> None:
        self._material, self._settings = material, settings
        self._renderer = Renderer(material.tiles.pictures, material.backgrounds)

    def __getitem__(self, step: int) -> _Batch:
        settings, material = self._settings, self._material
        rng = np.random.default_rng([settings.seed, step])
        shares = np.array([share for _, _, share in settings.shapes])
        chosen = rng.choice(len(shares), p=shares / shares.sum())
        height, width, _ = settings.shapes[chosen]
        n = max(2, settings.pixels // (height * width))
        made = plan(rng, material.tiles, len(material.backgrounds), (height, width), n)
        return _Batch(self._renderer.draw(made, seed=settings.seed * 1_000_003 + step), made.labels)


def train(state: State, material: Material, validation: list[Scenes], out: Path) -> None:
    """Train until the run's end, writing the folder ``out`` after every epoch.

    Raises ``TrainingFailed`` if the losses become infinite or NaN.
    """
    out.mkdir(parents=True, exist_ok=True)
    batches: Iterator[_Batch] = made_batches(_Batches(material, state.settings), count(state.step))
    while state.progress < 1.0:
        rate = learning_rate(state)
        row = {"epoch": len(state.history) + 1.0, "learning_rate": rate}
        row |= _train_epoch(state, batches)
        started = time.monotonic()
        row |= _as_row(*validate(state.average, validation))
        state.seconds += time.monotonic() - started
        state.history.append(row | {"step": state.step, "seconds": state.seconds})
        click.echo("  ".join(f"{key} {value:.4g}" for key, value in row.items()), err=True)
        save_checkpoint(state, out / "last.pt")
        if merit(row) >= max(map(merit, state.history)):
            save_network(state.average, out / "best.pt")
        write_log(state.history, out / "log.csv")
        write_curves(state.history, out / "curves.png")


def merit(row: dict[str, float]) -> float:
    """The score for choosing an epoch: its recall if it is precise enough, else a lower value."""
    precision = row["validation_precision"]
    return row["validation_recall"] if precision >= WANTED_PRECISION else precision - 1.0


def learning_rate(state: State) -> float:
    """The learning rate of the next step."""
    settings, done = state.settings, min(state.progress, 1.0)
    if done < settings.warm_share:
        return settings.learning_rate * max(done / settings.warm_share, 1e-3)
    fallen = (done - settings.warm_share) / (1.0 - settings.warm_share)
    return settings.learning_rate * (0.002 + 0.998 * 0.5 * (1.0 + math.cos(math.pi * fallen)))


def _train_epoch(state: State, batches: Iterator[_Batch]) -> dict[str, float]:
    state.network.train()
    totals, taken, skipped = np.zeros(3), 0, 0
    for _ in range(state.settings.steps):
        if state.progress >= 1.0:
            break
        started = time.monotonic()
        parts = _step(state, next(batches))
        if parts is None:
            skipped += 1
            click.echo(f"Step {state.step} skipped: its loss is not a finite number.", err=True)
            if skipped == _MOST_SKIPPED:
                raise TrainingFailed(
                    f"The loss was not a finite number {skipped} times in an epoch. Start again in "
                    "another folder with another --seed; last.pt is from the previous epoch."
                )
        else:
            totals, taken = totals + parts, taken + 1
        state.step += 1
        state.seconds += time.monotonic() - started
    names = ("train_score_loss", "train_box_loss", "train_points_loss")
    means = (totals / max(taken, 1)).tolist()
    return dict(zip(names, means, strict=True)) | {"skipped_steps": float(skipped)}


def _step(state: State, batch: _Batch) -> NDArray[np.float64] | None:
    """The three losses ``(3,)`` of a step; None, without learning, if they are not finite."""
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state)
    pictures = _tensor(batch.pictures).float()
    with half_precision():
        maps = state.network(pictures)
    parts = losses(maps, as_target(batch.labels))
    state.optimizer.zero_grad()
    (parts[0] + BOX_WEIGHT * parts[1] + POINTS_WEIGHT * parts[2]).backward()
    gradient = nn.utils.clip_grad_norm_(state.network.parameters(), _MOST_GRADIENT)
    if not bool(torch.isfinite(gradient)):
        _restore_statistics(state)
        return None
    state.optimizer.step()
    move_average(state.average, state.network, state.settings.average_decay, state.step)
    return np.asarray(parts.detach().cpu().numpy(), np.float64)


def _tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """``(n, height, width)`` -> ``(n, 1, height, width)`` uint8 on the device."""
    return torch.from_numpy(pictures).to(device())[:, None]


@torch.no_grad()
def _restore_statistics(state: State) -> None:
    """Undo the effect of a non-finite picture on the means of the normalisation."""
    pairs = zip(state.network.buffers(), state.average.buffers(), strict=True)
    for spoilt, kept in pairs:
        spoilt.copy_(kept)


def held_out_scenes(material: Material, settings: Settings) -> list[Scenes]:
    """The validation scenes, the same for the same settings."""
    rng = np.random.default_rng([settings.seed, 1])
    renderer = Renderer(material.tiles.pictures, material.backgrounds)
    scenes = []
    for height, width, _ in settings.shapes:
        n = max(1, settings.pixels // (height * width))
        for first in range(0, settings.held_out, n):
            some = min(n, settings.held_out - first)
            made = plan(rng, material.tiles, len(material.backgrounds), (height, width), some)
            truth = [Truth(*made.labels.of_scene(i)) for i in range(some)]
            scenes.append(Scenes(_tensor(renderer.draw(made, seed=first)), truth))
    return scenes


def validate(network: DetectorNet, scenes: list[Scenes]) -> tuple[float, DetectorScores]:
    """The network's threshold, and its scores with it.

    It is the lowest of ``THRESHOLDS`` with ``WANTED_PRECISION``, or the largest if none has it.
    """
    found = [each for part in scenes for each in predict(network, part.pictures)]
    truth = [each for part in scenes for each in part.truth]
    for threshold in THRESHOLDS:
        sure = [(b[s >= threshold], s[s >= threshold]) for b, s in found]
        scores = score(sure, truth)
        if scores.precision is not None and scores.precision >= WANTED_PRECISION:
            break
    return threshold, scores


@torch.no_grad()
def predict(network: DetectorNet, pictures: Tensor) -> list[tuple[Boxes, NDArray[np.float32]]]:
    """Boxes ``(k, 4)`` and scores ``(k,)`` in each picture, from the lowest threshold on."""
    network.eval()
    results = []
    for some in pictures.split(16):
        with half_precision():
            maps = network(some.float())
        logits, boxes, _ = decode(maps)
        for score_row, box_row in zip(logits.sigmoid(), boxes, strict=True):
            scores, corners = score_row.cpu().numpy(), box_row.cpu().numpy()
            kept = suppress(corners, scores, THRESHOLDS[0])
            results.append((corners[kept], scores[kept]))
    return results


def _as_row(threshold: float, scores: DetectorScores) -> dict[str, float]:
    by_size = {
        f"validation_recall_{name}": share or 0.0 for name, share in scores.recall_by_size.items()
    }
    return {
        "validation_threshold": threshold,
        "validation_precision": scores.precision or 0.0,
        "validation_recall": scores.recall or 0.0,
        **by_size,
    }
