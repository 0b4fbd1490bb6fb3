"""Tests of the deepface model, compared with DeepFace itself on a graph of the same shape."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_core.errors import WeightsCorrupt, WeightsError
from fer_core.labels import EMOTIONS
from fer_core.models.emotion.deepface import DeepFaceEmotionModel
from fer_core.models.loading import load_emotion_model
from tests.graphs import expression_graph

FILE_NAME = "facial_expression_model_weights.onnx"

# 55, 71, 97, 222, 277 and 511 are among the sides that DeepFace makes 223 pixels and a black edge.
SIDES = (1, 2, 3, 7, 47, 48, 49, 55, 71, 96, 97, 100, 222, 223, 224, 225, 277, 511)

# A process of its own: DeepFace keeps one network a process, and alters warnings and variables.
DEEPFACE_ITSELF = """
import sys
import numpy as np
from deepface import DeepFace
crops, answers = np.load(sys.argv[1]), {}
for name in crops:
    bgr = np.repeat(crops[name][..., None], 3, axis=2)
    answer = DeepFace.analyze(bgr, actions=["emotion"], detector_backend="skip", silent=True)
    answers[name] = np.array(list(answer[0]["emotion"].values())) / 100
    assert list(answer[0]["emotion"]) == sys.argv[3].split(",")
np.savez(sys.argv[2], **answers)
"""


def pictures(side: int) -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(side)
    ramp = np.linspace(0, 255, side * side).reshape(side, side)
    return {
        f"{side}-{name}": picture.astype(np.uint8)
        for name, picture in {
            "black": np.zeros((side, side)),
            "white": np.full((side, side), 255),
            "ones": np.ones((side, side)),
            "twos": np.full((side, side), 2),
            "zeros-and-ones": rng.integers(0, 2, (side, side)),
            "noise": rng.integers(0, 256, (side, side)),
            "ramp": ramp,
            "ramp-down": 255 - ramp.T,
        }.items()
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DEEPFACE_HOME with the graph in it."""
    home = tmp_path_factory.mktemp("deepface")
    weights = home / ".deepface" / "weights"
    weights.mkdir(parents=True)
    (weights / FILE_NAME).write_bytes(expression_graph())
    return home


@pytest.fixture(scope="module")
def model(home: Path) -> DeepFaceEmotionModel:
    return DeepFaceEmotionModel(home / ".deepface" / "weights" / FILE_NAME)


@pytest.fixture(scope="module")
def deepface_says(home: Path) -> dict[str, NDArray[np.float64]]:
    crops = {name: crop for side in SIDES for name, crop in pictures(side).items()}
    np.savez(home / "crops.npz", **crops)  # type: ignore[arg-type]
    asked, answered = str(home / "crops.npz"), str(home / "answers.npz")
    run = subprocess.run(
        [sys.executable, "-c", DEEPFACE_ITSELF, asked, answered, ",".join(EMOTIONS)],
        env={**os.environ, "DEEPFACE_HOME": str(home), "DEEPFACE_BACKEND_ENGINE": "onnx"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    with np.load(answered) as answers:
        return dict(answers)


@pytest.mark.parametrize("side", SIDES)
def test_gives_what_deepface_analyze_gives(
    model: DeepFaceEmotionModel, deepface_says: dict[str, NDArray[np.float64]], side: int
) -> None:
    crops = pictures(side)
    together = model.predict(np.stack(list(crops.values())))
    for name, shares in zip(crops, together, strict=True):
        np.testing.assert_allclose(shares, deepface_says[name], atol=1e-4, err_msg=name)


def test_answers_differ_between_pictures(model: DeepFaceEmotionModel) -> None:
    """Otherwise the comparison above would prove nothing. (DeepFace takes ones for white.)"""
    crops = [crop for name, crop in pictures(97).items() if name != "97-ones"]
    shares = model.predict(np.stack(crops))
    gaps = np.abs(shares[:, None] - shares[None]).max(axis=2) + np.eye(len(shares))
    assert gaps.min() > 0.001


def test_one_and_many_give_the_same(model: DeepFaceEmotionModel) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (33, 96, 96)).astype(np.uint8)
    one_by_one = np.concatenate([model.predict(crop[np.newaxis]) for crop in crops])
    np.testing.assert_allclose(model.predict(crops), one_by_one, atol=1e-6)


def test_shape_type_and_sum(model: DeepFaceEmotionModel) -> None:
    shares = model.predict(np.zeros((3, 48, 48), np.uint8))
    assert shares.shape == (3, 7)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 48, 48), (0, 0, 0)])
def test_no_faces(model: DeepFaceEmotionModel, shape: tuple[int, ...]) -> None:
    shares = model.predict(np.zeros(shape, np.uint8))
    assert shares.shape == (0, 7)
    assert shares.dtype == np.float32


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros((48, 48), np.uint8),
        np.zeros((1, 48, 48, 1), np.uint8),
        np.zeros((1, 48, 47), np.uint8),
        np.zeros((1, 0, 0), np.uint8),
        np.zeros((1, 48, 48), np.float32),
        np.zeros((0, 48, 48), np.int64),
    ],
)
def test_refuses_other_arrays(model: DeepFaceEmotionModel, crops: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"crops (are|have)"):
        model.predict(crops)


def test_refuses_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(expression_graph()[:5000])
    with pytest.raises(WeightsCorrupt, match=r"(?s)network that can be read.*Delete it"):
        DeepFaceEmotionModel(path)


def test_a_file_that_is_not_there_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        DeepFaceEmotionModel(tmp_path / FILE_NAME)
    assert list(tmp_path.iterdir()) == []


def test_load_by_name_reads_deepface_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFACE_HOME", str(home))
    loaded = load_emotion_model("deepface")
    assert loaded.name == "deepface"
    assert load_emotion_model("deepface") is loaded
    assert load_emotion_model("auto") is loaded


def test_load_by_name_prefers_the_weights_dir(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: DeepFaceEmotionModel
) -> None:
    """deepface's session uses the file in FER_WEIGHTS_DIR, and a replaced file is reloaded."""
    monkeypatch.setenv("DEEPFACE_HOME", str(home))
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    crops = np.random.default_rng(2).integers(0, 256, (4, 48, 48)).astype(np.uint8)
    for seed in (7, 8):
        (tmp_path / FILE_NAME).write_bytes(expression_graph(seed))
        (tmp_path / "beside.onnx").write_bytes(expression_graph(seed))
        loaded = load_emotion_model("deepface").predict(crops)
        beside = DeepFaceEmotionModel(tmp_path / "beside.onnx").predict(crops)
        np.testing.assert_array_equal(loaded, beside)
        assert np.abs(loaded - model.predict(crops)).max() > 0.01
    assert {entry.name for entry in tmp_path.iterdir()} == {FILE_NAME, "beside.onnx"}
