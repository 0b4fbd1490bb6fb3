"""Pictures with the faces marked: drawing reads results and knows nothing of inference."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.labels import Color, color_of
from fer_core.schema import Face, FrameResult

INK = Color(20, 20, 20)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(bgr: NDArray[np.uint8], result: FrameResult) -> NDArray[np.uint8]:
    """A copy of the picture with a box, a label and the landmarks of each face.

    ``bgr`` is ``(height, width, 3)`` uint8. It may have another size than the picture the result
    was made from (a camera may change its size between two frames): the marks are scaled to it.
    """
    canvas = bgr.copy()
    height, width = canvas.shape[:2]
    scale_x, scale_y = width / result.width, height / result.height
    # A line width that looks the same on a thumbnail and on a 24-megapixel photo.
    line = max(2, round(max(width, height) / 320))
    # Small faces last, so that their labels lie on top.
    for number, face in reversed(list(enumerate(result.faces, start=1))):
        _mark(canvas, face, _title(face, number, len(result.faces)), scale_x, scale_y, line)
    return canvas


def face_name(face: Face, number: int) -> str:
    """``Face 2``: by track in a stream, by position in the list in a picture."""
    return f"Face {face.track_id if face.track_id is not None else number}"


def _title(face: Face, number: int, count: int) -> str:
    text = f"{face.dominant} {face.confidence:.0%}"
    return text if count == 1 else f"{face_name(face, number).removeprefix('Face ')}: {text}"


def _mark(
    canvas: NDArray[np.uint8], face: Face, title: str, scale_x: float, scale_y: float, line: int
) -> None:
    color = color_of(face.dominant, face.labels).as_bgr()
    left, top = round(face.box.x * scale_x), round(face.box.y * scale_y)
    right = round((face.box.x + face.box.w) * scale_x) - 1
    bottom = round((face.box.y + face.box.h) * scale_y) - 1
    cv2.rectangle(canvas, (left, top), (right, bottom), color, line)
    points = ((x * scale_x, y * scale_y) for x, y in face.landmarks)
    _dots(canvas, points, radius=line, color=color)
    _label(canvas, title, left, top, line, color)


def _dots(
    canvas: NDArray[np.uint8],
    points: Iterable[tuple[float, float]],
    radius: int,
    color: tuple[int, int, int],
) -> None:
    for x, y in points:
        cv2.circle(canvas, (round(x), round(y)), radius, color, cv2.FILLED, cv2.LINE_AA)


def _label(
    canvas: NDArray[np.uint8],
    title: str,
    left: int,
    top: int,
    line: int,
    color: tuple[int, int, int],
) -> None:
    """A filled tag above the box, or inside it where there is no room above."""
    size = 0.25 * (line + 0.2)
    weight = max(1, line // 2)
    (text_w, text_h), descent = cv2.getTextSize(title, FONT, size, weight)
    pad = line + 2
    tag_h = text_h + descent + 2 * pad
    x = max(0, min(left, canvas.shape[1] - text_w - 2 * pad))
    y = top - tag_h if top >= tag_h else top
    cv2.rectangle(canvas, (x, y), (x + text_w + 2 * pad, y + tag_h), color, cv2.FILLED)
    origin = (x + pad, y + pad + text_h)
    cv2.putText(canvas, title, origin, FONT, size, INK.as_bgr(), weight, cv2.LINE_AA)
