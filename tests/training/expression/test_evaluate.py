"""Tests of the report on a model with known answers, and of the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fer_core.cli.train import evaluate_command
from fer_core.labels import EMOTIONS
from fer_core.paths import ROOT
from fer_core.training.expression.data import UNLABELLED, LabelledFaces
from fer_core.training.expression.evaluate import as_table, evaluate, score
from tests.conftest import SHARED

NAMES = [str(emotion) for emotion in EMOTIONS]


class Always:
    """Says the same, with the same confidence, of every face."""

    name = "always"

    def __init__(self, index: int, confidence: float) -> None:
        self.shares = np.full(7, (1.0 - confidence) / 6, dtype=np.float32)
        self.shares[index] = confidence

    def predict(self, crops: np.ndarray) -> np.ndarray:
        return np.tile(self.shares, (len(crops), 1))


class TwoOutputs(Always):
    def predict_both(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.predict(crops), np.roll(self.predict(crops), 1, axis=1)


@pytest.fixture
def faces() -> LabelledFaces:
    """Labels happy, happy, sad, none; majorities happy, none, happy, happy."""
    votes = np.zeros((4, 7), dtype=np.int64)
    votes[[0, 2, 3], 3] = 6
    return LabelledFaces(
        tiles=np.zeros((4, 48, 48), dtype=np.uint8),
        labels=np.array([3, 3, 4, UNLABELLED]),
        votes=votes,
    )


def test_one_output_is_measured_on_both_label_sets(faces: LabelledFaces) -> None:
    report = evaluate(Always(3, 0.7), faces)
    assert report["model"] == "always"
    assert report["labels"] == NAMES
    assert (report["n"], report["ferplus_n"]) == (3, 3)
    assert report["accuracy"] == report["shown_accuracy"] == pytest.approx(2 / 3)
    assert report["macro_f1"] == pytest.approx((4 / 5 + 0) / 2)
    assert report["ece"] == pytest.approx(0.7 - 2 / 3, abs=1e-6)
    assert report["recall"] == dict.fromkeys(NAMES) | {"happy": 1.0, "sad": 0.0}
    assert np.array(report["confusion_matrix"])[[3, 4], 3].tolist() == [2, 1]
    assert report["ferplus_accuracy"] == 1.0
    assert report["ferplus_ece"] == pytest.approx(0.3, abs=1e-6)
    assert report["fer2013_output"] == "the shown one"


def test_the_second_output_is_measured_on_fer2013_and_nothing_is_hidden(
    faces: LabelledFaces,
) -> None:
    report = evaluate(TwoOutputs(3, 0.7), faces)
    assert report["accuracy"] == pytest.approx(1 / 3)
    assert report["shown_accuracy"] == pytest.approx(2 / 3)
    assert report["ferplus_accuracy"] == 1.0
    assert report["fer2013_output"] == "calibrated for FER2013's labels"


def test_the_report_is_json_and_a_table(faces: LabelledFaces) -> None:
    report = evaluate(Always(3, 0.7), faces)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    table = as_table(report)
    assert "accuracy" in table
    assert "0.667" in table
    assert all(name in table for name in NAMES)


def test_scores_without_any_label() -> None:
    scores = score(np.full((2, 7), 1 / 7, dtype=np.float32), np.array([UNLABELLED] * 2))
    assert (scores.n, scores.accuracy, scores.ece) == (0, 0.0, 0.0)
    assert scores.recall == [None] * 7


def command(folder: Path, *more: str, labels: str = "validation.csv"):
    sheet, csv = str(folder / "validation.webp"), str(folder / labels)
    return CliRunner().invoke(
        evaluate_command, ["--emotion", "compact", "--sheet", sheet, "--labels", csv, *more]
    )


def test_the_command_prints_one_json_object(data_folder: Path) -> None:
    result = command(data_folder, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["n"], report["ferplus_n"]) == (21, 21)
    assert {"accuracy", "macro_f1", "ece", "ferplus_accuracy", "ferplus_ece"} <= set(report)


def test_the_command_prints_a_table(data_folder: Path) -> None:
    result = command(data_folder)
    assert result.exit_code == 0, result.output
    assert "macro F1" in result.stdout


def test_a_bad_csv_is_a_sentence_and_exit_code_2(data_folder: Path) -> None:
    result = command(data_folder, labels="absent.csv")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "absent.csv cannot be read" in result.stderr
    assert "Traceback" not in result.stderr


def test_evaluating_needs_no_pytorch() -> None:
    code = "import sys; sys.modules['torch'] = None; import fer_core.cli.train"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.soak
@pytest.mark.shared
def test_the_shipped_network_does_what_its_card_says() -> None:
    result = command(SHARED / "data" / "fer2013", "--json")
    report = json.loads(result.stdout)
    assert (report["n"], report["ferplus_n"]) == (3551, 3168)
    card = (ROOT / "models" / "emotion_compact.md").read_text("utf-8")
    for share in ("accuracy", "ferplus_accuracy", "shown_accuracy"):
        assert f"{report[share]:.1%}" in card
    assert report["accuracy"] >= 0.64
