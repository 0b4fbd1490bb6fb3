"""Fixtures of all tests of training."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Tiny batches gain nothing from threads, and lose much where others use the processor."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
