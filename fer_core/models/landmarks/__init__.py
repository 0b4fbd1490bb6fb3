"""Facial landmarks: the second of the three steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box

MIN_PRESENCE = 0.6
"""A box with less presence than this contains no face; see also ``least_presence``.

On the validation part 99.9 % of the faces reach it, as do 1.8 % of the crops without a face, half
of which are false alarms of Haar (models/face.md).
"""


def least_presence(detector: object) -> float:
    """The presence from which on a box of this detector is a face: its attribute of that name, if
    it has one, because its false alarms are many; else ``MIN_PRESENCE``."""
    return float(getattr(detector, "least_presence", MIN_PRESENCE))


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The points of one face, and how it moves.

    ``points``: ``(68, 2)`` float32, x and y in pixels of the picture, in the order of iBUG (Sagonas
    et al. 2013): jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67, each from the left of
    the picture to its right; they may lie outside the picture. ``presence``: how certain it is that
    this is a face, 0..1.

    ``movements``: ``(52,)`` float32, 0..1, in the order of ``action_units.MOVEMENTS``; ``irises``:
    ``(2, 2)`` float32, the centres of the person's right and left iris in pixels. None from a
    network that measures neither.
    """

    points: NDArray[np.float32]
    presence: float
    movements: NDArray[np.float32] | None = None
    irises: NDArray[np.float32] | None = None


class LandmarkModel(Protocol):
    """Anything that finds the 68 points. One instance may be used from several threads at once."""

    name: str

    def locate(self, bgr: NDArray[np.uint8], boxes: Sequence[Box]) -> list[Landmarks]:
        """The points in each box of a picture ``(height, width, 3)`` uint8, BGR, in one batch.

        A box comes from a detector, or is ``face_box`` of the points in the previous frame; it may
        extend beyond the picture.
        """
        ...
