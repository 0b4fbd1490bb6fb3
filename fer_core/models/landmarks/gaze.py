"""Where the eyes look, from the centres of the irises."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fer_core.models.landmarks.geometry import MIN_EYE_PX, MODEL_POINTS
from fer_core.schema import Gaze, HeadPose

MAX_YAW_DEG = 45.0
"""On a head turned further aside the far eye hides behind the nose."""

CLOSED = 0.5
"""From this much blink on (0..1, the mean of both eyes) the lids cover the pupil."""

RADIUS_CM = 1.05
"""From the centre of an eyeball to that of its iris: the ball's radius is about 12 mm."""

DEPTH_CM, RISE_CM = 0.5, 0.25
"""How far the centre of an eyeball is behind, and above, the middle between the eye's corners. The
first is rough anatomy. The second is the median of the teacher's irises on 2,814 faces of press
photos and posed ones, whose people mostly look into the camera."""

_CORNERS = (36, 39, 42, 45)
# In OpenCV's axes (right, down, away), as in geometry.
_MODEL = np.array([MODEL_POINTS[number] for number in _CORNERS]) * (1.0, -1.0, -1.0)
_CENTRES = _MODEL.reshape(2, 2, 3).mean(axis=1) + np.array([0.0, -RISE_CM, DEPTH_CM])


def eye_gaze(
    points: NDArray[np.floating],
    irises: NDArray[np.floating],
    pose: HeadPose | None,
    blink: float,
) -> Gaze | None:
    """The mean direction of both eyes.

    ``points``: ``(68, 2)``, ``irises``: ``(2, 2)``, the person's right and left, in pixels;
    ``blink``: how closed the eyes are, 0..1. An eyeball is a sphere that sits in the average face
    of ``geometry.MODEL_POINTS``, which is turned as ``pose`` says and laid on the corners of the
    eyes (weak perspective); the line from its centre to the iris is where it looks.

    None without a pose, beyond ``MAX_YAW_DEG``, with closed eyes, and where the eyes are too small.
    """
    if pose is None or abs(pose.yaw_deg) > MAX_YAW_DEG or blink >= CLOSED:
        return None
    seen = np.asarray(points, np.float64)[list(_CORNERS)]
    turn = rotation(pose)
    corners, centres = (_MODEL @ turn.T)[:, :2], (_CENTRES @ turn.T)[:, :2]
    middle, seen_middle = corners.mean(axis=0), seen.mean(axis=0)
    flat = corners - middle
    scale_px = float(((seen - seen_middle) * flat).sum() / (flat**2).sum())
    if not scale_px >= MIN_EYE_PX:
        return None
    aside = (np.asarray(irises, np.float64) - seen_middle) / scale_px - (centres - middle)
    x, y = (aside.mean(axis=0) / RADIUS_CM).tolist()
    across = math.hypot(x, y)
    if across > 1.0:  # an iris at the edge of the ball, and a little noise
        x, y, across = x / across, y / across, 1.0
    in_room = np.array([x, y, -math.sqrt(1.0 - across**2)])
    return Gaze(*_direction(turn.T @ in_room), *_direction(in_room))


def rotation(pose: HeadPose) -> NDArray[np.float64]:
    """The rotation matrix ``(3, 3)`` of a pose, in OpenCV's axes: the inverse of its angles."""
    yaw, pitch, roll = (
        math.radians(angle) for angle in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    )
    a, b = math.cos(yaw), math.sin(yaw)
    c, d = math.cos(pitch), math.sin(pitch)
    e, f = math.cos(roll), math.sin(roll)
    across = np.array([[a, 0.0, -b], [0.0, 1.0, 0.0], [b, 0.0, a]])
    up = np.array([[1.0, 0.0, 0.0], [0.0, c, d], [0.0, -d, c]])
    about = np.array([[e, -f, 0.0], [f, e, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(across @ up @ about, np.float64)


def _direction(look: NDArray[np.float64]) -> tuple[float, float]:
    """Yaw and pitch, degrees, of a direction in OpenCV's axes; 0 towards the viewer."""
    x, y, z = look.tolist()
    return math.degrees(math.atan2(x, -z)), math.degrees(math.asin(min(1.0, max(-1.0, -y))))
