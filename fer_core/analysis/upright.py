"""Stills that lie on their side or stand on their head.

Neither detectors nor landmarks tell: of a face upside down YuNet finds 95 % and puts the eyes where
the mouth is, and the landmark network draws an upright face over it. But both are surer of a face
that stands upright, and that is how its way up is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.detection import DetectedFace
from fer_core.models.landmarks import LandmarkModel
from fer_core.models.landmarks.crops import Square
from fer_core.schema import Box

ASKED = 3
"""So many faces of a picture, the largest ones, tell whether it may be turned."""

SURER = 0.03
"""By so much, as scores times presences, the faces have to be surer the other way up. Of 752
upright faces without masks one is, and of 298 with masks 4 are; 94 to 99 % of those without masks
are surer by 0.05 upright than in any other turn."""

_PATCH_PX = 160


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """A picture, turned clockwise by ``quarters`` quarter turns, and the faces in it then."""

    quarters: int
    picture: NDArray[np.uint8]
    faces: list[DetectedFace]

    def in_the_original(self) -> list[DetectedFace]:
        """The faces where they are in the picture before it was turned."""
        height, width = self.picture.shape[:2]
        faces = self.faces
        for _ in range(self.quarters):  # back, counterclockwise
            faces = [_turned_back(face, width) for face in faces]
            width, height = height, width
        return faces


Find = Callable[[NDArray[np.uint8]], list[DetectedFace]]


def find_upright(
    bgr: NDArray[np.uint8], search: Find, glance: Find, network: LandmarkModel | None
) -> Upright:
    """The faces of a still by ``search``, in the quarter turn in which ``glance`` is surest.

    The other turns are tried where none is found, or where the largest ones look as if they were
    turned. ``glance`` finds faces sooner than ``search``, and maybe fewer.
    """
    faces = search(bgr)
    if faces and not (network and _looks_turned(bgr, faces, network)):
        return Upright(0, bgr, faces)
    best = as_it_is = Upright(0, bgr, glance(bgr) if faces else [])
    for quarters in (2, 1, 3):
        turned = np.ascontiguousarray(np.rot90(bgr, -quarters))
        other = Upright(quarters, turned, glance(turned))
        if _certainty(other) > _certainty(best) + (SURER if best is as_it_is else 0.0):
            best = other
    return replace(best, faces=search(best.picture) if best.quarters else faces)


def _certainty(picture: Upright) -> float:
    return sum(f.score * (1.0 if f.presence is None else f.presence) for f in picture.faces)


def _looks_turned(
    bgr: NDArray[np.uint8], faces: Sequence[DetectedFace], network: LandmarkModel
) -> bool:
    """Whether the largest faces are more present in another quarter turn; it costs 2 ms a face."""
    patches = [_patch(bgr, face.box) for face in faces[:ASKED]]
    sheet = np.hstack([np.rot90(patch, -turn) for patch in patches for turn in range(4)])
    quarter = _PATCH_PX // 4
    boxes = [
        Box(left + quarter, quarter, 2 * quarter, 2 * quarter)
        for left in range(0, sheet.shape[1], _PATCH_PX)
    ]
    located = network.locate(np.ascontiguousarray(sheet), boxes)
    presence = np.array([each.presence for each in located]).reshape(-1, 4).sum(axis=0)
    return bool(presence.argmax() != 0)


def _patch(bgr: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """A face in the middle of a square of twice its longer edge, ``(_PATCH_PX, _PATCH_PX, 3)``."""
    middle = box.x + (box.w - 1) / 2.0, box.y + (box.h - 1) / 2.0
    grey = Square(*middle, 2.0 * max(box.w, box.h)).cut(bgr, _PATCH_PX)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _turned_back(face: DetectedFace, width: int) -> DetectedFace:
    """A face of a picture so wide in the same picture, turned counterclockwise by a quarter."""
    x, y, w, h = face.box.to_list()
    points = face.points
    if points is not None:
        points = np.stack([points[:, 1], width - 1.0 - points[:, 0]], axis=1)
    marks = tuple((py, width - 1.0 - px) for px, py in face.marks)
    return replace(face, box=Box(y, width - x - w, h, w), points=points, marks=marks)
