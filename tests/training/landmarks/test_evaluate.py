"""Tests of the figures of the face network, and of ``evaluate-landmarks``. No PyTorch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from fer_core.cli.main import main
from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.landmarks import Landmarks
from fer_core.models.landmarks.face import SHIPPED_WEIGHTS, FaceModel
from fer_core.schema import Box
from fer_core.schema.action_units import MOVEMENTS
from fer_core.testing import FakeDetector
from fer_core.training.landmarks.data import read_landmark_faces, split_by_person
from fer_core.training.landmarks.evaluate import (
    central_box,
    common_offset_percent,
    evaluate,
    eye_widths,
    iris_percent,
    locate,
    mean_correlation,
    movement_correlations,
    percent_errors,
    score,
    score_presence,
    without_offset,
)
from tests.conftest import SHARED
from tests.training.landmarks.conftest import read_rows, taught_by, write_rows

CARD = SHIPPED_WEIGHTS.with_suffix(".md")


class Marker:
    """CameraSlots all points in the middle of a box; a box is present by the share of its width."""

    name = "marker"

    def __init__(self) -> None:
        self.asked: list[list[Box]] = []

    def locate(self, bgr: np.ndarray, boxes: Sequence[Box]) -> list[Landmarks]:
        self.asked.append(list(boxes))
        return [
            Landmarks(
                np.array([[box.x, box.y], [box.x + box.w, box.y + box.h]] * 34, np.float32),
                box.w / bgr.shape[1],
            )
            for box in boxes
        ]


def command(images: Path, labels: Path, *more: str) -> Result:
    args = ["evaluate-landmarks", "--images", str(images), "--labels", str(labels), *more]
    return CliRunner().invoke(main, args)


def test_errors_are_percent_of_the_distance_of_the_outer_eye_corners() -> None:
    truth = np.zeros((2, 68, 2), np.float32)
    truth[:, 45] = [[50, 0], [20, 0]]
    points = truth + np.array([0, 1], np.float32)
    points[1, :34] += (0, 5)
    np.testing.assert_allclose(percent_errors(points, truth), [2.0, 17.5])
    scores = score(points, truth)
    assert scores.n == 2
    assert scores.nme_interocular_percent == pytest.approx(9.75)
    assert scores.failure_rate_percent == 50.0


def test_an_offset_that_all_labels_share_is_found_and_taken_away() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 100, (9, 68, 2)).astype(np.float32)
    points[:, 45] = points[:, 36] + np.array([50, 0], np.float32)
    shifted = points + np.array([2, -1], np.float32)
    right, down = common_offset_percent(points, shifted)
    assert right == pytest.approx(4.0, abs=0.01)
    assert down == pytest.approx(-2.0, abs=0.01)
    np.testing.assert_allclose(without_offset(shifted, (right, down)), points, atol=0.01)


def test_presence_is_measured_by_order_and_by_threshold() -> None:
    faces = np.array([0.9, 0.8, 0.4, 0.5], np.float32)
    scores = score_presence(faces, np.array([0.1, 0.4], np.float32), 0.5)
    assert scores.area == pytest.approx(7.5 / 8)
    assert (scores.faces_kept, scores.others_kept) == (0.75, 0.0)


def test_movements_are_compared_where_they_vary() -> None:
    truth = np.zeros((4, 52), np.float32)
    smile, jaw, pucker = (MOVEMENTS.index(n) for n in ("mouthSmileLeft", "jawOpen", "mouthPucker"))
    truth[:, smile], truth[:, jaw] = [0.0, 0.2, 0.4, 0.6], [0.0, 0.6, 0.0, 0.6]
    truth[:, pucker] = [0.0, 0.04, 0.0, 0.04]  # a standard deviation of 0.02
    ours = truth * 0.5 + 0.1
    ours[:, jaw] = 0.3
    found = movement_correlations(ours, truth)
    assert found == {"mouthSmileLeft": pytest.approx(1.0), "jawOpen": 0.0}
    assert mean_correlation(found) == pytest.approx(0.5)
    assert mean_correlation({}) == 0.0


def test_irises_are_measured_in_widths_of_their_eye() -> None:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, [39, 42, 45], 0] = [20, 60, 100]
    truth = np.zeros((1, 2, 2), np.float32)
    ours = truth + np.array([[[2.0, 0.0], [0.0, 4.0]]], np.float32)
    assert iris_percent(ours, truth, eye_widths(points)) == pytest.approx(10.0)
    points[0, 39, 0] = 1.0  # turned aside: a tenth of the 100 pixels between the outer corners
    assert eye_widths(points).tolist() == [[10.0, 40.0]]


def test_the_likeliest_box_is_taken_and_its_points_give_the_next() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    model = Marker()
    locate(model, FakeDetector([Box(10, 10, 30, 30), Box(5, 5, 80, 80)]), picture)
    first, second = model.asked
    assert first == [Box(10, 10, 30, 30), Box(5, 5, 80, 80), central_box(picture)]
    assert second[0].iou(Box(5, 5, 80, 80)) > 0.6


def test_a_tiny_picture_has_a_central_box() -> None:
    assert central_box(np.zeros((1, 1, 3), np.uint8)) == Box(0, 0, 1, 1)


def test_the_command_prints_json_or_a_table(astronaut: np.ndarray, tmp_path: Path) -> None:
    import cv2

    model = FaceModel()
    points = locate(model, HaarDetector(), astronaut).points
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), astronaut)
    flat = {
        f"{axis}{i}": f"{v:.3f}"
        for i, xy in enumerate(points)
        for axis, v in zip("xy", xy, strict=True)
    }
    write_rows(tmp_path / "landmarks.csv", [{"file": "a.png", **flat}])
    result = command(tmp_path / "images", tmp_path / "landmarks.csv", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert list(report) == ["n", "nme_interocular_percent", "failure_rate_percent"]
    assert report["n"] == 1
    assert report["nme_interocular_percent"] < 0.01
    assert report["failure_rate_percent"] == 0.0
    taught = [{"file": "a.png", **flat, **taught_by(points)}]
    write_rows(tmp_path / "movements.csv", taught)
    result = command(tmp_path / "images", tmp_path / "movements.csv", "--json")
    report = json.loads(result.stdout)
    assert 0.0 <= report["iris_percent"] < 50.0
    assert report["correlations"] == {}  # nothing varies over one face
    table = command(tmp_path / "images", tmp_path / "landmarks.csv")
    assert re.search(r"faces +1\n", table.stdout)
    assert "0.00%" in table.stdout


@pytest.mark.parametrize("missing", ["images", "landmarks.csv", "images/0_0.png"])
def test_missing_files_end_with_a_sentence(faces_folder: Path, missing: str) -> None:
    path = faces_folder / missing
    path.rename(faces_folder / "elsewhere")
    result = command(faces_folder / "images", faces_folder / "landmarks.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert path.name in result.stderr
    assert "Traceback" not in result.stderr


def test_a_malformed_csv_and_an_empty_one_end_with_a_sentence(faces_folder: Path) -> None:
    rows = read_rows(faces_folder / "landmarks.csv")
    write_rows(faces_folder / "landmarks.csv", [row | {"y67": "low"} for row in rows])
    result = command(faces_folder / "images", faces_folder / "landmarks.csv", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "points must be numbers" in result.stderr
    (faces_folder / "landmarks.csv").write_bytes(b"")
    assert command(faces_folder / "images", faces_folder / "landmarks.csv").exit_code == 2


@pytest.mark.soak
@pytest.mark.shared
def test_the_card_says_what_the_command_measures_on_the_test_people() -> None:
    folder = SHARED / "data" / "faces68"
    faces = read_landmark_faces(folder / "images", folder / "landmarks.csv")
    test = split_by_person(faces, 0).test
    scores = evaluate(FaceModel(), HaarDetector(), test)
    card = CARD.read_text("utf-8")
    assert re.search(rf"\| faces \| \d+ \| {scores.n} \|", card)
    error = re.search(r"outer eye corners \| [\d.]+ \| ([\d.]+) \|", card)
    failed = re.search(r"above 10 % \| [\d.]+ % \| ([\d.]+) % \|", card)
    assert error
    assert failed
    assert scores.nme_interocular_percent == pytest.approx(float(error[1]), abs=0.02)
    assert scores.failure_rate_percent == pytest.approx(float(failed[1]), abs=0.21)
    assert scores.nme_interocular_percent <= 6.0
