"""What a run is: its settings, its state between two epochs, and the files that hold both."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from fer_core.errors import DatasetError
from fer_core.training.checkpoints import load_weights, read_checkpoint, write_checkpoint
from fer_core.training.device import device
from fer_core.training.landmarks.network import Landmarks68Net

_KEYS = {"settings", "epoch", "network", "average", "optimizer", "history"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What defines a run, besides its data.

    A batch holds ``batch`` faces with points, ``negatives`` crops without a face and ``strangers``
    faces without points. The learning rate warms up over one epoch and falls along a cosine. Over
    the last ``refine_share`` of the epochs only half as many crops are spoilt.
    """

    epochs: int
    batch: int = 64
    negatives: int = 24
    strangers: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    presence_weight: float = 0.3
    average_decay: float = 0.998
    refine_share: float = 0.3
    seed: int = 0


@dataclass(slots=True)
class State:
    """A run between two epochs."""

    settings: Settings
    network: Landmarks68Net
    average: Landmarks68Net
    optimizer: torch.optim.Optimizer
    epoch: int
    history: list[dict[str, float]]


def new_state(settings: Settings) -> State:
    """A run that has not begun."""
    torch.manual_seed(settings.seed)
    network = Landmarks68Net().to(device(), memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]  # biases, normalisation
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )
    return State(settings, network, copy.deepcopy(network), optimizer, 0, [])


def save_checkpoint(state: State, path: Path) -> None:
    """Write everything that ``resume`` needs."""
    write_checkpoint(
        {
            "settings": asdict(state.settings),
            "epoch": state.epoch,
            "network": state.network.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "history": state.history,
        },
        path,
    )


def save_network(network: Landmarks68Net, path: Path) -> None:
    """Write the weights, which ``load_network`` reads."""
    write_checkpoint({"network": network.state_dict()}, path)


def resume(path: Path, settings: Settings) -> State:
    """The run whose ``last.pt`` lies at ``path``.

    Only the number of epochs may differ from the settings it began with. Raises ``DatasetError``
    if the file is no checkpoint, or one of another network or other settings.
    """
    content = read_checkpoint(path, _KEYS)
    begun = Settings(**content["settings"])
    if begun != replace(settings, epochs=begun.epochs):
        raise DatasetError(
            f"{path} is a checkpoint of a run with other settings. "
            "Give the settings it began with, or another folder."
        )
    state = new_state(settings)
    load_weights(state.network, content["network"], path)
    load_weights(state.average, content["average"], path)
    state.optimizer.load_state_dict(content["optimizer"])
    state.epoch, state.history = content["epoch"], content["history"]
    return state


def load_network(path: Path) -> Landmarks68Net:
    """The network that ``save_network`` wrote; ``DatasetError`` if it is none."""
    network = Landmarks68Net()
    load_weights(network, read_checkpoint(path, {"network"})["network"], path)
    network.eval()
    return network
