"""A face found in a picture, before its expression is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box, Point


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A detected face. ``box`` may extend beyond the picture if the face was tracked by its points.

    ``score`` is the detector's. ``points``, ``(68, 2)``, and ``presence`` are those of
    ``fer_core.models.landmarks.Landmarks``, and None without a landmark network; ``marks`` are the
    detector's own points.
    """

    box: Box
    score: float = 1.0
    points: NDArray[np.floating] | None = None
    presence: float | None = None
    marks: tuple[Point, ...] = ()

    @property
    def size_px(self) -> float:
        """The geometric mean of the box's sides."""
        return math.sqrt(self.box.area)

    def rescaled(self, across: float, down: float) -> DetectedFace:
        """The same face in a picture scaled by these factors."""
        box = Box(
            round(self.box.x * across),
            round(self.box.y * down),
            max(1, round(self.box.w * across)),
            max(1, round(self.box.h * down)),
        )
        points = None if self.points is None else self.points * (across, down)
        return replace(self, box=box, points=points)


def as_landmarks(points: NDArray[np.floating]) -> tuple[Point, ...]:
    """Points ``(n, 2)`` in the form of ``Face.landmarks``, rounded to hundredths of a pixel."""
    rows = np.asarray(points, np.float64).round(2).tolist()
    return tuple((x, y) for x, y in rows)
