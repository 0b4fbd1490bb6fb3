"""What is learned from other networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is absent: pip install -r requirements-train.txt")

import torch
from torch import Tensor, nn

from fer_core.training.expression.state import Settings, new_state
from fer_core.training.expression.targets import one_hot
from fer_core.training.expression.teachers import teachers_say, with_teachers
from fer_core.training.expression.train import Examples, train
from tests.training.expression.conftest import face

CLASSES = {"head": ["a", "b", "c"]}
QUICK = Settings(epochs=1, batch=7, mixup_share=0.0)


class Sure(nn.Module):
    """A teacher that is sure of one class, whatever it sees, and remembers what it saw."""

    def __init__(self, chosen: int) -> None:
        super().__init__()
        self.logits = nn.functional.one_hot(torch.tensor(chosen), 3) * 9.0
        self.seen: list[np.ndarray] = []

    def forward(self, tiles: Tensor) -> dict[str, Tensor]:
        self.seen.append(tiles.numpy().copy())
        return {"head": self.logits.expand(len(tiles), 3)}


@pytest.fixture
def examples() -> Examples:
    return Examples(
        np.stack([face(i, 1) for i in range(7)]), {"head": one_hot(np.zeros(7, int), 3)}
    )


def test_teachers_temper_labels_and_stand_in_for_missing_ones() -> None:
    half_known = [0.5, 0.0]  # mixed of a face with a label and one without
    labels = {"head": torch.tensor([[1.0, 0.0], [0.0, 0.0], half_known])}
    said = {"head": torch.tensor([[0.5, 0.5], [0.2, 0.8], [0.2, 0.8]])}
    blended = with_teachers(labels, said, 0.6)["head"]
    np.testing.assert_allclose(blended, [[0.7, 0.3], [0.2, 0.8], [0.36, 0.64]], atol=1e-6)


def test_two_teachers_who_disagree_leave_it_open() -> None:
    said = teachers_say([Sure(0), Sure(2)], torch.zeros(4, 1, 48, 48))["head"]
    assert said.shape == (4, 3)
    np.testing.assert_allclose(said[0], [0.497, 0.006, 0.497], atol=1e-2)


def test_the_network_learns_what_its_teacher_says(examples: Examples, tmp_path: Path) -> None:
    network = {}
    for share in (0.0, 1.0):
        settings = replace(QUICK, epochs=12, teacher_share=share, average_decay=0.5)
        state = new_state(CLASSES, settings)
        train(state, examples, examples, tmp_path / str(share), [Sure(2)])
        with torch.no_grad():
            tiles = torch.from_numpy(examples.tiles)[:, None].float()
            network[share] = state.average.eval()(tiles)["head"].argmax(dim=1).tolist()
    assert network == {0.0: [0] * 7, 1.0: [2] * 7}


def test_teachers_see_what_the_network_sees(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = Sure(1)
    state = new_state(CLASSES, replace(QUICK, teacher_share=0.5))
    learned = []
    state.network.register_forward_pre_hook(
        lambda _, given: learned.append(given[0].numpy().copy())
    )
    train(state, examples, examples, tmp_path, [teacher])
    np.testing.assert_array_equal(teacher.seen[0], learned[0])
    assert not any(np.array_equal(teacher.seen[0][0, 0], tile) for tile in examples.tiles)
