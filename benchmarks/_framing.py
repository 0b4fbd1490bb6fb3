"""Other squares around faces than the one that the pipeline uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.analyzer import face_crop
from fer_core.models.detectors import FaceDetector
from fer_core.schema import Box

JITTER = 0.05
"""The jitter of a detector's box from frame to frame in position and size, relative to its side."""


@dataclass(frozen=True, slots=True)
class Framing:
    """A square ``scale`` times the rule's side, moved down by ``shift`` of the rule's side."""

    scale: float = 1.0
    shift: float = 0.0

    def __str__(self) -> str:
        return f"x {self.scale:.1f}" + (f", {self.shift:+.2f} down" if self.shift else "")


THE_RULE = Framing()


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A face in a picture ``(height, width, 3)`` uint8, BGR, where a detector saw it."""

    bgr: NDArray[np.uint8]
    box: Box


def seen_faces(
    detector: FaceDetector, pictures: Sequence[NDArray[np.uint8]], faces: int = 1
) -> list[SeenFace]:
    """The ``faces`` largest faces of each picture; smaller ones are false alarms here."""
    return [
        SeenFace(bgr, detection.box)
        for bgr in pictures
        for detection in detector.detect(bgr)[:faces]
    ]


def crops(seen: Sequence[SeenFace], framing: Framing) -> NDArray[np.uint8]:
    """The network's view of each face, ``(n, side, side)``: the pipeline's crop of another box."""
    return np.stack([face_crop(each.bgr, reframe_box(each.box, framing)) for each in seen])


def reframe_box(box: Box, framing: Framing) -> Box:
    """The box that makes the pipeline crop with ``framing``; it may extend beyond the picture.

    ``THE_RULE`` leaves the box unchanged, so that the pipeline itself is measured.
    """
    if framing == THE_RULE:
        return box
    edge = max(box.w, box.h)
    side = max(1, round(edge * framing.scale))
    left = round(box.x + (box.w - side) / 2)
    top = round(box.y + (box.h - side) / 2 + framing.shift * edge)
    return Box(left, top, side, side)


def reframe_tile(tile: NDArray[np.uint8], framing: Framing) -> NDArray[np.uint8]:
    """Another square of a square tile, resampled to the tile's size; its edge is repeated."""
    side = len(tile)
    # Pixel centres are at integers, so the centre of the tile is at (side - 1) / 2.
    corner = (side - 1) / 2 * (1 - framing.scale)
    to_tile = np.array(
        [[framing.scale, 0, corner], [0, framing.scale, corner + framing.shift * side]]
    )
    square = cv2.warpAffine(
        tile,
        to_tile,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(square, np.uint8)


def jittered(seen: SeenFace, rng: np.random.Generator) -> SeenFace:
    """The same face with a slightly wrong box."""
    across, down, size = rng.uniform(-JITTER, JITTER, 3)
    box, edge = seen.box, max(seen.box.w, seen.box.h)
    width, height = (max(1, round(length * (1 + size))) for length in (box.w, box.h))
    left = round(box.x + (box.w - width) / 2 + across * edge)
    top = round(box.y + (box.h - height) / 2 + down * edge)
    return SeenFace(seen.bgr, Box(left, top, width, height))


def entropy_bits(shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Shannon's entropy of each row of ``(n, classes)`` shares: 0 where one class has all."""
    positive = np.maximum(shares.astype(np.float64), 1e-12)
    return np.asarray(-(positive * np.log2(positive)).sum(axis=1))


def total_variation(shares: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Half the sum of the absolute differences, mean over rows: 0 for equal, 1 for disjoint."""
    return float(np.abs(shares - others).sum(axis=1).mean() / 2)
