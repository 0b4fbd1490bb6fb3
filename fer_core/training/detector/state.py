"""A training run of the detector: its settings, and its state between two epochs."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from fer_core.training.checkpoints import read_weights
from fer_core.training.detector.network import DetectorNet
from fer_core.training.device import device
from fer_core.training.run_state import (
    RunState,
    parameter_groups,
    read_run,
    refuse_other_data,
    refuse_other_settings,
    restore,
)

PIXELS, PROCESSOR_PIXELS = 13_200_000, 900_000
"""Pixels of a batch: on an accelerator, and on a processor."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What defines a run, besides its data.

    An epoch is ``steps`` batches of about ``pixels`` pixels each. ``shapes`` are the heights and
    widths of scenes, each with its share of the batches. The learning rate warms up over the first
    ``warm_share`` of the run and falls along a cosine. A run lasts ``epochs``, or ``minutes`` if
    given.
    ``held_out`` scenes of each shape are for validation.
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
    """The usual pixels of a batch on this computer."""
    return PIXELS if device().type == "cuda" else PROCESSOR_PIXELS


@dataclass(slots=True)
class State(RunState[DetectorNet, Settings]):
    """A run between two steps; ``seconds`` is how long it has lasted so far."""

    step: int
    seconds: float

    @property
    def progress(self) -> float:
        """The share of the run that is done, 1 at its end."""
        if self.settings.minutes is not None:
            return self.seconds / (60.0 * self.settings.minutes)
        return self.step / (self.settings.epochs * self.settings.steps)


def new_state(settings: Settings, data: str = "") -> State:
    """A new run; ``data`` is the digest of what it learns from."""
    torch.manual_seed(settings.seed)
    network = DetectorNet().to(device(), memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        parameter_groups(network, settings.weight_decay),
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
    )
    average = copy.deepcopy(network)
    return State(settings, network, average, optimizer, history=[], data=data, step=0, seconds=0.0)


def resume(path: Path, settings: Settings, data: str = "") -> State:
    """The run whose ``last.pt`` is at ``path``.

    Its length may differ from what it began with. Its batch size stays, also on a computer that
    would begin with another. Raises ``DatasetError`` if the file is no checkpoint, or one of
    another network, other settings or other ``data``.
    """
    content = read_run(path, State)
    begun = Settings(**content["settings"])
    settings = replace(settings, pixels=begun.pixels)
    same = begun == replace(settings, epochs=begun.epochs, minutes=begun.minutes)
    refuse_other_settings(path, same)
    refuse_other_data(path, content["data"] == data)
    state = new_state(settings, data=data)
    restore(state, content, path)
    return state


def load_network(path: Path) -> DetectorNet:
    """The network that ``save_network`` wrote; ``DatasetError`` if it is none."""
    network = DetectorNet()
    read_weights(network, path)
    return network
