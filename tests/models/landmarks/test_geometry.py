"""Tests of head pose and aspect ratios from known points, and from points that are not a face."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fer_core.models.landmarks.geometry import (
    MODEL_POINTS,
    eye_aspect_ratio,
    head_pose,
    mouth_aspect_ratio,
)
from fer_core.schema import HeadPose

WIDTH, HEIGHT = 640, 480


def turn(axis: str, degrees: float) -> np.ndarray:
    """A right-handed rotation about an axis of OpenCV's: x right, y down, z away."""
    vector = np.zeros(3)
    vector["xyz".index(axis)] = math.radians(degrees)
    return np.asarray(cv2.Rodrigues(vector)[0])


def seen(
    yaw: float = 0, pitch: float = 0, roll: float = 0, x: float = 0, y: float = 0, away: float = 60
) -> np.ndarray:
    """The points of a head at ``(x, y, away)`` centimetres from the camera, which it would look
    into without its own yaw, pitch and roll."""
    model = np.array(list(MODEL_POINTS.values())) * (1, -1, -1)
    model -= model.mean(axis=0)
    # From the camera's axis to the line of sight: aside, then up or down, and no turn about it.
    sight = np.array([x, y, away]) / math.hypot(x, y, away)
    axis = np.cross([0.0, 0.0, 1.0], sight)
    length = math.hypot(*axis)
    angle = math.atan2(length, sight[2])
    towards = cv2.Rodrigues(axis / length * angle)[0] if length else np.eye(3)
    # A positive yaw, to the right of the picture, is a left-handed turn about y, which points down.
    own = turn("y", -yaw) @ turn("x", -pitch) @ turn("z", roll)
    placed = model @ (towards @ own).T + (x, y, away)
    points = np.full((68, 2), np.nan)
    points[list(MODEL_POINTS)] = placed[:, :2] / placed[:, 2:] * WIDTH + (WIDTH / 2, HEIGHT / 2)
    return np.where(np.isnan(points), 0.0, points)


def pose(points: np.ndarray) -> HeadPose:
    found = head_pose(points, WIDTH, HEIGHT)
    assert found is not None
    return found


angles = st.floats(-60, 60)


@given(angles, st.floats(-40, 40), angles, st.floats(-15, 15), st.floats(-10, 10))
@example(0, 0, 0, 0, 0)
@example(30, -20, 10, 15, 10)
def test_the_angles_of_a_projected_head_come_back(yaw, pitch, roll, x, y):
    found = pose(seen(yaw, pitch, roll, x, y))
    assert found.yaw_deg == pytest.approx(yaw, abs=1)
    assert found.pitch_deg == pytest.approx(pitch, abs=1)
    assert found.roll_deg == pytest.approx(roll, abs=1)


@given(st.floats(-30, 30), st.floats(-20, 20), st.floats(-30, 30), st.integers(0, 99))
def test_noise_of_a_pixel_costs_a_few_degrees(yaw, pitch, roll, seed):
    points = seen(yaw, pitch, roll)
    noise = np.random.default_rng(seed).normal(0, 0.01 * 95, points.shape)  # 1 % of the eyes' span
    found = pose(points + noise)
    assert found.yaw_deg == pytest.approx(yaw, abs=8)
    assert found.pitch_deg == pytest.approx(pitch, abs=8)
    assert found.roll_deg == pytest.approx(roll, abs=4)


def test_the_signs():
    points = seen(yaw=20)
    nose, eyes = points[30, 0], points[[36, 45], 0].mean()
    assert nose > eyes  # the nose points to the right of the picture
    assert pose(points).yaw_deg == pytest.approx(20, abs=1)
    up = seen(pitch=20)
    assert up[30, 1] - up[36, 1] < seen()[30, 1] - seen()[36, 1]  # the nose comes up to the eyes
    assert pose(up).pitch_deg == pytest.approx(20, abs=1)
    tilted = seen(roll=20)
    assert tilted[45, 1] > tilted[36, 1]  # the eye on the right is the lower one: clockwise
    assert pose(tilted).roll_deg == pytest.approx(20, abs=1)


def test_who_looks_into_the_camera_from_the_side_looks_into_the_camera():
    found = pose(seen(x=25, y=-12))
    assert max(abs(found.yaw_deg), abs(found.pitch_deg), abs(found.roll_deg)) < 1


def test_a_wrong_guess_of_the_camera_costs_little():
    points = seen(yaw=20, pitch=-10, x=15)
    zoomed = (points - (WIDTH / 2, HEIGHT / 2)) * 1.5 + np.array([WIDTH / 2, HEIGHT / 2])
    found = pose(zoomed)
    assert found.yaw_deg == pytest.approx(20, abs=6)
    assert found.pitch_deg == pytest.approx(-10, abs=6)


@given(st.floats(0.1, 20))
def test_the_size_of_the_picture_does_not_matter(scale):
    points = seen(15, 10, -5, 5, 5)
    found = head_pose(points * scale, round(WIDTH * scale), round(HEIGHT * scale))
    assert found is not None
    assert found.yaw_deg == pytest.approx(15, abs=1.5)
    assert found.pitch_deg == pytest.approx(10, abs=1.5)


NO_FACES = {
    "all in one place": np.full((68, 2), 7.0),
    "on a line": np.stack([np.linspace(0, 100, 68), np.zeros(68)], axis=1),
    "on a slope": np.stack([np.linspace(0, 100, 68)] * 2, axis=1),
    "not a number": np.full((68, 2), np.nan),
    "infinite": np.full((68, 2), np.inf),
    "at random": np.random.default_rng(0).uniform(0, 100, (68, 2)),
    "mirrored": np.array([WIDTH, 0]) - seen() * (1, -1),
}


@pytest.mark.parametrize("points", NO_FACES.values(), ids=NO_FACES)
def test_points_that_are_no_face_have_no_pose(points):
    assert head_pose(points, WIDTH, HEIGHT) is None


@given(st.integers(0, 10**6), st.floats(0, 1e4))
def test_whatever_the_points_a_number_or_nothing(seed, scale):
    points = np.random.default_rng(seed).normal(0, scale, (68, 2)).astype(np.float32)
    found = head_pose(points, WIDTH, HEIGHT)
    numbers = [eye_aspect_ratio(points), mouth_aspect_ratio(points)]
    if found:
        numbers += [found.yaw_deg, found.pitch_deg, found.roll_deg]
    assert all(number is None or math.isfinite(number) for number in numbers)


def eyes(openness: float) -> np.ndarray:
    """Points with eyes 30 wide whose lids are ``openness`` times that apart."""
    points = np.zeros((68, 2))
    for first, x in ((36, 0.0), (42, 60.0)):
        half = 15.0 * openness
        points[first : first + 6] = [
            (x, 0), (x + 10, -half), (x + 20, -half), (x + 30, 0), (x + 20, half), (x + 10, half)
        ]  # fmt: skip
    return points


@pytest.mark.parametrize("openness", [0.0, 0.1, 0.3])
def test_the_eye_ratio_is_opening_over_width(openness):
    assert eye_aspect_ratio(eyes(openness)) == pytest.approx(openness)


def test_the_eye_ratio_is_the_mean_of_both():
    wink = eyes(0.3)
    wink[42:48] = eyes(0.1)[42:48]
    assert eye_aspect_ratio(wink) == pytest.approx(0.2)


def test_the_mouth_ratio_is_opening_over_width():
    points = np.zeros((68, 2))
    points[60:68] = [(0, 0), (10, -5), (20, -8), (30, -5), (40, 0), (30, 5), (20, 8), (10, 5)]
    assert mouth_aspect_ratio(points) == pytest.approx((10 + 16 + 10) / 3 / 40)


@given(st.floats(-180, 180), st.floats(0.1, 50))
def test_ratios_do_not_depend_on_place_size_or_roll(degrees, scale):
    points = eyes(0.25)
    points[60:68] = points[36:44]
    moved = scale * points @ turn("z", degrees)[:2, :2].T + np.array([300.0, -200.0])
    assert eye_aspect_ratio(moved) == pytest.approx(0.25)
    assert mouth_aspect_ratio(moved) == pytest.approx(mouth_aspect_ratio(points))


@pytest.mark.parametrize("points", [np.full((68, 2), 7.0), np.full((68, 2), np.nan)])
def test_no_width_no_ratio(points):
    assert eye_aspect_ratio(points) is None
    assert mouth_aspect_ratio(points) is None
