"""Tests of the analyzer: detector and emotion model combined."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.analysis.analyzer import CROP_PX, Analyzer, face_crop, level_crop
from fer_core.labels import Emotion
from fer_core.models.detectors.haar import HaarDetector
from fer_core.schema import Box, Detection
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel, face_points


def picture(height: int = 100, width: int = 120) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_result_says_what_made_it():
    result = Analyzer(FakeDetector(), FakeEmotionModel(Emotion.SAD), None).analyze(
        picture(), t_s=2.5
    )
    assert (result.width, result.height) == (120, 100)
    assert (result.model, result.detector) == ("fake-emotion", "fake-detector")
    assert result.t_s == 2.5
    assert result.latency_ms > 0
    assert result.faces[0].dominant is Emotion.SAD
    assert sum(result.faces[0].probabilities) == pytest.approx(1.0)


@pytest.mark.parametrize("landmarks", [None, FakeLandmarkModel()])
def test_no_face_is_an_empty_result(landmarks):
    assert Analyzer(FakeDetector([]), FakeEmotionModel(), landmarks).analyze(picture()).faces == ()


def test_all_faces_of_a_picture_go_in_one_batch():
    class Counting(FakeEmotionModel):
        def __init__(self):
            super().__init__()
            self.batches = []

        def predict(self, crops):
            self.batches.append(crops.shape)
            return super().predict(crops)

    class CountingLandmarks(FakeLandmarkModel):
        def __init__(self):
            super().__init__()
            self.batches = []

        def locate(self, bgr, boxes):
            self.batches.append(len(boxes))
            return super().locate(bgr, boxes)

    boxes = [Box(0, 0, 50, 60), Box(60, 20, 30, 20), Box(100, 80, 20, 20)]
    model, landmarks = Counting(), CountingLandmarks()
    Analyzer(FakeDetector(boxes), model, landmarks).analyze(picture())
    assert model.batches == [(3, CROP_PX, CROP_PX)]
    assert landmarks.batches == [3, 4 * 3]  # and once more in all four turns


def test_what_has_no_presence_is_no_face():
    face, alarm = Box(10, 10, 38, 50), Box(70, 40, 30, 40)
    analyzer = Analyzer(
        FakeDetector([face, alarm]), FakeEmotionModel(), FakeLandmarkModel([face], presence=0.8)
    )
    [found] = analyzer.analyze(picture()).faces
    assert found.box == face
    assert found.presence == 0.8


def test_landmarks_and_what_they_tell():
    analyzer = Analyzer(
        FakeDetector([Box(10, 10, 60, 80)]), FakeEmotionModel(), FakeLandmarkModel()
    )
    [face] = analyzer.analyze(picture()).faces
    assert len(face.landmarks) == 68
    assert face.pose is not None
    assert abs(face.pose.yaw_deg) < 3
    assert face.eye_aspect_ratio == pytest.approx(0.3, abs=0.02)
    assert face.mouth_aspect_ratio is not None
    assert (face.track_id, face.raw_probabilities, face.steady_label) == (None, None, None)


def test_without_a_landmark_network_the_detectors_points_are_kept():
    class Pointing(FakeDetector):
        def detect(self, bgr):
            return [Detection(Box(10, 10, 40, 40), 0.9, ((20.0, 20.0), (40.0, 20.0)))]

    [face] = Analyzer(Pointing(), FakeEmotionModel(), None).analyze(picture()).faces
    assert face.landmarks == ((20.0, 20.0), (40.0, 20.0))
    assert (face.presence, face.pose, face.eye_aspect_ratio) == (None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8"):
        Analyzer(FakeDetector(), FakeEmotionModel(), None).analyze(wrong)


def test_the_crop_is_the_square_around_the_box():
    bgr = np.zeros((100, 100, 3), np.uint8)
    bgr[20:80, 30:70] = 255  # the box 30,20 40x60 and nothing else
    crop = face_crop(bgr, Box(30, 20, 40, 60))
    assert crop.shape == (CROP_PX, CROP_PX)
    assert crop.dtype == np.uint8
    middle = crop[CROP_PX // 2]
    assert middle[CROP_PX // 2] == 255
    assert middle[2] == 0  # the square reaches 10 pixels beyond the box on either side
    assert middle[-3] == 0
    assert crop[2, CROP_PX // 2] == 255


def level(turn_deg: float) -> np.ndarray:
    """The crop of a face with this slope of the line through the eyes."""
    box = Box(30, 20, 40, 50)
    points = np.subtract(face_points(box), (50.0, 45.0))
    turn = np.radians(turn_deg)
    turned = points @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    return level_crop(picture(), box, np.add(turned, (50.0, 45.0)))


@pytest.mark.parametrize("side", [1, -1])
def test_a_face_is_turned_upright_by_45_degrees_at_most(side):
    crops = {turn_deg: level(side * turn_deg) for turn_deg in (0, 30, 44, 46, 80, 150)}
    for turn_deg in (80, 150):  # on a profile the line of the eyes may say anything
        assert np.array_equal(crops[turn_deg], crops[46])
    for one, other in ((0, 30), (30, 44), (44, 46)):
        assert not np.array_equal(crops[one], crops[other])


def test_a_crop_beyond_the_edge_repeats_the_edge():
    bgr = np.full((50, 50, 3), 200, np.uint8)
    assert np.all(face_crop(bgr, Box(0, 0, 10, 50)) == 200)
    assert np.all(face_crop(bgr, Box(49, 49, 1, 1)) == 200)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_thin_pictures_have_crops_too(shape):
    bgr = np.zeros((*shape, 3), np.uint8)
    assert face_crop(bgr, Box(0, 0, shape[1], shape[0])).shape == (CROP_PX, CROP_PX)


def test_the_real_thing_sees_the_astronaut_smile(astronaut):
    [face] = Analyzer(HaarDetector(), "compact").analyze(astronaut).faces
    assert face.dominant is Emotion.HAPPY
    assert face.confidence > 0.6
    assert (face.presence or 0.0) > 0.9
    assert len(face.landmarks) == 68
    assert face.pose is not None
    assert abs(face.pose.yaw_deg) < 20
    assert abs(face.pose.pitch_deg) < 15
    assert 0.15 < (face.eye_aspect_ratio or 0.0) < 0.5
    assert (face.valence or 0.0) > 0.3
