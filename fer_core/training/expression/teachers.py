"""Learning from what other networks say (knowledge distillation, Hinton et al. 2015)."""

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
    """An earlier network with heads of ``LEARNED``; else ``DatasetError``.

    The first head of a file that shows by a rule is the shown one, whatever it is called there.
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
        del network.heads[name]  # it learned a foreign network, which teaches by itself
    network.to(device(), memory_format=torch.channels_last)
    return network


@torch.no_grad()
def teachers_say(teachers: Sequence[nn.Module], faces: Tensor) -> dict[str, Tensor]:
    """The mean logarithm of the shares that teachers give, ``(n, classes)``, for each head.

    Not every teacher has every head. They see the very faces that the network learns from,
    ``(n, 1, s, s)`` float32 as augmented and mixed, and not those these were made of, which they
    may know by heart (Beyer et al. 2022, Knowledge Distillation: A Good Teacher Is Patient and
    Consistent).
    """
    with half_precision():
        said = [teacher(faces) for teacher in teachers]
    heads = {head for each in said for head in each}
    return {
        head: torch.stack(
            [each[head].float().log_softmax(dim=1) for each in said if head in each]
        ).mean(dim=0)
        for head in heads
    }


def lesson(said: dict[str, Tensor], head: str, part: Part) -> Tensor | None:
    """What teachers say of a part of a batch for one head, ``(n, classes)`` shares.

    Foreign networks add their hints to what is shown. None where nobody says anything.
    """
    logs = said[head][part.rows] if head in said else None
    if head == SHOWN and part.hints is not None:
        logs = part.hints if logs is None else logs + part.hint_weight * part.hints
    return None if logs is None else logs.softmax(dim=1)
