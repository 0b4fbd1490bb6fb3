"""Tests of learning from teachers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is absent: pip install -r requirements-train.txt")

import torch
from torch import Tensor, nn

from fer_core.training.expression.batches import Part
from fer_core.training.expression.sources import Source, ValidationSet
from fer_core.training.expression.state import Settings, new_state
from fer_core.training.expression.targets import SHOWN, one_hot
from fer_core.training.expression.teachers import teacher_log_shares, teacher_shares
from fer_core.training.expression.train import head_loss, predict_logits, train
from tests.training.expression.conftest import face

CLASSES = {"head": ["a", "b", "c"]}
QUICK = Settings(epochs=1, batch=7, mixup_share=0.0, channels=(8, 8, 8, 8), side=48)


class Sure(nn.Module):
    """A teacher that is sure of one class, whatever it sees, and remembers what it saw."""

    def __init__(self, chosen: int) -> None:
        super().__init__()
        self.logits = nn.functional.one_hot(torch.tensor(chosen), 3) * 9.0
        self.seen: list[np.ndarray] = []

    def forward(self, tiles: Tensor) -> dict[str, Tensor]:
        self.seen.append(tiles.numpy().copy())
        return {"head": self.logits.expand(len(tiles), 3)}


TILES = np.stack([face(i, 1) for i in range(7)])
SOURCE = Source("bars", TILES, {"head": one_hot(np.zeros(7, int), 3)})
JUDGED = ValidationSet("bars", TILES, "head", np.zeros(7, int), np.zeros(3, np.float32))


def test_teachers_temper_labels_and_stand_in_for_missing_ones() -> None:
    """The gradient is that of what is learned: blended shares, less those of equal logits."""
    half_known = [0.5, 0.0]  # mixed of a face with a label and one without
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], half_known])
    said = torch.tensor([[0.5, 0.5], [0.2, 0.8], [0.2, 0.8]])
    logits = torch.zeros(3, 2, requires_grad=True)
    loss, count = head_loss(logits, labels, None, said, 0.6)
    loss.backward()
    np.testing.assert_allclose(0.5 - logits.grad, [[0.7, 0.3], [0.2, 0.8], [0.36, 0.64]], atol=1e-6)
    assert float(count) == 3.0


def test_two_teachers_who_disagree_leave_it_open() -> None:
    said = teacher_log_shares([Sure(0), Sure(2)], torch.zeros(4, 1, 48, 48))["head"]
    assert said.shape == (4, 3)
    np.testing.assert_allclose(said.softmax(dim=1)[0], [0.497, 0.006, 0.497], atol=1e-2)


def test_foreign_networks_sway_what_is_shown_and_speak_alone_where_nobody_else_does() -> None:
    hints = torch.tensor([[0.1, 0.9]]).log()
    part = Part(slice(1, 2), {}, None, hints, hint_weight=0.4)
    said = {name: torch.tensor([[0.1, 0.9], [0.5, 0.5]]).log() for name in (SHOWN, "head")}
    swayed = torch.tensor([[0.1**0.4, 0.9**0.4]])
    torch.testing.assert_close(teacher_shares(said, SHOWN, part), swayed / swayed.sum())
    torch.testing.assert_close(teacher_shares({}, SHOWN, part), torch.tensor([[0.1, 0.9]]))
    torch.testing.assert_close(teacher_shares(said, "head", part), torch.tensor([[0.5, 0.5]]))
    assert teacher_shares({}, "head", part) is None


def test_the_network_learns_what_its_teacher_says(tmp_path: Path) -> None:
    six_times = Source("bars", np.tile(TILES, (6, 1, 1)), {"head": one_hot(np.zeros(42, int), 3)})
    said = {}
    for share in (0.0, 1.0):
        settings = replace(QUICK, epochs=2, teacher_share=share, average_decay=0.5)
        state = new_state(CLASSES, settings)
        train(state, [six_times], [JUDGED], tmp_path / str(share), [Sure(2)])
        said[share] = predict_logits(state.average, TILES)["head"].argmax(axis=1).tolist()
    assert said == {0.0: [0] * 7, 1.0: [2] * 7}


def test_teachers_see_what_the_network_sees(tmp_path: Path) -> None:
    teacher = Sure(1)
    state = new_state(CLASSES, replace(QUICK, teacher_share=0.5))
    learned = []
    state.network.register_forward_pre_hook(
        lambda _, given: learned.append(given[0].numpy().copy())
    )
    train(state, [SOURCE], [JUDGED], tmp_path, [teacher])
    np.testing.assert_array_equal(teacher.seen[0], learned[0])
    assert not any(np.array_equal(teacher.seen[0][0, 0], tile) for tile in TILES)
