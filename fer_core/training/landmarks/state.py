"""A training run of the face network: its settings, and its state between two epochs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from fer_core.errors import DatasetError
from fer_core.training.checkpoints import read_weights
from fer_core.training.device import device
from fer_core.training.expression.export import HALF
from fer_core.training.landmarks.network import FaceNet
from fer_core.training.run_state import (
    RunState,
    parameter_groups,
    read_run,
    refuse_other_data,
    refuse_other_settings,
    restore,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that, with the data, define a run.

    First the movements are learned alone, ``alone_epochs`` times from ``alone`` crops, and at the
    end once more. In between the whole network is trained: a batch holds ``taught`` faces with
    movements, ``marked`` faces with points alone, ``negatives`` crops without a face and
    ``strangers`` faces without points, each ``batch_scale`` times; an epoch is ``steps`` of them.
    The learning rate grows with the root of ``batch_scale``, warms up over the first
    ``warm_share`` of the run and falls along a cosine. Over the last ``refine_share`` only half as
    many crops are degraded. A run lasts ``epochs``, or ``minutes`` if given.
    """

    epochs: int
    minutes: float | None = None
    alone: int = 130_000
    alone_epochs: int = 16
    steps: int = 300
    taught: int = 64
    marked: int = 12
    negatives: int = 14
    strangers: int = 2
    batch_scale: int = 1
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    presence_weight: float = 0.3
    iris_weight: float = 0.5
    mesh_weight: float = 0.5
    movement_weight: float = 3.0
    average_decay: float = 0.998
    warm_share: float = 0.05
    refine_share: float = 0.6
    seed: int = 0


def usual_batch_scale() -> int:
    """The usual ``batch_scale`` on this computer: small steps leave an accelerator idle."""
    return 8 if device().type == "cuda" else 1


@dataclass(slots=True)
class State(RunState[FaceNet, Settings]):
    """A run between two epochs; ``seconds`` is how long it has lasted so far."""

    epoch: int
    seconds: float

    @property
    def progress(self) -> float:
        """The share of the run that is done, 1 at its end."""
        if self.settings.minutes is not None:
            return self.seconds / (60.0 * self.settings.minutes)
        return self.epoch / self.settings.epochs


def new_state(settings: Settings, start: Path | None = None, data: str = "") -> State:
    """A new run; with the weights of the ONNX file ``start``, as far as it has the network's.

    ``data`` is the digest of what it learns from. Raises ``DatasetError`` if ``start`` has none of
    its weights.
    """
    torch.manual_seed(settings.seed)
    network = FaceNet()
    if start is not None:
        begin_with(network, start)
    network = network.to(device(), memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        parameter_groups(network, settings.weight_decay), lr=settings.learning_rate
    )
    average = copy.deepcopy(network)
    return State(settings, network, average, optimizer, history=[], data=data, epoch=0, seconds=0.0)


def begin_with(network: FaceNet, path: Path) -> None:
    """Give a network those weights of an ONNX file of this program that have a place in it.

    Raises ``DatasetError`` if it has none.
    """
    try:
        tensors = onnx.load(str(path)).graph.initializer
    except (OSError, DecodeError) as error:
        raise DatasetError(f"{path} is not an ONNX file that can be read.") from error
    own = network.state_dict()
    found = {
        name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).astype(np.float32))
        for tensor in tensors
        if (name := tensor.name.removeprefix("network.").removesuffix(HALF)) in own
        and tuple(tensor.dims) == own[name].shape
    }
    if not found:
        raise DatasetError(f"{path} holds no weights of a face network.")
    network.load_state_dict(found, strict=False)


def resume(path: Path, settings: Settings, data: str = "") -> State:
    """The run whose ``last.pt`` is at ``path``.

    Only its length may differ from the settings it began with. Raises ``DatasetError``
    if the file is no checkpoint, or one of another network, other settings or other ``data``.
    """
    content = read_run(path, State)
    begun = Settings(**content["settings"])
    refuse_other_settings(
        path, begun == replace(settings, epochs=begun.epochs, minutes=begun.minutes)
    )
    refuse_other_data(path, content["data"] == data)
    state = new_state(settings, data=data)
    restore(state, content, path)
    return state


def load_network(path: Path) -> FaceNet:
    """The network that ``save_network`` wrote; ``DatasetError`` if it is none."""
    network = FaceNet()
    read_weights(network, path)
    return network
