"""The training loop: SGD, a moving average of the weights, checkpoints, a log and its curves.

A run is a folder with ``last.pt`` (all that is needed to resume), ``best.pt`` (the averaged weights
of the best epoch on validation), ``log.csv`` and ``curves.png``. The random numbers of an epoch
depend only on the seed and its number, so a resumed run gives the same result as an uninterrupted
one.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_core.training.device import device
from fer_core.training.expression import metrics
from fer_core.training.expression.batches import Batches, Part
from fer_core.training.expression.curves import write_curves, write_log
from fer_core.training.expression.data import UNLABELLED
from fer_core.training.expression.network import half_precision, move_average
from fer_core.training.expression.soft_labels import HEAD_WEIGHT
from fer_core.training.expression.sources import Source, ValidationSet
from fer_core.training.expression.state import Settings, State, save_network
from fer_core.training.expression.targets import FOREIGN, HEAD_WEIGHTS, SHOWN
from fer_core.training.expression.teachers import teacher_log_shares, teacher_shares
from fer_core.training.run_state import save_checkpoint

REFINED = 0.6
"""The strength of augmentation in the last ``refine_share`` of the epochs."""

MAX_GRADIENT_NORM = 5.0
"""Gradients with a larger norm are scaled down to this norm."""


def train(
    state: State,
    sources: Sequence[Source],
    validation_sets: Sequence[ValidationSet],
    out: Path,
    teachers: Sequence[nn.Module] = (),
) -> None:
    """Train until ``state.settings.epochs``, and write to the folder ``out`` after every epoch.

    An epoch is one pass through the first of ``sources``. ``settings.teacher_share`` of the targets
    comes from ``teachers``, and from foreign networks if a source has their hints.
    """
    out.mkdir(parents=True, exist_ok=True)
    batches = Batches(sources, state.settings.batch, state.settings.side)
    while state.epoch < state.settings.epochs:
        started = time.monotonic()
        loss = _train_epoch(state, batches, teachers)
        row = {
            "epoch": float(state.epoch),
            "learning_rate": learning_rate(state.settings, float(state.epoch)),
            "train_loss": loss,
            **validate(state.average, validation_sets),
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
    """The criterion for the best epoch: the mean of accuracy and macro recall, 0..1.

    All validation sets have the same weight, whatever their size.
    """
    endings = ("_accuracy", "_macro_recall")
    return float(np.mean([value for key, value in row.items() if key.endswith(endings)]))


def learning_rate(settings: Settings, epoch: float) -> float:
    """The learning rate after ``epoch`` epochs, which may be a fraction."""
    warm = min(1.0, (epoch + 0.01) / 1.0)
    start = settings.epochs * (1.0 - settings.decay_share)
    progress = (epoch - start) / max(settings.epochs - start, 1e-9)
    fall = 0.5 * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return settings.learning_rate * warm * fall


def _train_epoch(state: State, batches: Batches, teachers: Sequence[nn.Module]) -> float:
    settings, network = state.settings, state.network
    seed = settings.seed * 100_003 + state.epoch
    torch.manual_seed(seed)  # for dropout
    generator = torch.Generator(device()).manual_seed(seed)
    refining = state.epoch >= settings.epochs * (1.0 - settings.refine_share)
    network.train()
    total = torch.zeros((), device=device())
    epoch = batches.epoch(
        generator,
        strength=REFINED if refining else 1.0,
        mixup_share=0.0 if refining else settings.mixup_share,
    )
    with click.progressbar(
        epoch,
        length=len(batches),
        label=f"epoch {state.epoch + 1}/{settings.epochs}",
        file=sys.stderr,
    ) as bar:
        for step, (faces, parts) in enumerate(bar):
            for group in state.optimizer.param_groups:
                group["lr"] = learning_rate(settings, state.epoch + step / len(batches))
            log_shares = teacher_log_shares(teachers, faces)
            with half_precision():
                logits = network(faces)
            loss = loss_of(logits, parts, log_shares, settings.teacher_share)
            state.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
            state.optimizer.step()
            move_average(
                state.average,
                state.network,
                settings.average_decay,
                state.epoch * len(batches) + step,
            )
            total += loss.detach()
    state.epoch += 1
    return float(total) / len(batches)


def loss_of(
    logits: dict[str, Tensor],
    parts: Sequence[Part],
    log_shares: dict[str, Tensor],
    teacher_share: float,
) -> Tensor:
    """The weighted sum over the heads of their mean loss over the faces that they learn from.

    A face without a label counts only with the teachers' targets, if there are any.
    """
    sums: dict[str, tuple[Tensor, Tensor]] = {}
    for part in parts:
        for head, target in part.targets.items():
            shares = teacher_shares(log_shares, head, part)
            prior = part.log_prior if head == SHOWN else None
            loss, count = head_loss(logits[head][part.rows], target, prior, shares, teacher_share)
            before = sums.get(head, (0.0, 0.0))
            sums[head] = before[0] + loss, before[1] + count
    weighted = [_weight(head) * loss / count.clamp(min=1.0) for head, (loss, count) in sums.items()]
    return torch.stack(weighted).sum()


def head_loss(
    logits: Tensor,
    target: Tensor,
    log_prior: Tensor | None,
    teacher: Tensor | None,
    teacher_share: float,
) -> tuple[Tensor, Tensor]:
    """The summed loss of one head on the faces of one source, and the number of these faces.

    The loss of the label uses the logits plus ``log_prior``, ``(classes,)``, so that the head does
    not learn the source's prior (Menon et al. 2021, equation 10). The loss of the teachers' shares
    ``teacher``, ``(n, classes)``, uses the logits alone. It is ``teacher_share`` of the loss, and
    all of it for faces without a label.
    """
    logits = logits.float()
    known = target.sum(dim=1)
    adjusted = logits if log_prior is None else logits + log_prior
    of_label = -(target * adjusted.log_softmax(dim=1)).sum(dim=1)
    if teacher is None:
        return of_label.sum(), known.sum()
    of_teachers = -(teacher * logits.log_softmax(dim=1)).sum(dim=1)
    share = 1.0 - teacher_share
    loss = share * of_label + (1.0 - share * known) * of_teachers
    return loss.sum(), torch.full_like(known.sum(), len(known))


def _weight(head: str) -> float:
    return HEAD_WEIGHT if head.startswith(FOREIGN) else HEAD_WEIGHTS.get(head, 1.0)


@torch.no_grad()
def predict_logits(network: nn.Module, tiles: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The logits of each head, ``(n, classes)`` float32, for ``(n, s, s)`` uint8 tiles."""
    network.eval()
    where = next(network.parameters()).device
    parts = [
        network(torch.from_numpy(tiles[i : i + 256])[:, None].float().to(where))
        for i in range(0, len(tiles), 256)
    ]
    return {name: torch.cat([p[name] for p in parts]).float().cpu().numpy() for name in parts[0]}


def validate(network: nn.Module, validation_sets: Sequence[ValidationSet]) -> dict[str, float]:
    """``NAME_accuracy``, ``NAME_macro_recall`` (0..1) and ``NAME_loss`` (nats) of each set."""
    figures: dict[str, float] = {}
    for each in validation_sets:
        logits = predict_logits(network, each.tiles)[each.head] + each.offset
        known = each.labels != UNLABELLED
        labels, shares = each.labels[known], metrics.softmax(logits[known])
        confusion = metrics.confusion_matrix(labels, shares.argmax(axis=1), shares.shape[1])
        figures |= {
            f"{each.name}_accuracy": metrics.accuracy(confusion),
            f"{each.name}_macro_recall": metrics.macro_recall(confusion),
            f"{each.name}_loss": metrics.negative_log_likelihood(shares, labels),
        }
    return figures
