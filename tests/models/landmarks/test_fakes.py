"""The fake landmark model keeps the contract that streams rely on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.models.landmarks import MIN_PRESENCE
from fer_core.models.landmarks.crops import face_box
from fer_core.models.landmarks.geometry import eye_aspect_ratio, head_pose
from fer_core.schema import Box
from fer_core.testing import FakeLandmarkModel, face_points

PICTURE = np.zeros((200, 300, 3), np.uint8)
FACE = Box(50, 40, 76, 100)


@given(st.integers(-50, 300), st.integers(-50, 200), st.integers(10, 200))
def test_the_box_of_the_points_is_the_box(x, y, height):
    box = Box(x, y, round(0.76 * height), height)
    assert face_box(face_points(box)).to_box().iou(box) > 0.8


@pytest.mark.parametrize("eyes", [0.1, 0.3])
def test_the_points_are_those_of_a_face(eyes):
    points = face_points(FACE, eyes)
    pose = head_pose(points, 300, 200)
    assert pose is not None
    assert max(abs(pose.yaw_deg), abs(pose.pitch_deg), abs(pose.roll_deg)) < 2
    assert eye_aspect_ratio(points) == pytest.approx(eyes, abs=0.01)


def test_it_finds_the_face_it_is_sent_near_and_no_other():
    model = FakeLandmarkModel([FACE])
    near, far = model.locate(PICTURE, [Box(60, 45, 76, 100), Box(200, 90, 76, 100)])
    assert face_box(near.points).to_box().iou(FACE) > 0.9
    assert near.presence >= MIN_PRESENCE > far.presence
