"""Tests of who makes the batches of a run."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from torch.utils.data import Dataset  # noqa: E402

from fer_core.training import device as devices  # noqa: E402

PX = 512


class Turned(Dataset[float]):
    """Each batch uses OpenCV on a picture that is large enough for several threads."""

    def __getitem__(self, step: int) -> float:
        picture = np.full((PX, PX), step, np.uint8)
        return float(cv2.GaussianBlur(picture, (9, 9), 3.0).mean())


def test_other_processes_make_the_batches_of_an_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are forked after OpenCV has started its threads here, and still do not hang."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((PX, PX), np.uint8), (9, 9), 3.0)
    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    try:
        assert list(devices.made_batches(Turned(), range(5))) == [0.0, 1.0, 2.0, 3.0, 4.0]
    finally:
        cv2.setNumThreads(threads)


def test_a_processor_makes_its_batches_itself() -> None:
    assert list(devices.made_batches(Turned(), range(7, 9))) == [7.0, 8.0]
