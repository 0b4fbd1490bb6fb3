"""Detects a covered mouth, as by a mask, and covered eyes, as by dark glasses."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box

_PATCH_PX, _PATCH_SIDES = 160, 1.6
"""The side of the examined square in pixels, and relative to the longer edge of the box."""

_LOWER = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 33]
_UPPER = [*range(17, 27), 36, 39, 42, 45, 29]
_LIPS = range(48, 60)
_LIPS_GROWN = 1.25

_MOUTH_WEIGHTS = np.array(
    [-0.002, -0.1437, 0.1, 0.937, -0.825, -1.907, -0.3676, 1.5659, 0.1761, 0.3082]
)
_MOUTH_BIAS = -1.024
"""Weights of a logistic regression on the measures of ``_lower_face``."""

_SMALLEST_EYES_PX = 30
"""The smallest longer edge of a box for covered eyes: in smaller faces, eyes have no detail."""

_BAND_PX = 64, 48
_EYE_AT = (18, 18), (46, 18)
"""The size of the band that is examined for covered eyes, and the position of the eyes in it."""

_BESIDE_EYES = np.ones(_BAND_PX[::-1], np.bool_)
_BESIDE_EYES[8:28, 5:59] = False

_EYES_WEIGHTS = np.array(
    [-0.16, -0.82, -6.54, -4.95, -0.87, 1.38, 2.12, 1.72, 23.79, 11.66, 3.53, 4.18, -1.72, -2.11]
)
_EYES_BIAS = -38.44
"""Weights of a logistic regression on the measures of ``_eyes``."""


class Cover(NamedTuple):
    """The probability that mouth and eyes are covered, 0..1; None if the face is too small."""

    mouth: float | None = None
    eyes: float | None = None


def covered(bgr: NDArray[np.uint8], box: Box, points: NDArray[np.floating]) -> Cover:
    """The probabilities that parts of a face are covered.

    ``bgr`` is the picture, ``(height, width, 3)`` uint8; ``points`` are the face's 68 points
    ``(68, 2)`` in pixels. This takes a millisecond.
    """
    patch, places = _patch(bgr, box, points)
    mouth = _probability(_lower_face(patch, places), _MOUTH_WEIGHTS, _MOUTH_BIAS)
    if max(box.w, box.h) < _SMALLEST_EYES_PX:
        return Cover(mouth)
    return Cover(mouth, _probability(_eyes(patch, places), _EYES_WEIGHTS, _EYES_BIAS))


def _probability(
    measured: NDArray[np.float64] | None, weights: NDArray[np.float64], bias: float
) -> float | None:
    if measured is None:
        return None
    return float(1.0 / (1.0 + np.exp(-np.clip(measured @ weights + bias, -50.0, 50.0))))


def _patch(
    bgr: NDArray[np.uint8], box: Box, points: NDArray[np.floating]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The square around a face, ``_PATCH_PX`` wide, and its points in it."""
    side = max(1, round(_PATCH_SIDES * max(box.w, box.h)))
    left, top = box.x + (box.w - side) // 2, box.y + (box.h - side) // 2
    height, width = bgr.shape[:2]
    inside = bgr[max(0, top) : min(height, top + side), max(0, left) : min(width, left + side)]
    beyond = max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width)
    whole = cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE)
    way = cv2.INTER_AREA if side > _PATCH_PX else cv2.INTER_LINEAR
    patch = np.asarray(cv2.resize(whole, (_PATCH_PX, _PATCH_PX), interpolation=way), np.uint8)
    return patch, (np.asarray(points, np.float64) - (left, top)) * (_PATCH_PX / side)


def _lower_face(
    patch: NDArray[np.uint8], points: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Ten measures of the lower face relative to the upper one: colour, light, and edges.

    A mask differs in colour from the skin above it, is evenly lit, and has no lips.
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
    """The pixels inside the convex hull of these points, enlarged about their mean."""
    middle = points.mean(axis=0)
    hull = cv2.convexHull(((points - middle) * grown + middle).astype(np.float32))
    mask = np.zeros((_PATCH_PX, _PATCH_PX), np.uint8)
    cv2.fillConvexPoly(mask, hull.astype(np.int32), 1)
    return mask > 0


def _eyes(patch: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Seven measures of the eyes relative to the skin around them, preceded by their logarithms.

    Eyes have fine edges, whether open, closed or behind clear glasses; a cover is uniform, and
    often much darker or lighter than the skin.
    """
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    across = right - left
    if np.hypot(*across) < 8.0:
        return None  # the face is in profile
    below = (left + right) / 2.0 + (-across[1], across[0])
    (x, y), (end, _) = _EYE_AT
    there = np.array([(x, y), (end, y), ((x + end) / 2.0, y + end - x)], np.float32)
    here = np.array([left, right, below], np.float32)
    band = cv2.warpAffine(
        patch, cv2.getAffineTransform(here, there), _BAND_PX, borderMode=cv2.BORDER_REPLICATE
    )
    grey = cv2.cvtColor(band, cv2.COLOR_BGR2GRAY).astype(np.float32)
    across_px, down_px = np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0))
    skin = float(np.percentile(grey[_BESIDE_EYES], 70))
    measured = np.zeros(7)
    for at, _ in _EYE_AT:
        eye, around = grey[12:25, at - 9 : at + 10], grey[8:28, at - 13 : at + 14]
        measured += [
            eye.mean(),
            eye.std(),
            across_px[15:22, at - 6 : at + 6].mean(),
            down_px[12:24, at - 8 : at + 9].mean(),
            (eye < 0.45 * skin).mean() * (skin + 10.0),
            (around.sum() - eye.sum()) / (around.size - eye.size),
            down_px[22:30, at - 10 : at + 11].max(axis=0).mean(),
        ]
    beside_skin = measured / (2.0 * (skin + 10.0))
    return np.concatenate([np.log(beside_skin + 0.02), beside_skin])
