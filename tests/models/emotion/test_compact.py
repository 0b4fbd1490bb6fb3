"""Tests of the shipped network, and of the sentences for unusable files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import WeightsCorrupt, WeightsMissing
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS, CompactEmotionModel


@pytest.fixture(scope="module")
def model() -> CompactEmotionModel:
    return CompactEmotionModel()


def crops(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (n, side, side), dtype=np.uint8)


@pytest.mark.parametrize("side", [1, 2, 47, 48, 49, 224])
def test_shares_sum_to_one(model: CompactEmotionModel, side: int) -> None:
    for shares in (model.predict(crops(3, side)), *model.predict_both(crops(3, side))):
        assert shares.shape == (3, 7)
        assert shares.dtype == np.float32
        assert shares.min() >= 0.0
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)


def test_the_network_sees_more_than_fer2013s_pixels(model: CompactEmotionModel) -> None:
    assert model.side == 64
    fine = crops(4, 64)
    coarse = fine.reshape(4, 32, 2, 32, 2).mean(axis=(2, 4)).astype(np.uint8)
    assert np.abs(model.predict(fine) - model.predict(coarse)).max() > 0.1


@pytest.mark.parametrize("side", [0, 1, 48, 64, 100])
def test_no_crops(model: CompactEmotionModel, side: int) -> None:
    shares = model.predict(np.zeros((0, side, side), dtype=np.uint8))
    assert shares.shape == (0, 7)
    assert shares.dtype == np.float32


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_flat_crop_has_finite_shares(model: CompactEmotionModel, grey: int) -> None:
    assert np.isfinite(model.predict(np.full((1, 48, 48), grey, dtype=np.uint8))).all()


def test_a_face_gets_the_same_in_any_batch(model: CompactEmotionModel) -> None:
    many = crops(300, 48)
    together = model.predict(many)
    alone = np.concatenate([model.predict(many[i : i + 1]) for i in (0, 255, 256, 299)])
    np.testing.assert_allclose(alone, together[[0, 255, 256, 299]], atol=1e-5)


def test_brightness_and_contrast_do_not_matter(model: CompactEmotionModel) -> None:
    tiles = crops(4, 48) // 2 + 10
    np.testing.assert_allclose(model.predict(tiles + 50), model.predict(tiles), atol=1e-3)


def test_many_threads_share_one_model(model: CompactEmotionModel) -> None:
    tiles = crops(16, 48)
    expected = model.predict(tiles)
    with ThreadPoolExecutor(4) as pool:
        for shares in pool.map(model.predict, [tiles] * 16):
            np.testing.assert_allclose(shares, expected, atol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((48, 48), np.uint8),
        np.zeros((2, 48, 47), np.uint8),
        np.zeros((2, 48, 48, 1), np.uint8),
        np.zeros((2, 48, 48), np.float32),
        np.zeros((2, 0, 0), np.uint8),
    ],
    ids=lambda array: f"{array.shape} {array.dtype}",
)
def test_other_arrays_are_refused(model: CompactEmotionModel, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="crops"):
        model.predict(bad)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="Fetch the file again"):
        CompactEmotionModel(tmp_path / "absent.onnx")


@pytest.mark.parametrize("kept", [0, 1000, 1_000_000])
def test_a_truncated_file(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(SHIPPED_WEIGHTS.read_bytes()[:kept])
    with pytest.raises(WeightsCorrupt, match="Fetch the file again"):
        CompactEmotionModel(path)


def test_the_file_is_small() -> None:
    assert SHIPPED_WEIGHTS.stat().st_size < 5_000_000
