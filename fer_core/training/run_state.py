"""The state that all training runs have between two epochs, its checkpoint, and resuming."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from fer_core.errors import DatasetError
from fer_core.training.checkpoints import load_weights, read_checkpoint, write_checkpoint

Network = TypeVar("Network", bound=nn.Module)
Settings = TypeVar("Settings", bound=Any)


@dataclass(slots=True)
class RunState(Generic[Network, Settings]):
    """A run between two epochs. ``average`` is the moving average of the network's weights.
    ``data`` is the ``digest`` of what it learns from.

    A checkpoint holds every field under its name, those of subclasses too.
    """

    settings: Settings
    network: Network
    average: Network
    optimizer: torch.optim.Optimizer
    history: list[dict[str, float]]
    data: str = field(default="", kw_only=True)


def digest(*content: ArrayLike) -> str:
    """64 hexadecimal digits that change with any of these arrays, numbers and texts."""
    found = hashlib.sha256()
    for each in content:
        array = np.asarray(each)
        found.update(repr((array.dtype.str, array.shape)).encode())
        found.update(array.tobytes())
    return found.hexdigest()


def weights_of(network: nn.Module) -> list[NDArray[np.generic]]:
    """The weights of a network as arrays, for ``digest``."""
    return [tensor.cpu().numpy() for tensor in network.state_dict().values()]


def save_checkpoint(state: RunState[Any, Any], path: Path) -> None:
    """Write everything that resuming needs."""
    content: dict[str, Any] = {"settings": asdict(state.settings)}
    for name in _names(type(state)) - {"settings"}:
        value = getattr(state, name)
        has_state = isinstance(value, nn.Module | torch.optim.Optimizer)
        content[name] = value.state_dict() if has_state else value
    write_checkpoint(content, path)


def read_run(path: Path, kind: type[RunState[Any, Any]]) -> dict[str, Any]:
    """The fields of the run whose checkpoint is at ``path``.

    Its ``data`` is empty if an earlier version wrote it. Raises ``DatasetError`` if the file is no
    checkpoint of a run of this kind.
    """
    return {"data": "", **read_checkpoint(path, _names(kind) - {"data"})}


def refuse_other_settings(path: Path, same: bool, what: str = "settings") -> None:
    """Raise ``DatasetError`` unless the run at ``path`` began with the ``same`` settings."""
    if not same:
        raise DatasetError(
            f"{path} is a checkpoint of a run with other {what}. "
            "Give the settings it began with, or another folder."
        )


def refuse_other_data(path: Path, same: bool) -> None:
    """Raise ``DatasetError`` unless the run at ``path`` began with the ``same`` data: the faces it
    learned from could be among those held out now."""
    if not same:
        raise DatasetError(
            f"{path} is a checkpoint of a run with other data, or of an earlier version. "
            "Give the data it began with, or another folder for a new run."
        )


def restore(state: RunState[Any, Any], content: Mapping[str, Any], path: Path) -> None:
    """Set a new ``state`` to that of the run that ``read_run`` read from ``path``.

    Its settings and ``data`` stay. Raises ``DatasetError`` if the checkpoint is of another network.
    """
    for name in _names(type(state)) - {"settings", "data"}:
        value = getattr(state, name)
        if isinstance(value, nn.Module):
            load_weights(value, content[name], path)
        elif isinstance(value, torch.optim.Optimizer):
            value.load_state_dict(content[name])
        else:
            setattr(state, name, content[name])


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters for an optimizer: weights decay, biases and normalisation do not."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _names(kind: type[RunState[Any, Any]]) -> set[str]:
    return {field.name for field in fields(kind)}
