"""Square crops of a picture for the networks, and the mapping back to pixels.

Pixel coordinates are OpenCV's: the centre of the first pixel is at 0, its edge at -0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box

LANDMARK_PX = 80
"""Side of the crops that the landmark network takes."""

_CROP_SIDES = 1.2
_CROP_DROP = 0.1
"""The network's square relative to a detector's box, in units of the box's longer edge: its side,
and how far its centre is below the box's. Detectors frame a face from forehead to chin; the 68
points start at the brows, so their centre is lower. On faces68 this leaves a margin of a fifth of
the points' extent on each side, for inaccurate boxes and moving heads."""

_BOX_WIDTH, _BOX_HEIGHT, _BOX_RISE = 0.956, 1.260, 0.160
"""YuNet's box relative to the 68 points: width, height, and how far its centre is above that of the
points, in geometric means of the points' width and height. Medians on the 3,288 faces of faces68
(5 % to 95 %: 0.849 to 1.074, 1.136 to 1.388 and 0.107 to 0.214), of which YuNet finds all; the
horizontal offset is -0.005. The rectangle overlaps YuNet's box by 0.87 (median IoU; 0.77 at 5 %).
The geometric mean changes less than the width when a head turns, and less than the height when a
jaw drops; linear fits with more points were no better."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """An upright rectangle in pixels of a picture: left, top, width, height, as floats."""

    x: float
    y: float
    w: float
    h: float

    def to_box(self) -> Box:
        """In whole pixels, at least 1x1, with the same centre; it may extend beyond the picture.

        The size is rounded separately, so that it does not flicker when only the position changes.
        """
        w, h = max(1, round(self.w)), max(1, round(self.h))
        return Box(round(self.x + (self.w - w) / 2.0), round(self.y + (self.h - h) / 2.0), w, h)


@dataclass(frozen=True, slots=True)
class Square:
    """A square region of a picture, possibly rotated.

    Centre and ``side`` are in pixels of the picture, ``turn`` in radians, clockwise as seen.
    Coordinates in the square are fractions of its side: 0, 0 is its top left corner and 1, 1 the
    bottom right one.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    def to_picture(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """From coordinates in the square ``(..., 2)`` to pixels of the picture."""
        turned = (places - 0.5) * self.side @ _rotation(self.turn).T
        return np.asarray(turned + np.array([self.x, self.y]), np.float32)

    def to_square(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """From pixels of the picture ``(..., 2)`` to coordinates in the square."""
        turned = (points - np.array([self.x, self.y])) @ _rotation(self.turn)
        return np.asarray(turned / self.side + 0.5, np.float32)

    def cut(self, picture: NDArray[np.uint8], px: int) -> NDArray[np.uint8]:
        """The square as a grey picture ``(px, px)`` uint8; ``picture`` is BGR or grey.

        Outside the picture its edge pixels are repeated, as in the analyzer's ``face_crop``.
        """
        grey, left, top = self._around(picture)
        # Large squares are averaged twice, before and after the warp: its time grows with the
        # number of pixels.
        coarser = min(max(round(self.side / (2 * px)), 1), *grey.shape)
        finer = min(max(round(self.side / (px * coarser)), 1), 4)
        coarse = _averaged(grey, coarser)
        step = self.side / (px * finer * coarser)
        across, down = math.cos(self.turn) * step, math.sin(self.turn) * step
        # From the centre of the square to that of the first pixel.
        first = 0.5 - px * finer / 2.0
        x = (self.x - left + 0.5) / coarser - 0.5
        y = (self.y - top + 0.5) / coarser - 0.5
        to_coarse = np.array(
            [
                [across, -down, x + (across - down) * first],
                [down, across, y + (down + across) * first],
            ]
        )
        fine = cv2.warpAffine(
            coarse,
            to_coarse,
            (px * finer, px * finer),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(cv2.resize(fine, (px, px), interpolation=cv2.INTER_AREA), np.uint8)

    def _around(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int, int]:
        """The upright part of a picture that contains the square, grey, and its left and top.

        It is one pixel wider, because the warp interpolates, and has at least one of the picture's
        pixels.
        """
        reach = self.side / 2.0 * (abs(math.cos(self.turn)) + abs(math.sin(self.turn))) + 2.0
        top, bottom = _within(self.y - reach, self.y + reach, picture.shape[0])
        left, right = _within(self.x - reach, self.x + reach, picture.shape[1])
        part = picture[top:bottom, left:right]
        grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY) if part.ndim == 3 else part
        return np.asarray(grey, np.uint8), left, top


def _averaged(grey: NDArray[np.uint8], cell_px: int) -> NDArray[np.uint8]:
    """A smaller picture, each pixel the mean of ``cell_px`` x ``cell_px`` pixels; incomplete cells
    on the right and below are left out."""
    if cell_px == 1:
        return grey
    down, across = grey.shape[0] // cell_px, grey.shape[1] // cell_px
    whole = grey[: down * cell_px, : across * cell_px]
    return np.asarray(cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA), np.uint8)


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    """A range of pixels clipped to a picture; never empty, because outside its edge is repeated."""
    first = min(max(math.floor(low), 0), size - 1)
    return first, min(max(math.ceil(high) + 1, first + 1), size)


def landmark_square(box: Box | Rectangle) -> Square:
    """The landmark network's square for a face in ``box``."""
    longer = max(box.w, box.h)
    return Square(
        box.x + (box.w - 1) / 2.0,
        box.y + (box.h - 1) / 2.0 + _CROP_DROP * longer,
        _CROP_SIDES * longer,
    )


def landmark_crop(bgr: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], Square]:
    """The landmark network's crop for a face in ``box``, and its square to map the points back.

    The crop is ``(LANDMARK_PX, LANDMARK_PX)`` uint8, grey.
    """
    square = landmark_square(box)
    return square.cut(bgr, LANDMARK_PX), square


def face_box(points: NDArray[np.float32]) -> Rectangle:
    """The box that YuNet would give a face with these 68 points ``(68, 2)``, in pixels.

    With it, a tracked face is framed for the expression network like a detected one.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    size = math.sqrt(max(width, 1e-3) * max(height, 1e-3))
    x, y = (low + high) / 2.0 + 0.5
    return Rectangle(
        float(x) - _BOX_WIDTH * size / 2.0,
        float(y) - (_BOX_RISE + _BOX_HEIGHT / 2.0) * size,
        _BOX_WIDTH * size,
        _BOX_HEIGHT * size,
    )


def eye_line(points: NDArray[np.float32]) -> float:
    """The angle of the line through the centres of both eyes, radians, clockwise as seen."""
    across, down = points[42:48].mean(axis=0) - points[36:42].mean(axis=0)
    return math.atan2(float(down), float(across))


def _rotation(turn: float) -> NDArray[np.float64]:
    """The rotation matrix, clockwise as seen, with y pointing down."""
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([[cos, -sin], [sin, cos]])
