"""Learning from what other networks say (knowledge distillation, Hinton et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from fer_core.errors import DatasetError
from fer_core.training.device import device
from fer_core.training.expression.export import read_network
from fer_core.training.expression.network import CompactNet, half_precision
from fer_core.training.expression.targets import HEADS


def read_teacher(path: Path) -> CompactNet:
    """A network with the heads of the shipped one; else ``DatasetError``."""
    network, classes = read_network(path)
    if classes != HEADS:
        raise DatasetError(
            f"{path} knows other classes ({', '.join(classes)}). Give a network that was trained "
            "on FER2013."
        )
    network.to(device(), memory_format=torch.channels_last)
    return network


@torch.no_grad()
def teachers_say(teachers: Sequence[nn.Module], tiles: Tensor) -> dict[str, Tensor]:
    """The shares that all teachers together give, for each head: their logarithms are averaged.

    They see the very tiles that the network learns from, ``(n, 1, 48, 48)`` float32 as augmented
    and mixed, and not the faces these were made of, which they may know by heart (Beyer et al.
    2022, Knowledge Distillation: A Good Teacher Is Patient and Consistent).
    """
    with half_precision():
        said = [teacher(tiles) for teacher in teachers]
    return {
        head: torch.stack([each[head].float().log_softmax(dim=1) for each in said])
        .mean(dim=0)
        .softmax(dim=1)
        for head in said[0]
    }


def with_teachers(
    targets: dict[str, Tensor], said: dict[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Targets of which ``share`` (0..1) is what teachers ``said`` of the faces, as shares.

    A single person's label can be a slip; what other networks make of the face tempers it. Where a
    face has no label, all that is learned of it is what the teachers say.
    """
    blended = {}
    for head, target in targets.items():
        on_device = target.to(said[head].device)
        known = on_device.sum(dim=1, keepdim=True)  # less than 1 where a face of two has no label
        blended[head] = (1.0 - share) * on_device + (1.0 - (1.0 - share) * known) * said[head]
    return blended
