"""A face found in a picture, before its expression is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box, Point


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """Where a face is. ``box`` may leave the picture if the face was followed from its points.

    ``score`` is the detector's. ``points``, ``(68, 2)``, and ``presence`` are those of
    ``fer_core.models.landmarks.Landmarks``, and None where no landmark network looked; ``marks``
    are the points that the detector gave.
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
        """The same in a picture of another size: these factors times the last one's."""
        box = Box(
            round(self.box.x * across),
            round(self.box.y * down),
            max(1, round(self.box.w * across)),
            max(1, round(self.box.h * down)),
        )
        points = None if self.points is None else self.points * (across, down)
        return replace(self, box=box, points=points)


def as_landmarks(points: NDArray[np.floating]) -> tuple[Point, ...]:
    """Points ``(n, 2)`` as ``Face.landmarks``, to the hundredth of a pixel."""
    rows = np.asarray(points, np.float64).round(2).tolist()
    return tuple((x, y) for x, y in rows)
