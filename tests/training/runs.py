"""Helpers for tests of training runs: a stop after one epoch, refusals, and missing PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from click.testing import Result

from fer_core.training.run_state import RunState


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@contextmanager
def stopped_after_an_epoch(loop: ModuleType) -> Iterator[None]:
    """A run of ``loop`` inside ends just after the checkpoint of its first epoch."""

    def stop(*_: object) -> None:
        raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "write_log", stop)
        with pytest.raises(Stopped):
            yield


@contextmanager
def replaced_only_if_equal(exporter: ModuleType, path: Path) -> Iterator[None]:
    """An export to ``path`` inside leaves the file there alone until ``keep_if_equal`` decides, to
    which it gives the new file."""
    path.write_bytes(b"the old one")
    decided: list[Path] = []
    keep = exporter.keep_if_equal

    def decide(difference: float, partial: Path, kept: Path, *most: float) -> None:
        assert (kept, path.read_bytes()) == (path, b"the old one")
        assert 0.0 < difference < 1.0
        decided.append(partial)
        keep(difference, partial, kept, *most)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "keep_if_equal", decide)
        yield
    assert len(decided) == 1
    assert list(path.parent.iterdir()) == [path]


def assert_same_weights(one: RunState[Any, Any], other: RunState[Any, Any]) -> None:
    for name, value in one.average.state_dict().items():
        torch.testing.assert_close(other.average.state_dict()[name], value, rtol=0, atol=0)


def hide_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next command find no PyTorch, though other tests have imported modules with it."""
    for name in [name for name in sys.modules if name.startswith("fer_core.training.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)


def assert_refused(result: Result, words: str, out: Path) -> None:
    """The command ends with a sentence that holds ``words``, and has written nothing to ``out``."""
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()
