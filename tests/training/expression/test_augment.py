"""Augmentation keeps shape and range, repeats with its seed, and really changes things."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from fer_core.training.expression.augment import augment, mix  # noqa: E402
from tests.training.expression.conftest import face  # noqa: E402


def tiles(n: int):
    return torch.from_numpy(np.stack([face(i, 0) for i in range(n)]))[:, None]


def generator(seed: int = 0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [1, 2, 64])
def test_shape_and_range(n: int) -> None:
    out = augment(tiles(n), generator())
    assert out.shape == (n, 1, 48, 48)
    assert out.dtype == torch.float32
    assert out.min() >= 0.0
    assert out.max() <= 255.0


def test_the_same_seed_gives_the_same_faces() -> None:
    first, again = augment(tiles(32), generator(5)), augment(tiles(32), generator(5))
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(tiles(32), generator(6)))


def test_the_originals_are_left_alone() -> None:
    before = tiles(64)
    augment(before, generator())
    assert torch.equal(before, tiles(64))


def test_most_faces_stay_recognisable() -> None:
    """Averaged over many draws, a face correlates with itself far more than with another."""
    same = tiles(1).repeat(200, 1, 1, 1)
    mean = augment(same, generator()).mean(dim=0).flatten()
    mirrored = (tiles(1) + 0.0 + tiles(1).flip(3)).flatten()
    other = (tiles(4)[3] + 0.0 + tiles(4)[3].flip(2)).flatten()
    with_itself = torch.corrcoef(torch.stack([mean, mirrored]))[0, 1]
    assert with_itself > 0.5
    assert with_itself > torch.corrcoef(torch.stack([mean, other]))[0, 1] + 0.3


def test_mixup_blends_faces_and_targets_alike() -> None:
    faces = torch.arange(8.0)[:, None, None, None].expand(8, 1, 48, 48)
    targets = {"head": torch.eye(8)}
    mixed, shares = mix(faces, targets, generator(1))
    expected = (shares["head"] * torch.arange(8.0)).sum(dim=1)
    torch.testing.assert_close(mixed[:, 0, 0, 0], expected)
    torch.testing.assert_close(shares["head"].sum(dim=1), torch.ones(8))


def test_half_the_strength_changes_less() -> None:
    faces = tiles(256)
    distance = {
        strength: float((augment(faces, generator(2), strength) - faces).abs().mean())
        for strength in (0.25, 0.5, 1.0)
    }
    assert distance[0.25] < distance[0.5] < distance[1.0]
