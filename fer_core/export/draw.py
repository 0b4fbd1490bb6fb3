"""Draws results into pictures."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.labels import Color, color_of
from fer_core.schema import Face, FrameResult, HeadPose, Point
from fer_core.schema.certainty import rival

FONT = cv2.FONT_HERSHEY_SIMPLEX

PARTS = (
    (range(17), False),  # jaw
    (range(17, 22), False),  # brows
    (range(22, 27), False),
    (range(27, 31), False),  # bridge of the nose
    (range(31, 36), False),  # base of the nose
    (range(36, 42), True),  # eyes
    (range(42, 48), True),
    (range(48, 60), True),  # lips, outside and inside
    (range(60, 68), True),
)
"""The lines through iBUG's 68 points, and whether each is closed."""

POINTS = Color(70, 240, 220)
"""The colour of landmarks: a light turquoise that no skin, lip, hair or expression has."""

MOST_TITLES = 20
"""With more faces, the labels are only numbers, because longer ones would cover the faces."""

Corners = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""

AXES = (Color(230, 60, 60), Color(60, 180, 75), Color(70, 110, 255))
"""The colours of the head's axes: to its left, up, and forward."""


def annotate(
    bgr: NDArray[np.uint8], result: FrameResult, landmarks: bool = False, pose: bool = False
) -> NDArray[np.uint8]:
    """A copy of the picture with a box and a label for each face.

    With ``landmarks``, also its points: 68 points as thin lines along the parts of the face, fewer
    as dots. With ``pose``, the head pose as three axes from the tip of the nose.

    ``bgr`` is ``(height, width, 3)`` uint8. Its size may differ from that of the analysed picture,
    because a camera may change its size between two frames; the drawing is scaled.
    """
    canvas = bgr.copy()
    height, width = canvas.shape[:2]
    scale_x, scale_y = width / result.width, height / result.height
    # The line width scales from a thumbnail to a 24-megapixel photo.
    line = max(2, round(max(width, height) / 320))
    boxes = [_scaled(face, scale_x, scale_y) for face in result.faces]
    # Small faces last, so that their labels are on top.
    for number, face in reversed(list(enumerate(result.faces, start=1))):
        scaled = [(x * scale_x, y * scale_y) for x, y in face.landmarks]
        if landmarks:
            _points(canvas, scaled, line)
        if pose and face.pose and len(scaled) == 68:
            _axes(canvas, face.pose, scaled[30], 0.5 * face.box.w * scale_x, line)
        color = color_of(face.dominant, face.labels)
        left, top, right, bottom = boxes[number - 1]
        cv2.rectangle(canvas, (left, top), (right, bottom), color.as_bgr(), line)
        title = _title(face, number, len(result.faces))
        _label(canvas, title, boxes[number - 1], boxes, line, color)
    return canvas


def face_name(face: Face, number: int) -> str:
    """``Face 2``: the ``track_id`` in a stream, ``number`` in a picture."""
    return f"Face {face.track_id if face.track_id is not None else number}"


def _title(face: Face, number: int, count: int) -> str:
    other = rival(face.labels, face.probabilities, face.dominant)
    dominant = _drawable(face.dominant, face.labels)
    text = f"{dominant} {face.confidence:.0%}"
    if other is not None:
        text = f"between {dominant} and {_drawable(other, face.labels)}"
    who = face_name(face, number).removeprefix("Face ")
    return text if count == 1 else who if count > MOST_TITLES else f"{who}: {text}"


def _drawable(label: str, labels: Sequence[str]) -> str:
    """The label in ASCII, as OpenCV's fonts have nothing else.

    A user's own class loses its accents. In another script it becomes ``class 2``: its place among
    the ``labels``, from 1.
    """
    letters = unicodedata.normalize("NFKD", label)
    text = "".join(each for each in letters if not unicodedata.combining(each))
    return text if text.isascii() and text.isprintable() else f"class {labels.index(label) + 1}"


def _scaled(face: Face, scale_x: float, scale_y: float) -> Corners:
    return (
        round(face.box.x * scale_x),
        round(face.box.y * scale_y),
        round((face.box.x + face.box.w) * scale_x) - 1,
        round((face.box.y + face.box.h) * scale_y) - 1,
    )


def _points(canvas: NDArray[np.uint8], points: Sequence[Point], line: int) -> None:
    color = POINTS.as_bgr()
    if len(points) != 68:
        for x, y in points:
            cv2.circle(canvas, (round(x), round(y)), line, color, cv2.FILLED, cv2.LINE_AA)
        return
    for numbers, closed in PARTS:
        _line(canvas, [points[number] for number in numbers], color, max(1, line // 2), closed)


def _axes(canvas: NDArray[np.uint8], pose: HeadPose, nose: Point, length: float, line: int) -> None:
    yaw, pitch, roll = (math.radians(a) for a in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    # The columns of R_yaw R_pitch R_roll (see geometry.py), without their depth.
    aside = math.sin(yaw) * math.sin(pitch)
    left = (
        math.cos(yaw) * math.cos(roll) + aside * math.sin(roll),
        math.cos(pitch) * math.sin(roll),
    )
    up = (
        math.cos(yaw) * math.sin(roll) - aside * math.cos(roll),
        -math.cos(pitch) * math.cos(roll),
    )
    ahead = (math.sin(yaw) * math.cos(pitch), -math.sin(pitch))
    for (across, down), color in zip((left, up, ahead), AXES, strict=True):
        end = nose[0] + length * across, nose[1] + length * down
        _line(canvas, [nose, end], color.as_bgr(), line)


def _line(
    canvas: NDArray[np.uint8],
    points: Sequence[Point],
    color: tuple[int, int, int],
    width: int,
    closed: bool = False,
) -> None:
    """Draw a line through points with subpixel precision."""
    fine = np.round(np.array(points) * 16.0).astype(np.int32)
    cv2.polylines(canvas, [fine], closed, color, width, cv2.LINE_AA, shift=4)


def _label(
    canvas: NDArray[np.uint8],
    title: str,
    box: Corners,
    boxes: Sequence[Corners],
    line: int,
    color: Color,
) -> None:
    """Draw a filled label above the box, below it or inside, where it covers least of all faces."""
    size = 0.25 * (line + 0.2)
    weight = max(1, line // 2)
    (text_w, text_h), descent = cv2.getTextSize(title, FONT, size, weight)
    pad = line + 2
    tag_w, tag_h = text_w + 2 * pad, text_h + descent + 2 * pad
    left, top, _, bottom = box
    x = max(0, min(left, canvas.shape[1] - tag_w))
    inside_picture = [
        y for y in (top - tag_h, bottom + 1, top) if 0 <= y <= canvas.shape[0] - tag_h
    ] or [max(0, top)]
    y = min(inside_picture, key=lambda y: _covered((x, y, x + tag_w, y + tag_h), boxes))
    cv2.rectangle(canvas, (x, y), (x + tag_w, y + tag_h), color.as_bgr(), cv2.FILLED)
    origin = (x + pad, y + pad + text_h)
    cv2.putText(canvas, title, origin, FONT, size, color.ink().as_bgr(), weight, cv2.LINE_AA)


def _covered(tag: Corners, boxes: Sequence[Corners]) -> int:
    """How many pixels of the boxes a tag covers."""
    left, top, right, bottom = tag
    return sum(
        max(0, min(right, box[2]) - max(left, box[0]))
        * max(0, min(bottom, box[3]) - max(top, box[1]))
        for box in boxes
    )
