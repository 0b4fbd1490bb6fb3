"""The device that a network is trained on, the size of the network, and who makes its batches."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

import cv2
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

Batch = TypeVar("Batch")


def parameter_count(network: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def device() -> torch.device:
    """The accelerator if there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def made_batches(batches: Dataset[Batch], steps: Iterable[int]) -> Iterator[Batch]:
    """The batch of each step, made in forked processes if there is an accelerator to keep busy.

    Without fork (Windows) this process makes them: the material is too large to send.
    """
    forks = "fork" in multiprocessing.get_all_start_methods()
    workers = (os.cpu_count() or 1) - 1 if forks and device().type == "cuda" else 0
    if workers:
        # OpenCV's threads do not survive a fork: a child that asked for another number of them died
        # (4.14) or hung (5.0). So this process has none, before it forks.
        cv2.setNumThreads(1)
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
        collate_fn=_unchanged,
    )
    return iter(loader)


def _unchanged(batch: Batch) -> Batch:
    return batch
