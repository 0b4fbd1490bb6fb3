"""The direction of the eyes, from irises drawn on eyeballs of a face that is turned."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fer_core.models.landmarks.gaze import _CENTRES as CENTRES
from fer_core.models.landmarks.gaze import CLOSED, RADIUS_CM, eye_gaze, rotation
from fer_core.models.landmarks.geometry import MODEL_POINTS, _angles
from fer_core.schema import HeadPose

AHEAD = HeadPose(0.0, 0.0, 0.0)
PX = 12.0
"""Pixels to a centimetre of the face."""


def drawn(
    pose: HeadPose, yaw_deg: float, pitch_deg: float, px: float = PX
) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(68, 2)`` and irises ``(2, 2)`` of a face turned by ``pose``, whose eyes look by
    these angles aside and up in the head."""
    turn = rotation(pose)
    points = np.zeros((68, 2))
    for number, place in MODEL_POINTS.items():
        points[number] = (turn @ (np.array(place) * (1, -1, -1)))[:2]
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    look = np.array(
        [math.sin(yaw) * math.cos(pitch), -math.sin(pitch), -math.cos(yaw) * math.cos(pitch)]
    )
    irises = ((CENTRES + RADIUS_CM * look) @ turn.T)[:, :2]
    return points * px + (300, 200), irises * px + (300, 200)


@pytest.mark.parametrize(
    "pose",
    [AHEAD, HeadPose(25, 0, 0), HeadPose(-30, 10, 0), HeadPose(0, -15, 20), HeadPose(20, 12, -90)],
)
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-15, 10), (0, -20)])
def test_the_eyes_look_where_they_were_drawn(pose: HeadPose, yaw: float, pitch: float) -> None:
    gaze = eye_gaze(*drawn(pose, yaw, pitch), pose, blink=0.0)
    assert gaze is not None
    assert (gaze.yaw_deg, gaze.pitch_deg) == pytest.approx((yaw, pitch), abs=0.1)


def test_eyes_that_turn_against_the_head_look_into_the_camera() -> None:
    pose = HeadPose(20.0, 0.0, 0.0)
    gaze = eye_gaze(*drawn(pose, -20.0, 0.0), pose, blink=0.0)
    assert gaze is not None
    assert (gaze.room_yaw_deg, gaze.room_pitch_deg) == pytest.approx((0.0, 0.0), abs=0.1)


def test_the_rotation_has_the_angles_of_its_pose() -> None:
    pose = HeadPose(31.0, -12.0, 47.0)
    again = _angles(rotation(pose))
    assert (again.yaw_deg, again.pitch_deg, again.roll_deg) == pytest.approx((31.0, -12.0, 47.0))


def test_where_there_is_nothing_to_see_nothing_is_said() -> None:
    points, irises = drawn(AHEAD, 0.0, 0.0)
    assert eye_gaze(points, irises, None, 0.0) is None
    assert eye_gaze(points, irises, AHEAD, CLOSED) is None
    assert eye_gaze(points, irises, replace(AHEAD, yaw_deg=60.0), 0.0) is None
    assert eye_gaze(*drawn(AHEAD, 0.0, 0.0, px=0.1), AHEAD, 0.0) is None
    assert eye_gaze(np.zeros((68, 2)), np.zeros((2, 2)), AHEAD, 0.0) is None


def test_an_iris_beside_the_ball_is_at_its_edge() -> None:
    points, irises = drawn(AHEAD, 0.0, 0.0)
    gaze = eye_gaze(points, irises + np.array([40.0, 0.0]), AHEAD, 0.0)
    assert gaze is not None
    assert 85.0 < gaze.yaw_deg <= 90.0
