"""What a run is: its settings, its state between two epochs, and the files that hold both."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from fer_core.errors import DatasetError
from fer_core.training.checkpoints import load_weights, read_checkpoint, write_checkpoint
from fer_core.training.detector.network import DetectorNet
from fer_core.training.device import device

_KEYS = {"settings", "step", "seconds", "network", "average", "optimizer", "history"}


PIXELS, PROCESSOR_PIXELS = 13_200_000, 900_000
"""Of a batch: on an accelerator, and where there is none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What defines a run, besides its data.

    An epoch is ``steps`` batches of about ``pixels`` pixels each. ``shapes`` are the heights and
    widths of scenes, each with its share of the batches. The learning rate warms up over the first
    ``warm_share`` of the run and falls along a cosine. A run lasts ``epochs``, or ``minutes`` where
    they are given.
    ``held_out`` scenes of each shape are what a network is chosen on.
    """

    epochs: int
    minutes: float | None = None
    steps: int = 100
    pixels: int = PIXELS
    shapes: tuple[tuple[int, int, float], ...] = (
        (320, 320, 0.46),
        (384, 512, 0.27),
        (640, 640, 0.27),
    )
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    average_decay: float = 0.998
    warm_share: float = 0.04
    held_out: int = 64
    seed: int = 0


def usual_pixels() -> int:
    """What a batch holds on this computer."""
    return PIXELS if device().type == "cuda" else PROCESSOR_PIXELS


@dataclass(slots=True)
class State:
    """A run between two steps; ``seconds`` is how long it has lasted so far."""

    settings: Settings
    network: DetectorNet
    average: DetectorNet
    optimizer: torch.optim.Optimizer
    step: int
    seconds: float
    history: list[dict[str, float]]

    @property
    def progress(self) -> float:
        """The part of the run that is done, 1 at its end."""
        if self.settings.minutes is not None:
            return self.seconds / (60.0 * self.settings.minutes)
        return self.step / (self.settings.epochs * self.settings.steps)


def new_state(settings: Settings) -> State:
    """A run that has not begun."""
    torch.manual_seed(settings.seed)
    network = DetectorNet().to(device(), memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]  # biases, normalisation
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
    )
    return State(settings, network, copy.deepcopy(network), optimizer, 0, 0.0, [])


def save_checkpoint(state: State, path: Path) -> None:
    """Write everything that ``resume`` needs."""
    write_checkpoint(
        {
            "settings": asdict(state.settings),
            "step": state.step,
            "seconds": state.seconds,
            "network": state.network.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "history": state.history,
        },
        path,
    )


def save_network(network: DetectorNet, path: Path) -> None:
    """Write the weights, which ``load_network`` reads."""
    write_checkpoint({"network": network.state_dict()}, path)


def resume(path: Path, settings: Settings) -> State:
    """The run whose ``last.pt`` lies at ``path``.

    How long it lasts may differ from what it began with. The size of its batches stays, also on a
    computer that would begin with others. Raises ``DatasetError`` if the file is no checkpoint, or
    one of another network or other settings.
    """
    content = read_checkpoint(path, _KEYS)
    begun = Settings(**content["settings"])
    settings = replace(settings, pixels=begun.pixels)
    if begun != replace(settings, epochs=begun.epochs, minutes=begun.minutes):
        raise DatasetError(
            f"{path} is a checkpoint of a run with other settings. "
            "Give the settings it began with, or another folder."
        )
    state = new_state(settings)
    load_weights(state.network, content["network"], path)
    load_weights(state.average, content["average"], path)
    state.optimizer.load_state_dict(content["optimizer"])
    state.step, state.seconds = content["step"], content["seconds"]
    state.history = content["history"]
    return state


def load_network(path: Path) -> DetectorNet:
    """The network that ``save_network`` wrote; ``DatasetError`` if it is none."""
    network = DetectorNet()
    load_weights(network, read_checkpoint(path, {"network"})["network"], path)
    network.eval()
    return network
