"""Whether something covers a part of a face: its mouth, as a medical mask does."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box

_PATCH_PX, _PATCH_SIDES = 160, 1.6
"""What the covered mouth is told from: a square, in longer edges of the box, made so large."""

_LOWER = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 33]
_UPPER = [*range(17, 27), 36, 39, 42, 45, 29]
_LIPS = range(48, 60)
_LIPS_GROWN = 1.25

_WEIGHTS = np.array([-0.002, -0.1437, 0.1, 0.937, -0.825, -1.907, -0.3676, 1.5659, 0.1761, 0.3082])
_BIAS = -1.024
"""Of a logistic regression on what ``_lower_face`` measures."""


def mouth_covered(bgr: NDArray[np.uint8], box: Box, points: NDArray[np.floating]) -> float | None:
    """How surely something covers the mouth, 0..1; None of a face too small to tell."""
    side = max(1, round(_PATCH_SIDES * max(box.w, box.h)))
    left, top = box.x + (box.w - side) // 2, box.y + (box.h - side) // 2
    height, width = bgr.shape[:2]
    inside = bgr[max(0, top) : min(height, top + side), max(0, left) : min(width, left + side)]
    beyond = max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width)
    whole = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE)
    way = cv2.INTER_AREA if side > _PATCH_PX else cv2.INTER_LINEAR
    patch = np.asarray(cv2.resize(whole, (_PATCH_PX, _PATCH_PX), interpolation=way), np.uint8)
    places = (np.asarray(points, np.float64) - (left, top)) * (_PATCH_PX / side)
    measured = _lower_face(patch, places)
    if measured is None:
        return None
    return float(1.0 / (1.0 + math.exp(-(measured @ _WEIGHTS + _BIAS))))


def _lower_face(
    patch: NDArray[np.uint8], points: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Ten numbers about the lower face beside the upper one: colour, light, and edges.

    A mask has another colour than the skin above it, is evenly lit, and has no lips.
    """
    lips = _region(points[_LIPS.start : _LIPS.stop], _LIPS_GROWN)
    lower, upper = _region(points[_LOWER]), _region(points[_UPPER])
    around = lower & ~lips
    if min(region.sum() for region in (lips, lower, upper, around)) < 5:
        return None
    _, green_red, blue_yellow = cv2.split(cv2.cvtColor(patch, cv2.COLOR_BGR2LAB).astype(np.float32))
    grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.float32)
    edges = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    spread = float(grey[upper].std()) + 1.0
    yellower = float(blue_yellow[lower].mean() - blue_yellow[upper].mean())
    return np.array(
        [
            green_red[lower].mean() - green_red[upper].mean(),
            yellower,
            (grey[lower].mean() - grey[upper].mean()) / spread,
            grey[lower].std() / spread,
            edges[lips].mean() / (edges[upper].mean() + 1.0),
            grey[lips].std() / spread,
            green_red[lips].mean() - green_red[around].mean(),
            (grey[lips].mean() - grey[lower].mean()) / spread,
            green_red[lower].std(),
            abs(yellower),
        ],
        np.float64,
    )


def _region(points: NDArray[np.float64], grown: float = 1.0) -> NDArray[np.bool_]:
    """The pixels inside of the hull of these points, grown about their middle."""
    middle = points.mean(axis=0)
    hull = cv2.convexHull(((points - middle) * grown + middle).astype(np.float32))
    mask = np.zeros((_PATCH_PX, _PATCH_PX), np.uint8)
    cv2.fillConvexPoly(mask, hull.astype(np.int32), 1)
    return mask > 0
