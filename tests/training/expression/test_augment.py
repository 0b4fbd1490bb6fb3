"""Tests of augmentation: shape, range, repeatability, and visible changes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from fer_core.training.expression import augment as steps  # noqa: E402
from fer_core.training.expression.augment import Augmentation, augment, frame, mix  # noqa: E402
from tests.training.expression.conftest import face  # noqa: E402


def tiles(n: int):
    return torch.from_numpy(np.stack([face(i, 0) for i in range(n)]))


def generator(seed: int = 0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("n", "side"), [(1, 48), (2, 64), (32, 96)])
def test_shape_and_range(n: int, side: int) -> None:
    out = augment(tiles(n), side, Augmentation(), generator())
    assert out.shape == (n, 1, side, side)
    assert out.dtype == torch.float32
    assert out.min() >= 0.0
    assert out.max() <= 255.0


def test_the_same_seed_gives_the_same_faces_and_leaves_the_originals() -> None:
    kept = tiles(32)
    first, again = (augment(kept, 64, Augmentation(), generator(5)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(kept, 64, Augmentation(), generator(6)))
    assert torch.equal(kept, tiles(32))


def test_most_faces_stay_recognisable() -> None:
    """Averaged over many draws, a face correlates with itself far more than with another."""
    mean = (
        augment(tiles(1).repeat(100, 1, 1), 48, Augmentation(), generator()).mean(dim=0).flatten()
    )
    mirrored = (tiles(1) + 0.0 + tiles(1).flip(2)).flatten()
    other = (tiles(4)[3] + 0.0 + tiles(4)[3].flip(1)).flatten()
    with_itself = torch.corrcoef(torch.stack([mean, mirrored]))[0, 1]
    assert with_itself > 0.5
    assert with_itself > torch.corrcoef(torch.stack([mean, other]))[0, 1] + 0.3


def test_half_the_strength_changes_less() -> None:
    faces = tiles(128)
    distance = {
        strength: float(
            (augment(faces, 48, Augmentation(), generator(2), strength)[:, 0] - faces).abs().mean()
        )
        for strength in (0.25, 0.5, 1.0)
    }
    assert distance[0.25] < distance[0.5] < distance[1.0]


def test_a_margin_is_left_out() -> None:
    inner = tiles(3)
    kept = torch.nn.functional.pad(inner, (12, 12, 12, 12), value=0)
    np.testing.assert_allclose(
        frame(kept, 48, Augmentation(visible=48 / 72))[:, 0], inner, atol=1e-3
    )


def test_blocks_are_rounded_as_jpeg_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own encoder, at the same quality, leaves nearly the same pixels."""
    faces = steps._Faces(tiles(1)[:, None].float(), generator())
    monkeypatch.setattr(faces, "_random", lambda n=None: torch.full((1,), 25.0 / 60.0))
    faces.compress(1.0)
    file = io.BytesIO()
    Image.fromarray(face(0, 0)).save(file, "JPEG", quality=40)
    expected = np.asarray(Image.open(file), np.float32)
    assert np.abs(faces.pixels[0, 0].numpy() - expected).mean() < 1.0
    assert np.abs(face(0, 0) - expected).mean() > 2.0


def test_mixup_blends_faces_and_targets_alike() -> None:
    faces = torch.arange(8.0)[:, None, None, None].expand(8, 1, 48, 48)
    targets = {"head": torch.eye(8)}
    mixed, shares = mix(faces, targets, generator(1))
    expected = (shares["head"] * torch.arange(8.0)).sum(dim=1)
    torch.testing.assert_close(mixed[:, 0, 0, 0], expected)
    torch.testing.assert_close(shares["head"].sum(dim=1), torch.ones(8))
