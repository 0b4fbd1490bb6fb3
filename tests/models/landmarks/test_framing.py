"""Tests of crops, and of the way back from a crop to the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis import analyzer
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.models.landmarks.crops import (
    LANDMARK_PX,
    Rectangle,
    Square,
    eye_line,
    face_box,
    landmark_crop,
    landmark_square,
)
from fer_core.models.loading import load_landmark_model
from fer_core.schema import Box
from tests.conftest import SHARED

# The astronaut's face in the 512x512 picture, drawn by hand.
FACE = Box(176, 66, 96, 116)

PLACES = st.lists(
    st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)), min_size=1, max_size=68
).map(lambda rows: np.array(rows, np.float32))
SQUARES = st.builds(
    Square,
    st.floats(-2000, 4000),
    st.floats(-2000, 4000),
    st.floats(1, 4000),
    st.floats(-math.pi, math.pi),
)


@given(SQUARES, PLACES)
def test_there_and_back_again(square: Square, points: np.ndarray) -> None:
    again = square.to_picture(square.to_square(points))
    size = square.side + abs(square.x) + abs(square.y) + 1000
    np.testing.assert_allclose(again, points, atol=1e-5 * size)


@given(SQUARES)
def test_the_middle_of_a_square_is_its_centre(square: Square) -> None:
    middle = square.to_picture(np.array([[0.5, 0.5]], np.float32))
    np.testing.assert_allclose(middle, [[square.x, square.y]], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("turn", [0.0, 0.4, -2.0])
@pytest.mark.parametrize("side", [40.0, 80.0, 300.0])
def test_a_dot_is_found_where_the_square_says(side: float, turn: float) -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    cv2.circle(picture, (230, 190), max(2, round(side / 25)), (255, 255, 255), cv2.FILLED)
    square = Square(220.0, 200.0, side, turn)
    crop = square.cut(picture, LANDMARK_PX).astype(float)
    y, x = np.mgrid[0:LANDMARK_PX, 0:LANDMARK_PX]
    seen = np.array([(crop * x).sum(), (crop * y).sum()]) / crop.sum()
    place = square.to_square(np.array([[230.0, 190.0]], np.float32))[0]
    np.testing.assert_allclose(seen, place * LANDMARK_PX - 0.5, atol=0.25)


def test_a_square_of_the_size_of_the_crop_is_copied_exactly() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    square = Square(59.5, 69.5, 80.0)
    np.testing.assert_array_equal(square.cut(picture, 80), picture[30:110, 20:100])


@pytest.mark.parametrize("times", [2, 3, 4, 6])
def test_a_larger_square_is_the_mean_of_its_pixels(times: int) -> None:
    rough = 200 // times, 233 // times  # three pixels of the crop each
    noise = np.random.default_rng(0).integers(0, 256, rough, dtype=np.uint8)
    picture = np.asarray(cv2.resize(noise, (700, 600), interpolation=cv2.INTER_LINEAR), np.uint8)
    side = 80 * times
    crop = Square(59.0 + (side - 1) / 2.0, 69.0 + (side - 1) / 2.0, float(side)).cut(picture, 80)
    cells = picture[69 : 69 + side, 59 : 59 + side].reshape(80, times, 80, times)
    np.testing.assert_allclose(crop, cells.mean(axis=(1, 3)), atol=12.0)
    assert np.abs(crop - cells.mean(axis=(1, 3))).mean() < 2.0


@pytest.mark.parametrize("side", [70.0, 300.0, 1200.0])
@pytest.mark.parametrize("centre", [(60.0, 40.0), (-20.0, 300.0), (420.0, 395.0), (2000.0, 90.0)])
def test_a_square_of_a_colour_picture_is_that_of_its_grey(
    centre: tuple[float, float], side: float
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (400, 420, 3), dtype=np.uint8)
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    square = Square(centre[0], centre[1], side, 0.3)
    np.testing.assert_array_equal(square.cut(picture, 80), square.cut(grey, 80))


def test_beyond_the_picture_its_edge_is_repeated() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8)
    crop = Square(59.5, 24.5, 80.0).cut(picture, 80)
    np.testing.assert_array_equal(crop, np.pad(picture, ((15, 15), (0, 59)), "edge")[:, 20:100])


@pytest.mark.parametrize(
    "box",
    [Box(-500, 10, 40, 40), Box(900, 900, 30, 30), Box(0, 0, 1, 1), Box(-300, -300, 900, 900)],
)
def test_boxes_that_leave_the_picture_or_are_a_pixel(box: Box) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    crop, square = landmark_crop(picture, box)
    assert crop.shape == (LANDMARK_PX, LANDMARK_PX)
    assert crop.dtype == np.uint8
    assert square.side >= 1.0


def test_large_squares_are_averaged_not_sampled() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (640, 640), dtype=np.uint8)
    assert noise.std() > 70
    assert Square(319.5, 319.5, 640.0).cut(noise, LANDMARK_PX).std() < 15


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0.2, 20.0))
def test_the_box_moves_and_grows_with_the_points(x: float, y: float, scale: float) -> None:
    points = np.random.default_rng(3).uniform(0, 100, (68, 2)).astype(np.float32)
    one, other = face_box(points), face_box((points * scale + (x, y)).astype(np.float32))
    assert other.w == pytest.approx(one.w * scale, rel=1e-3)
    assert other.h == pytest.approx(one.h * scale, rel=1e-3)
    assert other.x - 0.5 == pytest.approx((one.x - 0.5) * scale + x, abs=0.02 * scale + 0.01)
    assert other.y - 0.5 == pytest.approx((one.y - 0.5) * scale + y, abs=0.02 * scale + 0.01)


def test_points_in_one_place_still_have_a_box() -> None:
    assert face_box(np.full((68, 2), 7.0, np.float32)).to_box() == Box(7, 7, 1, 1)


@given(st.floats(-99, 99), st.floats(-99, 99), st.floats(0, 300), st.floats(0, 300))
def test_whole_pixels_have_the_nearest_size_and_centre(
    x: float, y: float, w: float, h: float
) -> None:
    box = Rectangle(x, y, w, h).to_box()
    assert (box.w, box.h) == (max(1, round(w)), max(1, round(h)))
    assert box.x + box.w / 2 == pytest.approx(x + w / 2, abs=0.5)
    assert box.y + box.h / 2 == pytest.approx(y + h / 2, abs=0.5)


def test_the_box_of_the_points_is_the_detectors(astronaut: np.ndarray) -> None:
    points = load_landmark_model().locate(astronaut, [FACE])[0].points
    box = face_box(points).to_box()
    assert box.iou(FACE) > 0.75
    assert box.y + box.h / 2 == pytest.approx(FACE.y + FACE.h / 2, abs=10)


@pytest.mark.shared
def test_the_box_of_the_points_is_yunets(astronaut: np.ndarray) -> None:
    yunet = YuNetDetector(SHARED / "weights" / "face_detection_yunet_2023mar.onnx")
    found = yunet.detect(astronaut)[0].box
    points = load_landmark_model().locate(astronaut, [found])[0].points
    assert face_box(points).to_box().iou(found) > 0.75


def test_an_upright_face_is_cut_out_as_without_alignment(astronaut: np.ndarray) -> None:
    points = load_landmark_model().locate(astronaut, [FACE])[0].points
    level = Square(220.0, 125.0, 1.0, eye_line(points)).to_square(points)
    upright = level + np.array([220.0, 125.0], np.float32)
    assert abs(eye_line(upright)) < 1e-3
    box = face_box(upright).to_box()
    aligned = analyzer.level_crop(astronaut, box, upright).astype(int)
    plain = analyzer.face_crop(astronaut, box).astype(int)
    assert aligned.shape == (analyzer.CROP_PX, analyzer.CROP_PX)
    assert np.abs(aligned - plain).mean() < 7.0  # whole pixels beside parts of them; 2 px off: 12


@pytest.mark.parametrize("degrees", [-30, 20])
def test_a_tilted_face_is_set_upright(astronaut: np.ndarray, degrees: int) -> None:
    points = load_landmark_model().locate(astronaut, [FACE])[0].points
    matrix = cv2.getRotationMatrix2D((220.0, 125.0), degrees, 1.0)
    tilted = cv2.warpAffine(astronaut, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    moved = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    assert math.degrees(eye_line(moved) - eye_line(points)) == pytest.approx(-degrees, abs=0.1)
    # The box as the face would have it upright: a followed face's grows with its tilt.
    box = FACE
    middle = matrix @ (box.x + (box.w - 1) / 2, box.y + (box.h - 1) / 2, 1.0)
    left = round(float(middle[0]) - (box.w - 1) / 2)
    top = round(float(middle[1]) - (box.h - 1) / 2)
    there = Box(left, top, box.w, box.h)
    level = analyzer.level_crop(astronaut, box, points)
    again = analyzer.level_crop(np.asarray(tilted), there, moved)
    assert np.abs(level.astype(int) - again.astype(int)).mean() < 4.0


def test_the_square_leaves_room_around_the_points(astronaut: np.ndarray) -> None:
    square = landmark_square(FACE)
    places = square.to_square(load_landmark_model().locate(astronaut, [FACE])[0].points)
    assert places.min() > 0.08
    assert places.max() < 0.92
