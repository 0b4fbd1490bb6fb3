"""Targets from the outputs of other networks (knowledge distillation, Hinton et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from fer_core.errors import DatasetError
from fer_core.training.device import device
from fer_core.training.expression.batches import Part
from fer_core.training.expression.export import read_network, shows_by_rule
from fer_core.training.expression.network import CompactNet, half_precision
from fer_core.training.expression.targets import FER2013, FERPLUS, HEADS, LEARNED, SHOWN


def read_teacher(path: Path) -> CompactNet:
    """Read an earlier network with heads of ``LEARNED``; raises ``DatasetError`` for others.

    If the file follows ``rule``, its first head is the shown head, whatever its name.
    """
    network, classes = read_network(path)
    if FER2013 not in classes or any(labels != HEADS[FER2013] for labels in classes.values()):
        raise DatasetError(
            f"{path} knows other classes ({', '.join(classes)}). Give a network that was trained "
            "on FER2013."
        )
    if path.suffix == ".onnx" and shows_by_rule(path):
        network.heads[SHOWN] = network.heads.pop(FERPLUS)
    for name in classes.keys() - LEARNED.keys():
        del network.heads[name]  # it learned a foreign network's outputs, which are hints already
    network.to(device(), memory_format=torch.channels_last)
    return network


@torch.no_grad()
def teacher_log_shares(teachers: Sequence[nn.Module], faces: Tensor) -> dict[str, Tensor]:
    """The mean log-probabilities of the teachers for each head, ``(n, classes)``.

    Not every teacher has every head. The teachers get the same augmented and mixed ``faces``,
    ``(n, 1, s, s)`` float32, as the network, and not the original ones, which they may have
    memorised (Beyer et al. 2022, Knowledge Distillation: A Good Teacher Is Patient and Consistent).
    """
    with half_precision():
        logits = [teacher(faces) for teacher in teachers]
    heads = {head for each in logits for head in each}
    return {
        head: torch.stack(
            [each[head].float().log_softmax(dim=1) for each in logits if head in each]
        ).mean(dim=0)
        for head in heads
    }


def teacher_shares(log_shares: dict[str, Tensor], head: str, part: Part) -> Tensor | None:
    """The teachers' shares ``(n, classes)`` for one head and a part of a batch; None if there are
    none.

    For the shown head, the hints of foreign networks are added to the log-probabilities.
    """
    logs = log_shares[head][part.rows] if head in log_shares else None
    if head == SHOWN and part.hints is not None:
        logs = part.hints if logs is None else logs + part.hint_weight * part.hints
    return None if logs is None else logs.softmax(dim=1)
