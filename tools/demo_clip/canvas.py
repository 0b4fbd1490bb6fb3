"""Soft shapes on a grid: what the face is drawn with.

Everything is in *units*: the origin lies between the eyes, x goes right, y goes down, and 1 is
about half the width of the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
"""``(height, width)``: masks 0..1, heights in units; or ``(height, width, 3)``: BGR 0..1."""

Points = Sequence[tuple[float, float]] | NDArray[np.float64]

_SHIFT = 4


class Canvas:
    """A grid from ``(left, top)`` on, ``width`` times ``height`` units, with ``scale`` pixels a
    unit."""

    def __init__(self, left: float, top: float, width: float, height: float, scale: float) -> None:
        self.left, self.top, self.scale = left, top, scale
        self.size = round(width * scale), round(height * scale)
        across = left + (np.arange(self.size[0], dtype=np.float32) + 0.5) / scale
        down = top + (np.arange(self.size[1], dtype=np.float32) + 0.5) / scale
        self.x, self.y = np.meshgrid(across, down)

    def blur(self, field: Field, sigma: float) -> Field:
        """Blurred by ``sigma`` units."""
        pixels = sigma * self.scale
        return np.asarray(cv2.GaussianBlur(field, (0, 0), pixels) if pixels > 0.2 else field)

    def filled(self, points: Points, soft: float = 0.0) -> Field:
        """The inside of a closed line."""
        mask = np.zeros(self.size[::-1], np.uint8)
        cv2.fillPoly(mask, [self._fine(points)], 255, cv2.LINE_AA, _SHIFT)
        return self.blur(mask.astype(np.float32) / 255.0, soft)

    def stroke(self, points: Points, width: float, soft: float = 0.0) -> Field:
        """An open line ``width`` units wide; blurred, it keeps 1 as its greatest value."""
        mask = np.zeros(self.size[::-1], np.uint8)
        pixels = max(1, round(width * self.scale))
        cv2.polylines(mask, [self._fine(points)], False, 255, pixels, cv2.LINE_AA, _SHIFT)
        line = self.blur(mask.astype(np.float32) / 255.0, soft)
        return np.asarray(line / max(float(line.max()), 1e-6), np.float32)

    def bump(self, x: float, y: float, across: float, down: float, angle_deg: float = 0.0) -> Field:
        """A Gaussian hill of height 1."""
        reach = 3.5 * max(across, down)
        left = int((x - self.left - reach) * self.scale)
        top = int((y - self.top - reach) * self.scale)
        size = int(2.0 * reach * self.scale) + 1
        rows = slice(max(0, top), max(0, top + size))
        columns = slice(max(0, left), max(0, left + size))
        angle = np.radians(angle_deg)
        dx, dy = self.x[rows, columns] - x, self.y[rows, columns] - y
        u = (dx * np.cos(angle) + dy * np.sin(angle)) / across
        v = (dy * np.cos(angle) - dx * np.sin(angle)) / down
        hill = np.zeros(self.size[::-1], np.float32)
        hill[rows, columns] = np.exp(-0.5 * (u * u + v * v))
        return hill

    def _fine(self, points: Points) -> NDArray[np.int32]:
        pixels = (np.asarray(points) - (self.left, self.top)) * self.scale - 0.5
        return np.asarray(np.round(pixels * 2**_SHIFT), np.int32)


def smooth(points: Points, count: int = 48) -> NDArray[np.float64]:
    """A curve through all points (Catmull and Rom, 1974)."""
    known = np.asarray(points, np.float64)
    padded = np.vstack([2 * known[0] - known[1], known, 2 * known[-1] - known[-2]])
    steps = np.linspace(0.0, len(known) - 1, count)
    at = np.minimum(steps.astype(int), len(known) - 2)
    t = (steps - at)[:, None]
    a, b, c, d = (padded[at + i] for i in range(4))
    bend = 2 * a - 5 * b + 4 * c - d
    twist = 3 * b - a - 3 * c + d
    return np.asarray(0.5 * (2 * b + (c - a) * t + bend * t**2 + twist * t**3))


def parabola(
    start: tuple[float, float],
    middle: tuple[float, float],
    end: tuple[float, float],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The places of ``share``, 0..1, on an arc through three points."""
    a, b, c = (np.asarray(point) for point in (start, middle, end))
    t = share[:, None]
    return np.asarray(a * (1 - t) * (1 - 2 * t) + 4 * b * t * (1 - t) + c * t * (2 * t - 1))


def mirrored(points: Points) -> NDArray[np.float64]:
    """The same on the other side of the face."""
    return np.asarray(points, np.float64) * (-1.0, 1.0)


def mixed(under: Field, over: Field | Sequence[float], mask: Field) -> Field:
    """``over``, a picture or a colour, on ``under`` where ``mask`` is."""
    x, y, width, height = cv2.boundingRect((mask > 1 / 1024).astype(np.uint8))
    there = slice(y, y + height), slice(x, x + width)
    over = np.asarray(over, np.float32)
    picture = under.astype(np.float32)
    picture[there] += ((over[there] if over.ndim == 3 else over) - under[there]) * mask[there][
        ..., None
    ]
    return picture


def ramp(field: Field, low: float, high: float) -> Field:
    """0 up to ``low``, 1 from ``high`` on, soft between."""
    t = np.clip((field - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)
