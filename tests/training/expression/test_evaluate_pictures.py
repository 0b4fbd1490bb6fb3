"""Tests of the evaluation on whole pictures, with models of known answers and real ones."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from fer_core.analysis.analyzer import Analyzer
from fer_core.cli.main import main
from fer_core.errors import DatasetError
from fer_core.schema import Box, Detection
from fer_core.training.expression.evaluate_pictures import (
    LabelledPicture,
    as_table,
    bootstrap,
    evaluate_pictures,
    read_labelled_pictures,
)


class Bright:
    """Takes each bright square for a face."""

    name = "bright"

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        found, _ = cv2.findContours(bgr[:, :, 0], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return [Detection(Box(*cv2.boundingRect(each)), 1.0) for each in found]


class ByGrey:
    """Calls a face open from grey 150 on, as surely as 0.9; from 250 on surely."""

    name = "by grey"
    labels: tuple[str, ...] = ("shut", "open")

    def predict(self, crops: np.ndarray) -> np.ndarray:
        grey = crops.mean(axis=(1, 2))
        share = np.where(grey > 250, 1.0, np.where(grey > 150, 0.9, 0.1))
        return np.stack([1.0 - share, share], axis=1).astype(np.float32)


@pytest.fixture
def analyzer() -> Analyzer:
    return Analyzer(Bright(), ByGrey(), None)


def picture(folder: Path, name: str, *squares: tuple[int, int]) -> None:
    """A dark picture with squares, each of a side and a grey."""
    dark = np.zeros((60, 200, 3), np.uint8)
    for i, (side, grey) in enumerate(squares):
        dark[5 : 5 + side, 5 + 60 * i : 5 + 60 * i + side] = grey
    cv2.imwrite(str(folder / name), dark)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture(tmp_path, "open.png", (30, 200))
    picture(tmp_path, "sure.png", (30, 255))
    picture(tmp_path, "shut.png", (30, 100))
    picture(tmp_path, "two.png", (20, 200), (40, 100))
    picture(tmp_path, "none.png")
    (tmp_path / "labels.csv").write_text(
        "file,label,person\nopen.png,open,a\nsure.png,open,a\nshut.png,open,b\ntwo.png,shut,b\n"
        "none.png,shut,c\n"
    )
    return tmp_path


def test_what_is_found_is_read_and_counted(folder: Path, analyzer: Analyzer) -> None:
    rows = read_labelled_pictures(folder, folder / "labels.csv", analyzer.labels)
    report = evaluate_pictures(analyzer, rows)
    assert (report["model"], report["detector"]) == ("by grey", "bright")
    assert (report["n"], report["found"], report["people"]) == (5, 4, 3)
    assert report["confusion_matrix"] == [[1, 0], [1, 2]]
    assert report["accuracy"] == 0.75
    assert report["recall"] == {"shut": 1.0, "open": pytest.approx(2 / 3)}
    assert report["macro_recall"] == pytest.approx(5 / 6)
    assert report["certain"] == {"n": 1, "right": 1}
    shares = np.array([0.9, 1.0, 0.1, 0.9])
    assert report["nll"] == pytest.approx(-np.log(shares).mean(), rel=1e-4)
    assert report["ece"] == pytest.approx((3 * abs(0.9 - 2 / 3)) / 4, abs=1e-6)
    # Of the people who were found, a is always read right and b half of the time.
    assert report["interval"]["accuracy"] == [0.5, 1.0]
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for words in ("0.750  (95%: 0.500 to 1.000)", "1 faces, 1 of them right", "recall shut"):
        assert words in as_table(report)


def test_faces_that_cannot_be_read_well_are_left_out(folder: Path, analyzer: Analyzer) -> None:
    rough = np.zeros((60, 60, 3), np.uint8)
    rough[5:45, 5:45] = np.random.default_rng(0).integers(151, 249, (40, 40, 1), np.uint8)
    cv2.imwrite(str(folder / "rough.png"), rough)  # the others are even, as if blurred
    rows = read_labelled_pictures(folder, folder / "labels.csv", analyzer.labels)
    rows.append(LabelledPicture(folder / "rough.png", 1, "d"))
    report = evaluate_pictures(analyzer, rows, readable_only=True)
    assert (report["n"], report["found"], report["left_out"]) == (6, 5, 4)
    assert report["confusion_matrix"] == [[0, 0], [0, 1]]
    assert "4  (left out)" in as_table(report)


def test_without_people_there_is_no_interval(folder: Path, analyzer: Analyzer) -> None:
    rows = [
        LabelledPicture(folder / "open.png", 1, ""),
        LabelledPicture(folder / "shut.png", 0, ""),
    ]
    report = evaluate_pictures(analyzer, rows)
    assert report["accuracy"] == 1.0
    assert "interval" not in report
    assert "people" not in report


def test_no_face_anywhere(folder: Path, analyzer: Analyzer) -> None:
    report = evaluate_pictures(analyzer, [LabelledPicture(folder / "none.png", 1, "a")])
    assert (report["n"], report["found"], report["accuracy"], report["nll"]) == (1, 0, 0.0, 0.0)
    assert "0.000" in as_table(report)


def test_an_interval_is_of_people_and_the_same_again() -> None:
    truth = np.zeros(1000, np.int64)
    predicted = np.repeat([0, 1], 500)  # one of two people is always read right
    two = bootstrap(predicted, truth, np.repeat(["a", "b"], 500), 2)
    assert two["accuracy"] == [0.0, 1.0]
    many = bootstrap(predicted, truth, np.arange(1000).astype(str), 2)
    assert many["accuracy"] == pytest.approx([0.469, 0.531], abs=0.006)  # 0.5 -+ 1.96 sd
    assert many == bootstrap(predicted, truth, np.arange(1000).astype(str), 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file\nopen.png\n", "lacks the columns label"),
        ("file,label\nopen.png,ajar\n", "line 2: the model does not know the label 'ajar'"),
        ("file,label\n", "has no rows"),
    ],
)
def test_a_csv_that_cannot_be_used(
    folder: Path, analyzer: Analyzer, text: str, sentence: str
) -> None:
    (folder / "bad.csv").write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_labelled_pictures(folder, folder / "bad.csv", analyzer.labels)


def test_a_picture_that_is_not_there(folder: Path, analyzer: Analyzer) -> None:
    with pytest.raises(DatasetError, match=r"absent\.png: This file cannot be opened"):
        evaluate_pictures(analyzer, [LabelledPicture(folder / "absent.png", 0, "")])


def command(folder: Path, *more: str) -> Result:
    words = ["--pictures", str(folder), "--labels", str(folder / "labels.csv"), *more]
    models = ["--emotion", "compact", "--detector", "haar"]
    return CliRunner().invoke(main, ["evaluate-pictures", *models, *words])


def test_the_command_reads_a_smile(tmp_path: Path, astronaut: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / "smile.png"), astronaut)
    (tmp_path / "labels.csv").write_text("file,label\nsmile.png,happy\n")
    result = command(tmp_path, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["n"], report["found"], report["accuracy"]) == (1, 1, 1.0)
    assert "recall happy" in command(tmp_path).stdout


def test_the_command_names_what_is_wrong(folder: Path) -> None:
    result = command(folder)
    assert result.exit_code == 2
    assert "does not know the label 'open'" in result.stderr
    assert "Traceback" not in result.stderr
