"""A training run between two epochs, and the files that hold it.

``last.pt`` holds everything needed to go on, ``best.pt`` only a network. Both are PyTorch files
that are read without running code from them.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from fer_core.errors import DatasetError
from fer_core.training.checkpoints import load_weights, read_checkpoint, write_checkpoint
from fer_core.training.device import device
from fer_core.training.expression.data import TILE
from fer_core.training.expression.network import CHANNELS, SIDE, CompactNet, channels_of

CHECKPOINT_KEYS = {"classes", "settings", "epoch", "network", "average", "optimizer", "history"}

UNENLARGED = TILE
"""The side that networks had before they noted it in their files."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What defines a run, besides its data.

    The learning rate warms up over one epoch, holds, and falls along a cosine over the last
    ``decay_share`` of the epochs. Over the last ``refine_share`` there is no mixup and only half of
    the augmentation: the network comes back from spoilt faces to whole ones (He et al. 2019, Data
    Augmentation Revisited). ``teacher_share`` of what is learned is what teachers say.
    ``channels`` are those of the network's four blocks, ``side`` is what tiles are enlarged to.
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
class State:
    """A run between two epochs."""

    classes: dict[str, list[str]]
    settings: Settings
    network: CompactNet
    average: CompactNet
    optimizer: torch.optim.Optimizer
    epoch: int
    history: list[dict[str, float]]


def new_state(
    classes: dict[str, list[str]], settings: Settings, start: CompactNet | None = None
) -> State:
    """A run that has not begun. ``classes`` names the labels of each head, in column order.

    The trunk is that of ``start`` where it is given; the heads are always new.
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
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]  # biases, normalisation
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others}],
        lr=settings.learning_rate,
        momentum=0.9,
        nesterov=True,
    )
    return State(classes, settings, network, copy.deepcopy(network), optimizer, 0, [])


def save_checkpoint(state: State, path: Path) -> None:
    """Write everything that ``resume`` needs."""
    write_checkpoint(
        {
            "classes": state.classes,
            "settings": asdict(state.settings),
            "epoch": state.epoch,
            "network": state.network.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "history": state.history,
        },
        path,
    )


def save_network(network: CompactNet, classes: dict[str, list[str]], path: Path) -> None:
    """Write weights and class names, which ``load_network`` reads."""
    write_checkpoint(
        {"classes": classes, "side": network.side, "network": network.state_dict()}, path
    )


def resume(path: Path, classes: dict[str, list[str]], settings: Settings) -> State:
    """The run whose ``last.pt`` lies at ``path``.

    Only the number of epochs may differ from the settings it began with. Raises ``DatasetError``
    if the file is no checkpoint, or one of another network or other settings.
    """
    content = read_checkpoint(path, CHECKPOINT_KEYS)
    begun = Settings(**{"side": UNENLARGED, **content["settings"]})
    if content["classes"] != classes or begun != replace(settings, epochs=begun.epochs):
        raise DatasetError(
            f"{path} is a checkpoint of a run with other classes or settings. "
            "Give the settings it began with, or another folder."
        )
    state = new_state(classes, settings)
    load_weights(state.network, content["network"], path)
    load_weights(state.average, content["average"], path)
    state.optimizer.load_state_dict(content["optimizer"])
    state.epoch, state.history = content["epoch"], content["history"]
    return state


def load_network(path: Path) -> tuple[CompactNet, dict[str, list[str]]]:
    """The network that ``save_network`` wrote and its classes; ``DatasetError`` if it is none."""
    content = read_checkpoint(path, {"classes", "network"})
    heads = {k: len(v) for k, v in content["classes"].items()}
    network = CompactNet(
        heads,
        channels=channels_of(content["network"]),
        side=content.get("side", UNENLARGED),
    )
    load_weights(network, content["network"], path)
    return network.eval(), content["classes"]
