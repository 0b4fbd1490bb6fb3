"""Tests of training sources: tiles, whole pictures, and soft labels."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch", reason="PyTorch is absent: pip install -r requirements-train.txt")

import torch

from fer_core.analysis.analyzer import Analyzer
from fer_core.cli.train import train_command
from fer_core.errors import DatasetError
from fer_core.labels import EMOTIONS
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS, CompactEmotionModel
from fer_core.training.expression.augment import frame
from fer_core.training.expression.batches import Batches
from fer_core.training.expression.data import UNLABELLED
from fer_core.training.expression.network import CompactNet
from fer_core.training.expression.rule import PRIOR_KEPT, fold, load_earlier_weights, log_prior
from fer_core.training.expression.soft_labels import SoftLabels, add_soft_labels
from fer_core.training.expression.sources import (
    PICTURES_AUGMENTATION,
    PictureFaces,
    Source,
    held_out_people,
    picture_source,
    read_pictures,
)
from fer_core.training.expression.targets import FER2013, FERPLUS, FOREIGN, HEADS, LEARNED, SHOWN
from fer_core.training.expression.teachers import read_teacher
from fer_core.training.expression.train import predict_logits
from tests.training.expression.conftest import face

TINY = ("--channels", "8,8,8,8", "--epochs", "1", "--detector", "haar")
LABELS = ["happy", "sad", "happy", "", "happy", "sad"]
"""Of the pictures of three people, two each."""


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A folder with ``smiles.csv``: six crops of one face, said to be of three people; and a
    picture without a face."""
    folder = tmp_path_factory.mktemp("portraits")
    rows = [{"file": "nobody.png", "label": "neutral", "person": "nobody"}]
    cv2.imwrite(str(folder / "nobody.png"), np.zeros((90, 90, 3), np.uint8))
    for i, label in enumerate(LABELS):
        name = f"{i}.png"
        cv2.imwrite(str(folder / name), astronaut[: 300 + 4 * i, 90 + 2 * i : 360])
        rows.append({"file": name, "label": label, "person": f"person {i // 2}"})
    with (folder / "smiles.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def read(portraits: Path) -> PictureFaces:
    return read_pictures(portraits, portraits / "smiles.csv", Analyzer("haar", "compact"))


def command(data: Path, out: Path, *more: str) -> Result:
    words = ["--data", str(data), "--out", str(out), *TINY, *more]
    return CliRunner().invoke(train_command, words)


def write_said(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """A file as ``--soft-labels`` takes it."""
    np.savez(path, allow_pickle=False, **arrays)


def test_tiles_and_pictures_make_a_network_that_the_product_reads(
    data_folder: Path, portraits: Path, astronaut: np.ndarray, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    said = tmp_path / "elsewhere.v1.npz"
    faces = {"train": 28, "smiles": 7, "others": 2}
    write_said(said, {name: rng.normal(size=(n, 7)) for name, n in faces.items()})
    others = tmp_path / "others.csv"
    others.write_text("file,label\n0.png,\n3.png,\n")
    out = tmp_path / "run"
    more = ["--soft-labels", str(said)]
    for table in (portraits / "smiles.csv", others):
        more += ["--pictures", str(portraits), str(table)]
    result = command(data_folder, out, *more, "--teacher", str(SHIPPED_WEIGHTS))
    assert result.exit_code == 0, result.output
    assert "a face in 6 of 7 pictures" in result.stderr

    network = CompactEmotionModel(out / "emotion_compact.onnx")
    assert network.side == 64
    shown = Analyzer("haar", network).analyze(astronaut).faces[0]
    assert sum(shown.probabilities) == pytest.approx(1.0)
    notes = {
        n.key: json.loads(n.value) for n in onnx.load(out / "emotion_compact.onnx").metadata_props
    }
    assert notes["rule"] == {"tilt": PRIOR_KEPT}
    assert notes["classes"] == HEADS
    assert 0.3 <= notes["temperatures"][FERPLUS] <= 3.0
    card = (out / "emotion_compact.md").read_text("utf-8")
    for words in (
        "| | smiles | ",
        "| faces, people | 2, 1 | ",
        "0.1 of the logarithm of FER+'s prior was added back",
        "--pictures DIR smiles.csv --pictures DIR others.csv --teacher NETWORK --soft-labels FILE",
        "Whole pictures, others: 2 faces without labels",
        "`tiles`: `(n, 64, 64)` uint8",
    ):
        assert words in card
    with (out / "log.csv").open() as file:
        assert {"smiles_macro_recall", "ferplus_accuracy"} <= set(next(csv.DictReader(file)))
    assert read_teacher(out / "emotion_compact.onnx").heads.keys() == {SHOWN, FER2013}
    assert read_teacher(out / "best.pt").heads.keys() == LEARNED.keys()


def test_a_face_is_framed_as_the_product_frames_it(read: PictureFaces) -> None:
    """Without its margin and the same size, a kept face is the crop that is read."""
    kept = frame(torch.from_numpy(read.wide_crops), 96, PICTURES_AUGMENTATION)[:, 0].numpy()
    for ours, theirs in zip(kept, read.crops, strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98
    assert read.rows.tolist() == [1, 2, 3, 4, 5, 6]
    assert read.labels.tolist() == [3, 4, 3, UNLABELLED, 3, 4]


def test_people_are_apart(read: PictureFaces) -> None:
    chosen = set()
    for seed in range(6):
        held = held_out_people(read, seed)
        assert held.sum() == 2
        assert len(set(read.people[held])) == 1
        chosen |= set(read.people[held])
    assert len(chosen) > 1
    assert not held_out_people(replace(read, labels=np.full(6, UNLABELLED)), 0).any()
    with pytest.raises(DatasetError, match="labelled faces of 1 people"):
        held_out_people(read.subset(read.people == "person 0"), 0)


def test_rare_classes_are_drawn_more_often_and_the_prior_is_that_of_the_draw(
    read: PictureFaces,
) -> None:
    labels = np.array([3] * 16 + [4] * 4 + [UNLABELLED])
    many = replace(read, labels=labels, wide_crops=np.zeros((21, 2, 2), np.uint8))
    source = picture_source(many)
    assert source.draw_weights is not None
    weight = [float(source.draw_weights[labels == k].sum()) for k in (3, 4)]
    assert weight == pytest.approx([4.0, 2.0])  # the roots of 16 and 4
    assert source.log_prior is not None
    shares = np.exp(source.log_prior)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[3] / shares[4] == pytest.approx(2.0)
    assert source.targets[SHOWN][-1].sum() == 0.0


def test_a_batch_has_a_part_of_each_source() -> None:
    first = Source("a", np.stack([face(i, 0) for i in range(9)]), {SHOWN: np.eye(9, 7, dtype="f4")})
    drawn = np.array([0.0, 1.0], np.float32)
    other = Source("b", first.faces[:2], {SHOWN: np.eye(2, 7, dtype="f4")}, draw_weights=drawn)
    batches = Batches([first, other], 8, 48)
    assert len(batches) == 2  # the ninth face is left out
    seen = []
    for faces, parts in batches.epoch(torch.Generator().manual_seed(0), strength=0.0):
        assert faces.shape == (8, 1, 48, 48)
        assert [p.rows for p in parts] == [slice(0, 4), slice(4, 8)]
        assert parts[1].targets[SHOWN].argmax(dim=1).tolist() == [1] * 4  # the other weighs nothing
        assert torch.allclose(faces[4:, 0], torch.from_numpy(first.faces[1]).float(), atol=1e-3)
        seen += faces[:4, 0].round().byte().tolist()
    assert all(seen.count(tile) == 1 for tile in seen)


def test_soft_labels_are_brought_to_scale() -> None:
    """A network that is right but for an offset and a scale says, calibrated, the labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 400)
    truth = np.eye(7, dtype=np.float32)[labels]
    logits = (10.0 * truth + rng.normal(0.0, 4.0, (400, 7)) + 20.0 * np.eye(7)[2]).astype("f4")
    source = Source("train", np.zeros((400, 2, 2), np.uint8), {SHOWN: truth})
    rows = {"train": np.arange(400)}
    (taught,) = add_soft_labels([source], rows, [SoftLabels({"train": logits})] * 2)
    assert taught.hint_weight == pytest.approx(0.4)
    assert taught.hints is not None
    assert np.mean(logits.argmax(axis=1) == labels) < 0.4
    assert np.mean(taught.hints.argmax(axis=1) == labels) > 0.8
    np.testing.assert_allclose(taught.targets[f"{FOREIGN}1"].sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"smiles": np.zeros((7, 7))}, "has no array named train"),
        ({"train": np.zeros((27, 7)), "smiles": np.zeros((7, 7))}, "28 faces of 7 expressions"),
        ({"train": np.full((28, 7), np.nan), "smiles": np.zeros((7, 7))}, "not finite"),
        (None, "is not an NPZ file"),
    ],
)
def test_soft_labels_that_do_not_fit(
    data_folder: Path,
    portraits: Path,
    tmp_path: Path,
    arrays: dict[str, np.ndarray] | None,
    sentence: str,
) -> None:
    path = tmp_path / "said.npz"
    write_said(path, arrays) if arrays else path.write_bytes(b"no archive")
    more = ("--pictures", str(portraits), str(portraits / "smiles.csv"))
    result = command(data_folder, tmp_path / "run", *more, "--soft-labels", str(path))
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_sources_have_names_of_their_own_and_none_beside_own_classes(
    data_folder: Path, portraits: Path, tmp_path: Path
) -> None:
    more = ("--pictures", str(portraits), str(portraits / "smiles.csv"))
    twice = command(data_folder, tmp_path / "run", *more, *more)
    assert twice.exit_code == 2
    assert "Two sources are called smiles." in twice.stderr
    own = command(data_folder, tmp_path / "run", *more, "--from", str(SHIPPED_WEIGHTS))
    assert own.exit_code == 2
    assert "--from cannot be combined" in own.stderr
    assert not (tmp_path / "run").exists()


def test_the_rule_puts_a_tenth_of_the_prior_back() -> None:
    network = CompactNet(dict.fromkeys(LEARNED, 7), channels=(8, 8, 8, 8), side=48).eval()
    prior = log_prior(np.array([[0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.0]], np.float32))
    tiles = np.stack([face(i, 2) for i in range(3)])
    before, after = predict_logits(network, tiles), predict_logits(fold(network, prior), tiles)
    assert after.keys() == HEADS.keys()
    np.testing.assert_allclose(after[FERPLUS], before[SHOWN] + 0.1 * prior, atol=1e-5)
    np.testing.assert_allclose(after[FER2013], before[FER2013], atol=1e-6)


@pytest.mark.parametrize(
    ("heads", "head", "share"),
    [((FERPLUS, FER2013), SHOWN, -0.9), ((SHOWN, FER2013), FERPLUS, 1.0)],
)
def test_a_network_begins_with_what_an_earlier_one_has(
    heads: tuple[str, str], head: str, share: float
) -> None:
    """An earlier one without a shown head has the prior in it, one with only that has it not."""
    earlier = CompactNet(dict.fromkeys(heads, 7), channels=(8, 8, 8, 8), side=48).eval()
    network = CompactNet(dict.fromkeys(LEARNED, 7), channels=(8, 8, 8, 8), side=48).eval()
    prior = log_prior(np.arange(1.0, 8.0, dtype=np.float32)[None])
    load_earlier_weights(network, earlier, prior)
    tiles = np.stack([face(i, 2) for i in range(3)])
    before, after = predict_logits(earlier, tiles), predict_logits(network, tiles)
    for name in heads:
        np.testing.assert_allclose(after[name], before[name], atol=1e-6)
    np.testing.assert_allclose(after[head], before[heads[0]] + share * prior, atol=1e-5)


def test_which_files_show_by_the_rule() -> None:
    assert read_teacher(SHIPPED_WEIGHTS).heads.keys() == {SHOWN, FER2013}
    wide = read_teacher(SHIPPED_WEIGHTS.with_name("teacher_wide.onnx"))
    assert wide.heads.keys() == {FERPLUS, FER2013}
    assert len(EMOTIONS) == wide.heads[FERPLUS].out_features
