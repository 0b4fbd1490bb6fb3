"""A face found in a picture, before its expression is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.models.landmarks import Landmarks
from fer_core.models.landmarks.gaze import eye_gaze
from fer_core.schema import Box, Gaze, HeadPose, Point
from fer_core.schema.action_units import MOVEMENTS, derive_action_units

BLINKS = [MOVEMENTS.index(f"eyeBlink{side}") for side in ("Left", "Right")]
"""Where the two blinks are in ``movements``."""


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A detected face. ``box`` may extend beyond the picture if the face was tracked by its points.

    ``score`` is the detector's. ``points``, ``(68, 2)``, and ``presence`` are those of
    ``fer_core.models.landmarks.Landmarks``, and None without a landmark network; ``marks`` are the
    detector's own points. ``movements``, ``(52,)``, and ``irises``, ``(2, 2)``, are those of
    ``Landmarks`` too, and None where the network measures neither.
    """

    box: Box
    score: float = 1.0
    points: NDArray[np.floating] | None = None
    presence: float | None = None
    marks: tuple[Point, ...] = ()
    movements: NDArray[np.floating] | None = None
    irises: NDArray[np.floating] | None = None

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
        points, irises = (
            None if places is None else places * (across, down)
            for places in (self.points, self.irises)
        )
        return replace(self, box=box, points=points, irises=irises)


def located_face(box: Box, score: float, there: Landmarks) -> DetectedFace:
    """A face whose landmarks were found in ``box``."""
    return DetectedFace(
        box,
        score,
        there.points,
        there.presence,
        movements=there.movements,
        irises=there.irises,
    )


def gaze_of(face: DetectedFace, pose: HeadPose | None) -> Gaze | None:
    """Where the eyes of a face look whose head points as ``pose`` says; see ``eye_gaze``."""
    blink = blink_of(face)
    if face.points is None or face.irises is None or blink is None:
        return None
    return eye_gaze(face.points, face.irises, pose, blink)


def blink_of(face: DetectedFace) -> float | None:
    """How closed the eyes are, 0..1, the mean of both; None if it was not measured."""
    return None if face.movements is None else float(face.movements[BLINKS].mean())


def moving(movements: NDArray[np.floating] | None) -> dict[str, Any]:
    """The fields of ``Face`` that tell its movements ``(52,)``; none if they were not measured."""
    coefficients = as_coefficients(movements)
    if not coefficients:
        return {}
    units = derive_action_units(dict(zip(MOVEMENTS, coefficients, strict=True)))
    return {"coefficients": coefficients, "action_units": units}


def as_coefficients(movements: NDArray[np.floating] | None) -> tuple[float, ...]:
    """Movements ``(52,)`` in the form of ``Face.coefficients``, rounded to ten-thousandths."""
    if movements is None:
        return ()
    return tuple(np.asarray(movements, np.float64).round(4).tolist())


def as_landmarks(points: NDArray[np.floating]) -> tuple[Point, ...]:
    """Points ``(n, 2)`` in the form of ``Face.landmarks``, rounded to hundredths of a pixel."""
    rows = np.asarray(points, np.float64).round(2).tolist()
    return tuple((x, y) for x, y in rows)
