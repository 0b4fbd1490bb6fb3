"""Tests of the shipped landmark network: points of a face, and low presence without one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.errors import WeightsCorrupt, WeightsMissing
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.models.emotion import compact
from fer_core.models.landmarks import MIN_PRESENCE, LandmarkModel, Landmarks
from fer_core.models.landmarks.crops import face_box
from fer_core.models.landmarks.face import SHIPPED_WEIGHTS, FaceModel
from fer_core.models.loading import load_landmark_model
from fer_core.schema import Box
from fer_core.schema.action_units import MOVEMENTS
from tests.conftest import SHARED

# The astronaut's face in the 512x512 picture, and parts of it without one, drawn by hand.
FACE = Box(176, 66, 96, 116)
NO_FACES = {
    "flag": Box(20, 40, 110, 110),
    "suit": Box(170, 330, 120, 120),
    "shuttle": Box(390, 20, 90, 110),
    "arm": Box(60, 330, 90, 90),
}


@pytest.fixture(scope="module")
def model() -> LandmarkModel:
    return load_landmark_model()


@pytest.fixture(scope="module")
def found(model: LandmarkModel, astronaut: np.ndarray) -> Landmarks:
    return model.locate(astronaut, [FACE])[0]


def middle(landmarks: Landmarks, first: int, last: int) -> np.ndarray:
    return np.asarray(landmarks.points[first : last + 1].mean(axis=0))


def test_the_parts_of_the_face_are_where_they_are_seen(found: Landmarks) -> None:
    assert found.points.shape == (68, 2)
    assert found.points.dtype == np.float32
    # Read off the picture by eye, in pixels; the eyes are 44 apart.
    seen = {
        (36, 41): (202, 100),
        (42, 47): (246, 103),
        (30, 30): (222, 126),
        (48, 67): (224, 143),
        (8, 8): (227, 178),
    }
    for (first, last), place in seen.items():
        np.testing.assert_allclose(middle(found, first, last), place, atol=6.0)


def test_points_are_named_from_left_to_right_and_from_top_to_bottom(found: Landmarks) -> None:
    x, y = found.points.T
    assert x[0] < x[36] < x[39] < x[42] < x[45] < x[16]
    assert x[48] < x[51] < x[54]
    assert y[27] < y[28] < y[29] < y[30] < y[33] < y[51] < y[57] < y[8]
    assert y[17:27].max() < y[36:48].min()


@pytest.mark.shared
def test_it_agrees_with_yunet(model: LandmarkModel, astronaut: np.ndarray) -> None:
    yunet = YuNetDetector(SHARED / "weights" / "face_detection_yunet_2023mar.onnx")
    face = yunet.detect(astronaut)[0]
    landmarks = model.locate(astronaut, [face.box])[0]
    ours = [
        middle(landmarks, 36, 41),
        middle(landmarks, 42, 47),
        landmarks.points[30],
        landmarks.points[48],
        landmarks.points[54],
    ]
    np.testing.assert_allclose(ours, face.landmarks, atol=7.0)  # YuNet smiles wider


def test_a_face_is_present_and_other_things_are_not(
    model: LandmarkModel, astronaut: np.ndarray, found: Landmarks
) -> None:
    assert found.presence > 0.95
    others = model.locate(astronaut, list(NO_FACES.values()))
    for name, landmarks in zip(NO_FACES, others, strict=True):
        assert landmarks.presence < MIN_PRESENCE, name


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_picture_has_no_face(model: LandmarkModel, level: int) -> None:
    flat = np.full((120, 120, 3), level, np.uint8)
    landmarks = model.locate(flat, [Box(10, 10, 90, 100)])[0]
    assert landmarks.presence < MIN_PRESENCE
    assert np.isfinite(landmarks.points).all()


def test_the_box_of_its_own_points_gives_the_same_points(
    model: LandmarkModel, astronaut: np.ndarray, found: Landmarks
) -> None:
    again = model.locate(astronaut, [face_box(found.points).to_box()])[0]
    assert np.linalg.norm(again.points - found.points, axis=1).mean() < 2.0
    assert again.presence > 0.95


@pytest.mark.parametrize("shift", [(-14, 0), (14, 0), (0, -14), (0, 14)])
def test_a_face_that_moved_is_followed(
    model: LandmarkModel, astronaut: np.ndarray, found: Landmarks, shift: tuple[int, int]
) -> None:
    """It moved by a tenth of the box; the eyes are 44 pixels apart."""
    box = Box(FACE.x + shift[0], FACE.y + shift[1], FACE.w, FACE.h)
    moved = model.locate(astronaut, [box])[0]
    assert np.linalg.norm(moved.points - found.points, axis=1).mean() < 4.0
    assert moved.presence > MIN_PRESENCE


def test_a_mirrored_face_has_mirrored_points(
    model: LandmarkModel, astronaut: np.ndarray, found: Landmarks
) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    box = Box(512 - FACE.x - FACE.w, FACE.y, FACE.w, FACE.h)
    eyes = model.locate(mirrored, [box])[0].points[[45, 36]]
    np.testing.assert_allclose(eyes * (-1, 1) + (511, 0), found.points[[36, 45]], atol=4.0)


def test_a_small_face(model: LandmarkModel, astronaut: np.ndarray, found: Landmarks) -> None:
    small = cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA)
    box = Box(FACE.x // 4, FACE.y // 4, FACE.w // 4, FACE.h // 4)
    landmarks = model.locate(np.asarray(small), [box])[0]
    assert landmarks.presence > MIN_PRESENCE
    assert np.linalg.norm(landmarks.points * 4 - found.points, axis=1).mean() < 6.0


def test_all_boxes_of_a_picture_at_once_are_as_one_by_one(
    model: LandmarkModel, astronaut: np.ndarray
) -> None:
    boxes = [FACE, *NO_FACES.values()]
    for box, landmarks in zip(boxes, model.locate(astronaut, boxes), strict=True):
        alone = model.locate(astronaut, [box])[0]
        np.testing.assert_allclose(landmarks.points, alone.points, atol=1e-2)
        assert landmarks.presence == pytest.approx(alone.presence, abs=1e-4)


def test_no_boxes_no_faces(model: LandmarkModel, astronaut: np.ndarray) -> None:
    assert model.locate(astronaut, []) == []


@pytest.mark.parametrize(
    "box", [Box(460, 400, 200, 200), Box(-80, -90, 160, 160), Box(5, 5, 1, 1), Box(2000, 0, 9, 9)]
)
def test_odd_boxes(model: LandmarkModel, astronaut: np.ndarray, box: Box) -> None:
    landmarks = model.locate(astronaut, [box])[0]
    assert np.isfinite(landmarks.points).all()
    assert landmarks.presence < MIN_PRESENCE


def test_half_a_face_at_the_edge_of_the_picture(
    model: LandmarkModel, astronaut: np.ndarray, found: Landmarks
) -> None:
    """Points outside the picture have coordinates outside it."""
    cut = np.ascontiguousarray(astronaut[:, 200:])
    box = Box(FACE.x - 200, FACE.y, FACE.w, FACE.h)
    points = model.locate(cut, [box])[0].points
    assert points[0, 0] < 0
    right = points[42:48].mean(axis=0) + np.array([200, 0])
    np.testing.assert_allclose(right, middle(found, 42, 47), atol=8.0)


def test_the_astronaut_smiles_with_her_eyes_open(found: Landmarks) -> None:
    """MediaPipe gives her mouthSmile 0.90."""
    moved = dict(zip(MOVEMENTS, np.asarray(found.movements), strict=True))
    assert min(moved["mouthSmileLeft"], moved["mouthSmileRight"]) > 0.6
    assert max(moved["eyeBlinkLeft"], moved["eyeBlinkRight"]) < 0.4
    assert max(moved["browDownLeft"], moved["jawOpen"], moved["mouthPucker"]) < 0.4


def test_the_irises_are_in_the_eyes_the_persons_right_first(found: Landmarks) -> None:
    right, left = np.asarray(found.irises)
    for iris, first in ((right, 36), (left, 42)):
        eye = found.points[first : first + 6]
        assert (eye.min(axis=0) - 1.0 < iris).all()
        assert (iris < eye.max(axis=0) + 1.0).all()


def test_several_threads_at_once(model: LandmarkModel, astronaut: np.ndarray) -> None:
    boxes = [[FACE, box] for box in NO_FACES.values()] * 8
    expected = [model.locate(astronaut, pair)[1].presence for pair in boxes]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda pair: model.locate(astronaut, pair)[1].presence, boxes))
    assert got == pytest.approx(expected, abs=1e-6)


def test_it_is_loaded_once() -> None:
    assert load_landmark_model() is load_landmark_model()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="Fetch the file again"):
        FaceModel(tmp_path / "absent.onnx")


@pytest.mark.parametrize("kept", [0, 1000, 500_000])
def test_a_truncated_file(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(SHIPPED_WEIGHTS.read_bytes()[:kept])
    with pytest.raises(WeightsCorrupt, match="Fetch the file again"):
        FaceModel(path)


def test_another_network() -> None:
    with pytest.raises(WeightsCorrupt, match="another network"):
        FaceModel(compact.SHIPPED_WEIGHTS)


def test_the_file_is_small() -> None:
    assert SHIPPED_WEIGHTS.stat().st_size < 2_000_000
