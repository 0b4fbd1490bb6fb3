"""Tests of stills with faces that are sideways or upside down."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.detection import DetectedFace
from fer_core.analysis.upright import Upright, find_upright
from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.models.landmarks import Landmarks
from fer_core.schema import Box, FrameResult
from fer_core.testing import FakeEmotionModel


@pytest.fixture(params=["scout", "haar", pytest.param("yunet", marks=pytest.mark.shared)])
def analyzer(request: pytest.FixtureRequest, shared) -> Analyzer:
    if request.param != "yunet":
        return Analyzer(request.param, "compact")
    weights = shared / "weights" / "face_detection_yunet_2023mar.onnx"
    return Analyzer(YuNetDetector(weights), "compact")


@pytest.mark.parametrize("quarters", range(4))
def test_a_face_is_read_whatever_its_turn(analyzer, astronaut, quarters):
    """Read upside down, she was neutral with a roll of -8 degrees."""
    upright = analyzer.analyze(astronaut)
    [face] = upright.faces
    turned = np.ascontiguousarray(np.rot90(astronaut[:480], quarters))  # not square
    result = analyzer.analyze(turned)
    assert result.turned_deg == 90 * quarters
    [found] = result.faces
    assert found.dominant == "happy"
    # Box and points lie where they are in the picture as it was given.
    truth = Box(*face.box.to_list())
    points = np.array(face.landmarks)
    width, height = 512, 480
    for _ in range(quarters):
        truth = Box(truth.y, width - truth.x - truth.w, truth.h, truth.w)
        points = np.stack([points[:, 1], width - 1 - points[:, 0]], axis=1)
        width, height = height, width
    assert (result.width, result.height) == (width, height)
    assert found.box.iou(truth) > 0.8
    assert np.abs(np.array(found.landmarks) - points).max() < 10
    assert found.pose is not None
    assert face.pose is not None
    off = (found.pose.roll_deg - (face.pose.roll_deg - 90 * quarters) + 180) % 360 - 180
    assert abs(off) < 8


def test_the_turn_is_told_and_read_back(analyzer, astronaut):
    result = analyzer.analyze(np.ascontiguousarray(astronaut[::-1, ::-1]))
    assert result.to_dict()["turned_deg"] == 180
    assert FrameResult.from_dict(result.to_dict()) == result
    assert "turned_deg" not in analyzer.analyze(astronaut).to_dict()
    with pytest.raises(ValueError, match="0, 90, 180 or 270"):
        FrameResult(10, 10, (), "m", "d", turned_deg=45)


class Marker:
    """Landmarks whose presence is high if the white half of a patch is up."""

    name = "marker"

    def locate(self, bgr, boxes):
        def presence(box: Box) -> float:
            crop = bgr[box.y : box.y + box.h, box.x : box.x + box.w].astype(float)
            half = len(crop) // 2
            return float(crop[:half].mean() > crop[half:].mean() + 100)

        return [Landmarks(np.zeros((68, 2), np.float32), presence(box)) for box in boxes]


def half_white(quarters: int) -> np.ndarray:
    """A picture whose upper half is white in its upright orientation."""
    picture = np.zeros((100, 140, 3), np.uint8)
    picture[:50] = 255
    return np.ascontiguousarray(np.rot90(picture, quarters))


def score(bgr) -> list[DetectedFace]:
    """One face in the middle, with a higher score the whiter its upper half is."""
    height, width = bgr.shape[:2]
    box = Box(width // 2 - 20, height // 2 - 20, 40, 40)
    sure = 0.9 if bgr[: height // 2].mean() > 200 else 0.8
    return [DetectedFace(box, sure, np.zeros((68, 2)), 1.0)]


@pytest.mark.parametrize("quarters", range(4))
def test_the_surest_turn_is_taken(quarters):
    found = find_upright(half_white(quarters), score, score, Marker())
    assert found.quarters == quarters
    assert found.picture[:40].mean() == 255


def test_a_picture_that_looks_upright_is_looked_at_once():
    seen = []

    def find(bgr):
        seen.append(bgr.shape)
        return score(bgr)

    find_upright(half_white(0), find, find, Marker())
    assert len(seen) == 1


def test_without_a_face_in_any_turn_it_stays_as_it_is():
    picture = half_white(1)
    found = find_upright(picture, lambda _: [], lambda _: [], Marker())
    assert (found.quarters, found.faces) == (0, [])
    assert found.picture is picture


@pytest.mark.parametrize("quarters", range(4))
def test_places_go_back_to_the_pixel(quarters):
    picture = np.zeros((60, 90, 3), np.uint8)
    picture[10:30, 50:80] = 7  # x 50, y 10, 30 wide, 20 high
    turned = np.ascontiguousarray(np.rot90(picture, -quarters))
    rows, columns = np.nonzero(turned[:, :, 0])
    box = Box(int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    corner = np.array([[columns[0], rows[0]]], float)
    [face] = Upright(quarters, turned, [DetectedFace(box, points=corner)]).in_the_original()
    assert face.box == Box(50, 10, 30, 20)
    assert face.points is not None
    x, y = face.points[0]
    assert picture[int(y), int(x), 0] == 7
    assert (x in (50, 79), y in (10, 29)) == (True, True)


def test_without_landmarks_a_found_face_is_believed(astronaut):
    analyzer = Analyzer(HaarDetector(), FakeEmotionModel(), landmarks=None)
    assert analyzer.analyze(astronaut).turned_deg == 0
