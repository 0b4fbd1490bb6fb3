"""The settings of a training run of the expression network, and its state between two epochs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from fer_core.training.checkpoints import load_weights, read_checkpoint, write_checkpoint
from fer_core.training.device import device
from fer_core.training.expression.data import TILE
from fer_core.training.expression.network import CHANNELS, SIDE, CompactNet, channels_of
from fer_core.training.run_state import (
    RunState,
    parameter_groups,
    read_run,
    refuse_other_data,
    refuse_other_settings,
    restore,
)

UNENLARGED = TILE
"""The side in pixels of networks whose files do not contain it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that, with the data, define a run.

    The learning rate warms up over one epoch, is constant, and falls along a cosine over the last
    ``decay_share`` of the epochs. The last ``refine_share`` of the epochs have no mixup and less
    augmentation, so that the network adapts to undistorted faces (He et al. 2019, Data Augmentation
    Revisited). ``teacher_share`` is the teachers' share of the targets. ``channels`` are those of
    the network's four blocks; ``side`` is the side of its faces in pixels.
    """

    epochs: int
    batch: int = 128
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    dropout: float = 0.3
    average_decay: float = 0.999
    mixup_share: float = 0.5
    decay_share: float = 0.6
    refine_share: float = 0.5
    teacher_share: float = 0.0
    channels: tuple[int, ...] = CHANNELS
    side: int = SIDE
    seed: int = 0


@dataclass(slots=True)
class State(RunState[CompactNet, Settings]):
    """A run between two epochs. ``classes`` are the labels of each head, in column order."""

    classes: dict[str, list[str]]
    epoch: int


def new_state(
    classes: dict[str, list[str]],
    settings: Settings,
    start: CompactNet | None = None,
    data: str = "",
) -> State:
    """A new run. ``classes`` are the labels of each head, in column order; ``data`` is the digest
    of what it learns from.

    The trunk is copied from ``start`` if given; the heads are always new.
    """
    torch.manual_seed(settings.seed)
    network = CompactNet(
        {k: len(v) for k, v in classes.items()},
        settings.dropout,
        settings.channels,
        settings.side,
    )
    if start is not None:
        network.stem.load_state_dict(start.stem.state_dict())
        network.blocks.load_state_dict(start.blocks.state_dict())
    network.to(device(), memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        parameter_groups(network, settings.weight_decay),
        lr=settings.learning_rate,
        momentum=0.9,
        nesterov=True,
    )
    average = copy.deepcopy(network)
    return State(
        settings, network, average, optimizer, history=[], data=data, classes=classes, epoch=0
    )


def save_network(network: CompactNet, classes: dict[str, list[str]], path: Path) -> None:
    """Write the weights and class names of a network, which ``load_network`` reads."""
    write_checkpoint(
        {"classes": classes, "side": network.side, "network": network.state_dict()}, path
    )


def resume(path: Path, classes: dict[str, list[str]], settings: Settings, data: str = "") -> State:
    """Resume the run whose ``last.pt`` is at ``path``.

    Of its settings, only the number of epochs may differ. Raises ``DatasetError`` if the file is
    not a checkpoint, or is one of another network, other settings or other ``data``.
    """
    content = read_run(path, State)
    earlier = Settings(**{"side": UNENLARGED, **content["settings"]})
    same = content["classes"] == classes and earlier == replace(settings, epochs=earlier.epochs)
    refuse_other_settings(path, same, "classes or settings")
    refuse_other_data(path, content["data"] == data)
    state = new_state(classes, settings, data=data)
    restore(state, content, path)
    return state


def load_network(path: Path) -> tuple[CompactNet, dict[str, list[str]]]:
    """Read the network and classes from ``save_network``; raises ``DatasetError`` for others."""
    content = read_checkpoint(path, {"classes", "network"})
    heads = {k: len(v) for k, v in content["classes"].items()}
    network = CompactNet(
        heads,
        channels=channels_of(content["network"]),
        side=content.get("side", UNENLARGED),
    )
    load_weights(network, content["network"], path)
    return network.eval(), content["classes"]
