"""Tests of the figures of detectors on pictures with known faces."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from fer_core.cli.main import main
from fer_core.errors import DatasetError
from fer_core.models.landmarks import Landmarks
from fer_core.schema import Box, Detection
from fer_core.training.detector.evaluate import (
    Truth,
    evaluate,
    match,
    read_labelled_pictures,
    score,
)


def truth(*boxes: tuple[float, ...], ignored: Sequence[int] = ()) -> Truth:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Truth(rows, np.isin(np.arange(len(rows)), ignored))


def found(*rows: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return table[:, :4], table[:, 4]


def test_a_face_is_found_once_by_the_surest_box() -> None:
    faces = truth((0, 0, 20, 20), (100, 100, 140, 140))
    boxes = found((0, 0, 20, 20, 0.6), (2, 0, 22, 20, 0.9), (300, 0, 320, 20, 0.5))
    hits, alarms = match(*boxes, faces)
    assert hits.tolist() == [True, False]
    assert alarms == 2


def test_half_of_the_overlap_is_enough_and_less_is_not() -> None:
    faces = truth((0, 0, 30, 10))
    for right, hit in ((15.0, True), (14.9, False)):
        hits, alarms = match(*found((0, 0, right, 10, 1.0)), faces)
        assert (hits.tolist(), alarms) == ([hit], int(not hit))


def test_a_face_that_is_not_asked_for_is_neither_right_nor_wrong() -> None:
    faces = truth((0, 0, 10, 10), (50, 50, 90, 90), ignored=[0])
    part, whole, elsewhere = (0, 0, 6, 6, 0.9), (0, 0, 10, 10, 0.8), (200, 0, 210, 10, 0.7)
    scores = score([found(part, whole, elsewhere)], [faces])
    assert (scores.faces, scores.recall, scores.false_alarms) == (1, 0.0, 1)


def test_recall_is_told_by_size_and_false_alarms_by_picture() -> None:
    faces = truth((0, 0, 10, 15.9), (50, 0, 60, 16), (100, 0, 110, 63), (200, 0, 264, 20))
    scores = score(
        [
            found((50, 0, 60, 16, 0.9), (200, 0, 264, 20, 0.8), (0, 300, 9, 309, 0.7)),
            found((0, 0, 30, 30, 0.9), (60, 0, 90, 30, 0.9)),
        ],
        [faces, truth()],
    )
    assert scores.recall == 0.5
    assert scores.recall_by_size == {"0-16": 0.0, "16-32": 1.0, "32-64": 0.0, "64+": 1.0}
    assert scores.precision == pytest.approx(2 / 5)
    assert (scores.false_alarms, scores.false_alarms_without_faces) == (3, 2)


def test_nothing_to_find_and_nothing_found() -> None:
    scores = score([found()], [truth()])
    assert (scores.recall, scores.precision, scores.false_alarms) == (None, None, 0)
    assert set(scores.recall_by_size.values()) == {None}


class Bright:
    """Finds the bounding boxes of white parts."""

    name = "bright"

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        _, _, stats, _ = cv2.connectedComponentsWithStats((bgr[:, :, 0] > 250).astype(np.uint8))
        return [Detection(Box(*map(int, row[:4])), 0.9) for row in stats[1:]]


class WideIsFace:
    """Confirms boxes that are not higher than wide."""

    name = "wide"

    def locate(self, bgr: np.ndarray, boxes: Sequence[Box]) -> list[Landmarks]:
        return [Landmarks(np.zeros((68, 2), np.float32), float(box.w >= box.h)) for box in boxes]


def write(folder: Path, squares: dict[str, list[Box]], labels: list[tuple[str, Box]]) -> Path:
    folder.mkdir()
    for name, boxes in squares.items():
        picture = np.zeros((120, 160, 3), np.uint8)
        for box in boxes:
            picture[box.y : box.y + box.h, box.x : box.x + box.w] = 255
        cv2.imwrite(str(folder / name), picture)
    path = folder.parent / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "x", "y", "w", "h"])
        writer.writerows([name, *box.to_list()] for name, box in labels)
    return path


FACE, SMALL, POLE = Box(10, 20, 40, 40), Box(80, 80, 20, 20), Box(100, 10, 10, 60)


def test_pictures_with_known_faces_give_known_figures(tmp_path: Path) -> None:
    labels = write(
        tmp_path / "images",
        {"a.png": [FACE, POLE], "b.png": [SMALL], "c.png": [POLE]},
        [("a.png", FACE), ("a.png", SMALL), ("b.png", SMALL)],
    )
    pictures = read_labelled_pictures(tmp_path / "images", labels)
    assert [len(picture.boxes) for picture in pictures] == [2, 1, 0]
    report = evaluate(Bright(), WideIsFace(), pictures)
    assert report.raw.recall == pytest.approx(2 / 3)
    assert report.raw.recall_by_size == {"0-16": None, "16-32": 0.5, "32-64": 1.0, "64+": None}
    assert report.raw.precision == pytest.approx(2 / 4)
    assert (report.raw.false_alarms, report.raw.false_alarms_without_faces) == (2, 1)
    assert report.confirmed.recall == pytest.approx(2 / 3)
    assert report.confirmed.precision == 1.0
    assert report.confirmed.false_alarms == 0
    assert report.detect_ms > 0.0


def test_pictures_of_which_none_has_a_face_give_false_alarms(tmp_path: Path) -> None:
    labels = write(tmp_path / "images", {"a.png": [POLE], "b.png": [SMALL]}, [])
    pictures = read_labelled_pictures(tmp_path / "images", labels)
    report = evaluate(Bright(), WideIsFace(), pictures)
    assert (report.raw.recall, report.raw.false_alarms_without_faces) == (None, 2)
    assert report.confirmed.false_alarms_without_faces == 1


def command(images: Path, labels: Path, *more: str) -> Result:
    args = ["evaluate-detector", "--images", str(images), "--labels", str(labels), *more]
    return CliRunner().invoke(main, args)


def test_the_command_prints_one_json_object(astronaut: np.ndarray, tmp_path: Path) -> None:
    labels = write(tmp_path / "images", {"empty.png": []}, [("face.png", Box(176, 66, 96, 116))])
    cv2.imwrite(str(tmp_path / "images" / "face.png"), astronaut)
    result = command(tmp_path / "images", labels, "--detector", "haar")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["pictures"], report["faces"]) == (2, 1)
    assert list(report["detectors"]) == ["haar"]
    assert report["detectors"]["haar"]["confirmed"]["recall"] == 1.0
    assert report["detectors"]["haar"]["confirmed"]["false_alarms"] == 0


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("absent.png,1,1,9,9", "absent.png is not there"),
        ("a.png,1,1,9,wide", "boxes must be numbers"),
        ("a.png,1,1,0,9", "line 2: the box must be at least"),
        ("a.png,1", "line 2"),
    ],
)
def test_a_bad_csv_ends_with_a_sentence(tmp_path: Path, row: str, sentence: str) -> None:
    labels = write(tmp_path / "images", {"a.png": [FACE]}, [])
    labels.write_text(f"file,x,y,w,h\n{row}\n", "utf-8")
    result = command(tmp_path / "images", labels)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    labels = write(tmp_path / "images", {"a.png": [FACE]}, [("a.png", FACE)])
    with pytest.raises(DatasetError, match="is not a folder"):
        read_labelled_pictures(tmp_path / "absent", labels)
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"a.png is not a picture"):
        evaluate(Bright(), WideIsFace(), read_labelled_pictures(tmp_path / "images", labels))
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    network = str(tmp_path / "broken.onnx")
    result = command(tmp_path / "images", labels, "--detector", "haar", "--network", network)
    assert result.exit_code == 2
    assert "broken.onnx is not a network" in result.stderr
