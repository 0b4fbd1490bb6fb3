"""Checkpoint files: written completely or not at all, checked when read, and never executed."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fer_core.errors import DatasetError
from fer_core.training.device import device


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a dictionary of weights and plain values, which ``read_checkpoint`` reads."""
    partial = path.with_suffix(".partial")  # a run killed while writing leaves the old file intact
    torch.save(content, partial)
    partial.replace(path)


def read_checkpoint(path: Path, keys: Iterable[str]) -> dict[str, Any]:
    """What ``write_checkpoint`` wrote; ``DatasetError`` if it is damaged or lacks a key."""
    try:
        content = torch.load(path, map_location=device(), weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DatasetError(f"{path} is not a checkpoint that can be read.") from error
    if not isinstance(content, dict) or not set(keys) <= set(content):
        raise DatasetError(f"{path} is not a checkpoint of this program.")
    return content


def save_network(network: nn.Module, path: Path) -> None:
    """Write the weights, which ``read_weights`` reads."""
    write_checkpoint({"network": network.state_dict()}, path)


def read_weights(network: nn.Module, path: Path) -> None:
    """Give a network the weights that ``save_network`` wrote to ``path``, ready for inference.

    Raises ``DatasetError`` if the file holds no weights, or those of another network.
    """
    load_weights(network, read_checkpoint(path, {"network"})["network"], path)
    network.eval()


def load_weights(network: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Give a network the weights read from ``path``; ``DatasetError`` if it is another network."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise DatasetError(f"{path} is a checkpoint of another network.") from error
