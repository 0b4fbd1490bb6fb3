"""A training run of the landmark network: its settings, and its state between two epochs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from fer_core.training.checkpoints import read_weights
from fer_core.training.device import device
from fer_core.training.landmarks.network import Landmarks68Net
from fer_core.training.run_state import (
    RunState,
    parameter_groups,
    read_run,
    refuse_other_settings,
    restore,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that, with the data, define a run.

    A batch holds ``batch`` faces with points, ``negatives`` crops without a face and ``strangers``
    faces without points. The learning rate warms up over one epoch and falls along a cosine. Over
    the last ``refine_share`` of the epochs only half as many crops are degraded.
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
class State(RunState[Landmarks68Net, Settings]):
    """A run between two epochs."""

    epoch: int


def new_state(settings: Settings) -> State:
    """A new run."""
    torch.manual_seed(settings.seed)
    network = Landmarks68Net().to(device(), memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        parameter_groups(network, settings.weight_decay), lr=settings.learning_rate
    )
    return State(settings, network, copy.deepcopy(network), optimizer, history=[], epoch=0)


def resume(path: Path, settings: Settings) -> State:
    """The run whose ``last.pt`` is at ``path``.

    Only the number of epochs may differ from the settings it began with. Raises ``DatasetError``
    if the file is no checkpoint, or one of another network or other settings.
    """
    content = read_run(path, State)
    begun = Settings(**content["settings"])
    refuse_other_settings(path, begun == replace(settings, epochs=begun.epochs))
    state = new_state(settings)
    restore(state, content, path)
    return state


def load_network(path: Path) -> Landmarks68Net:
    """The network that ``save_network`` wrote; ``DatasetError`` if it is none."""
    network = Landmarks68Net()
    read_weights(network, path)
    return network
