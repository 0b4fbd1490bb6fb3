"""Detection on a smaller copy of a large picture, with the results mapped back."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box, Detection, Point

RawFace = tuple[tuple[float, float, float, float], float, tuple[Point, ...]]
"""``(x, y, w, h)``, score and landmarks, in pixels of the scaled picture."""


def shrink(image: NDArray[np.uint8], longest_px: int) -> tuple[NDArray[np.uint8], float]:
    """``image`` with its longer side at most ``longest_px``, and the factor it was scaled by.

    Pictures are never enlarged, which would add no detail.
    """
    height, width = image.shape[:2]
    scale = min(1.0, longest_px / max(height, width))
    if scale == 1.0:
        return image, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale


def map_back(faces: Iterable[RawFace], scale: float, width: int, height: int) -> list[Detection]:
    """Detections in pixels of the ``width`` x ``height`` original, clipped to it, largest first."""
    found = []
    for (x, y, w, h), score, landmarks in faces:
        box = Box.clipped(x / scale, y / scale, w / scale, h / scale, width, height)
        if box is not None:
            points = tuple((px / scale, py / scale) for px, py in landmarks)
            found.append(Detection(box=box, score=min(1.0, max(0.0, score)), landmarks=points))
    return sorted(found, key=lambda face: face.box.area, reverse=True)
