"""Tests of the detectors on a real face, and on pictures without one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.detection import DetectedFace
from fer_core.errors import UnknownModel, WeightsCorrupt
from fer_core.media.resize import map_back, shrink
from fer_core.models.detectors import FaceDetector
from fer_core.models.detectors.contrast import stretched
from fer_core.models.detectors.yunet import LONGEST_PX, NMS_IOU, SCORE_THRESHOLD, YuNetDetector
from fer_core.models.landmarks.face import SHIPPED_WEIGHTS as LANDMARK_NETWORK
from fer_core.models.loading import load_detector
from fer_core.schema import Box, Detection
from fer_core.testing import FakeDetector, FakeEmotionModel
from tests.conftest import SHARED

# The astronaut's face in the 512x512 picture, drawn by hand.
FACE = Box(176, 66, 96, 116)


@pytest.fixture(params=["scout", "haar", pytest.param("yunet", marks=pytest.mark.shared)])
def detector(request: pytest.FixtureRequest, shared) -> FaceDetector:
    if request.param != "yunet":
        return load_detector(request.param)
    return YuNetDetector(shared / "weights" / "face_detection_yunet_2023mar.onnx")


def confirmed(detector: FaceDetector, bgr: np.ndarray) -> list[DetectedFace]:
    """The faces that the landmark network confirms, as everywhere in the program."""
    return Analyzer(detector, FakeEmotionModel()).detect(bgr)


def test_it_finds_the_face(detector, astronaut):
    [face] = confirmed(detector, astronaut)
    assert face.box.iou(FACE) > 0.5
    assert 0.3 < face.score <= 1.0


def test_a_large_picture_gives_boxes_in_its_own_pixels(detector, astronaut):
    large = cv2.resize(astronaut, None, fx=4, fy=4)
    face = detector.detect(large)[0]
    assert face.box.iou(Box(*(4 * value for value in FACE.to_list()))) > 0.5


def test_several_faces_come_largest_first(detector, astronaut):
    canvas = np.full((1100, 1600, 3), 127, np.uint8)
    canvas[:512, :512] = astronaut
    canvas[50:1074, 550:1574] = cv2.resize(astronaut, (1024, 1024))
    boxes = [face.box for face in confirmed(detector, canvas)]
    assert len(boxes) == 2
    assert boxes[0].area > boxes[1].area
    assert boxes[1].x < 512 < boxes[0].x


def test_a_face_at_the_edge_is_clipped(detector, astronaut):
    cut = astronaut[70:300, 185:400]
    for face in detector.detect(cut):
        assert face.box.x >= 0
        assert face.box.y >= 0
        assert face.box.x + face.box.w <= cut.shape[1]
        assert face.box.y + face.box.h <= cut.shape[0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 5), (31, 33), (48, 48)])
def test_tiny_pictures_have_no_face(detector, shape):
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_pictures_of_any_shape_in_turn_have_no_face(detector):
    shapes = [(1, 400), (400, 1), (32, 400), (33, 33), (9, 2), (65, 8), (240, 320)]
    for shape in shapes * 15:
        assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []


def test_a_face_drawn_out_to_a_strip_is_no_face(detector, astronaut):
    strip = cv2.resize(astronaut, (33, 1200))
    assert detector.detect(strip) == []


def test_noise_is_no_face(detector):
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def test_threads_may_share_it(detector, astronaut):
    small = cv2.resize(astronaut, (256, 256))
    alone = {512: detector.detect(astronaut), 256: detector.detect(small)}
    with ThreadPoolExecutor(4) as pool:
        for picture, found in pool.map(lambda p: (p, detector.detect(p)), [astronaut, small] * 4):
            assert found == alone[picture.shape[0]]


def opencv_finds(path, bgr) -> list[Detection]:
    """The faces that YuNet finds in OpenCV's own implementation.

    ``bgr`` is wider than 32 pixels once its longest side is shrunk to ``LONGEST_PX``: below, OpenCV
    gives now nothing and now several boxes, some infinite, for one and the same picture.
    """
    small, scale = shrink(bgr, LONGEST_PX)
    size = small.shape[1], small.shape[0]
    network = cv2.FaceDetectorYN.create(str(path), "", size, SCORE_THRESHOLD, NMS_IOU)
    rows = network.detect(small)[1]
    faces = [] if rows is None else rows.astype(float).tolist()
    raw = [
        ((x, y, w, h), score, tuple(zip(points[::2], points[1::2], strict=True)))
        for x, y, w, h, *points, score in faces
    ]
    return map_back(raw, scale, bgr.shape[1], bgr.shape[0])


def assert_same(ours: list[Detection], theirs: list[Detection]) -> None:
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our.box.to_list(), their.box.to_list(), atol=1)
        np.testing.assert_allclose(our.landmarks, their.landmarks, atol=0.01)
        assert our.score == pytest.approx(their.score, abs=1e-4)


@pytest.mark.shared
@given(st.integers(64, 900), st.integers(64, 900), st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=20, deadline=None)
@example(640, 480, 0, 0)
@example(512, 512, 0, 0)
@example(64, 900, 0, 300)
def test_yunet_finds_what_it_finds_in_opencv(astronaut, width, height, left, top):
    path = SHARED / "weights" / "face_detection_yunet_2023mar.onnx"
    picture = np.full((top + height, left + width, 3), 127, np.uint8)
    picture[top:, left:] = cv2.resize(astronaut, (width, height))
    assert_same(YuNetDetector(path).detect(picture), opencv_finds(path, picture))


@pytest.mark.shared
def test_yunet_finds_what_it_finds_in_opencv_in_every_frame(shared):
    from PIL import Image, ImageSequence

    path = shared / "weights" / "face_detection_yunet_2023mar.onnx"
    detector, faces = YuNetDetector(path), 0
    with Image.open(shared / "media" / "head-pose-face-detection-female-and-male.gif") as clip:
        for frame in ImageSequence.Iterator(clip):
            bgr = np.asarray(frame.convert("RGB"))[:, :, ::-1].copy()
            found = detector.detect(bgr)
            assert_same(found, opencv_finds(path, bgr))
            faces += len(found)
    assert faces > 100


@pytest.mark.shared
def test_yunet_gives_five_landmarks_inside_the_face(shared, astronaut):
    detector = YuNetDetector(shared / "weights" / "face_detection_yunet_2023mar.onnx")
    [face] = detector.detect(astronaut)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_eye[1] < nose[1] < right_mouth[1]
    assert right_mouth[0] < left_mouth[0]


@pytest.mark.shared
def test_yunet_finds_both_people_of_the_clip(shared):
    from PIL import Image

    with Image.open(shared / "media" / "head-pose-face-detection-female-and-male.gif") as clip:
        frame = np.asarray(clip.convert("RGB"))[:, :, ::-1].copy()
    detector = YuNetDetector(shared / "weights" / "face_detection_yunet_2023mar.onnx")
    assert len(detector.detect(frame)) == 2


def test_a_file_that_is_not_yunet_is_refused(tmp_path):
    path = tmp_path / "face_detection_yunet_2023mar.onnx"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsCorrupt, match="weights fetch"):
        YuNetDetector(path)


def test_another_network_is_refused():
    with pytest.raises(WeightsCorrupt, match="another network"):
        YuNetDetector(LANDMARK_NETWORK)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownModel, match="yunet"):
        load_detector("retina")


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 800))
@settings(max_examples=40)
def test_shrinking_keeps_the_longer_side_within_the_limit(width, height, longest):
    small, scale = shrink(np.zeros((height, width, 3), np.uint8), longest)
    assert max(small.shape[:2]) <= max(longest, 1)
    assert 0 < scale <= 1
    assert min(small.shape[:2]) >= 1


def test_mapping_back_undoes_the_scaling():
    [face] = map_back([((10, 20, 30, 40), 2.0, ((15, 25),))], 0.5, 200, 200)
    assert face.box == Box(20, 40, 60, 80)
    assert list(face.landmarks) == [(30, 50)]
    assert face.score == 1.0


def test_the_fake_keeps_the_contract():
    found = FakeDetector([Box(90, 90, 40, 40)]).detect(np.zeros((100, 100, 3), np.uint8))
    assert [face.box for face in found] == [Box(90, 90, 10, 10)]


@pytest.mark.parametrize("name", ["scout", pytest.param("yunet", marks=pytest.mark.shared)])
@pytest.mark.parametrize(("gain", "lift"), [(0.05, 0), (0.1, 0), (0.1, 40), (0.12, 190)])
def test_networks_find_a_face_in_the_dark_and_in_the_fog(astronaut, shared, name, gain, lift):
    weights = shared / "weights" / "face_detection_yunet_2023mar.onnx"
    detector: FaceDetector = YuNetDetector(weights) if name == "yunet" else load_detector(name)
    small = cv2.resize(astronaut, (160, 160), interpolation=cv2.INTER_AREA)
    picture = np.full((480, 640, 3), 60, np.uint8)
    picture[100:260, 200:360] = small
    dark = np.clip(picture * gain + lift, 0, 255).round().astype(np.uint8)
    [face] = confirmed(detector, dark)
    [lit] = confirmed(detector, picture)
    assert face.box.iou(lit.box) > 0.8
    assert face.score > lit.score - 0.1


def test_contrast_is_stretched_only_where_it_is_missing(astronaut):
    assert stretched(astronaut) is astronaut
    dark = (astronaut // 10).astype(np.uint8)
    bright = stretched(dark)
    assert bright.min() == 0
    assert bright.max() == 255
    black = np.zeros((9, 9, 3), np.uint8)
    assert stretched(black) is black
