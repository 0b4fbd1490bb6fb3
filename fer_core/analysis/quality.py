"""How well a face in a still can be read: its size, sharpness, light, turn, and a covered mouth.

Each limit lies where compact is right 10 points less often than on the faces as they are, measured
by benchmarks/face_quality.py on FER2013's public test with FER+'s majorities.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.detection import DetectedFace
from fer_core.schema import Box, FaceQuality, HeadPose, Problem

SMALLEST_PX = 16
"""Longer edge of the box: 8.3 points less at 16 pixels, 12.8 at 14."""

BLURRED = 0.115
"""Sharpness: 7.1 points less where it is 0.135 in the median (blurred by 1.5 of 48 pixels), 12.9
where it is 0.096 (by 2). Of sharp faces 99 % have more than 0.31."""

DARK = 2.5
"""Contrast, in greys: 8.5 points less at 2.7 (a twentieth of the light, and noise), 20.5 at 1.7."""

GLARING = 0.55
"""Part of the face that is white: 8.9 points less at 0.50, 26 at 0.69."""

TURNED_DEG = 40.0
"""Away from the camera: 9.4 points less at 30 to 40 degrees, 12.2 at 40 to 50."""

UNCLEAR = 0.9
"""Presence: 17 points less between 0.6 and this."""

COVERED = 0.5
"""Of 1,600 faces with and without medical masks, half of which chose the weights, this finds 94 %
of the others with a mask and 3 % of those without; of 600 posed and press faces none. A mask
changes a third of the labels."""

IN_WORDS: dict[Problem, str] = {
    "small": "too small to read well",
    "blurred": "too blurred to read well",
    "dark": "too dark to read well",
    "bright": "too bright to read well",
    "turned": "turned too far to read well",
    "covered": "mouth covered, as by a mask",
    "unclear": "hardly recognised as a face",
}

_PATCH_PX, _PATCH_SIDES = 160, 1.6
"""What the covered mouth is told from: a square, in longer edges of the box, made so large."""

_WHITE = 250

_LOWER = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 33]
_UPPER = [*range(17, 27), 36, 39, 42, 45, 29]
_LIPS = range(48, 60)
_LIPS_GROWN = 1.25

_WEIGHTS = np.array([-0.002, -0.1437, 0.1, 0.937, -0.825, -1.907, -0.3676, 1.5659, 0.1761, 0.3082])
_BIAS = -1.024
"""Of a logistic regression on what ``_lower_face`` measures."""


def face_quality(
    bgr: NDArray[np.uint8], seen: DetectedFace, crop: NDArray[np.uint8], pose: HeadPose | None
) -> FaceQuality:
    """How well a face can be read in the picture ``(height, width, 3)`` uint8 that it was seen in.

    ``crop`` is what the expression network sees of it, grey.
    """
    size_px = max(seen.box.w, seen.box.h)
    sharpness, contrast, glare = _sharpness(crop), float(crop.std()), _glare(crop)
    turn_deg = None if pose is None else _away_deg(pose)
    covered = None if seen.points is None else _mouth_covered(bgr, seen.box, seen.points)
    found: dict[Problem, bool] = {
        "small": size_px < SMALLEST_PX,
        "blurred": sharpness < BLURRED,
        "dark": contrast < DARK,
        "bright": glare > GLARING,
        "turned": turn_deg is not None and turn_deg > TURNED_DEG,
        "covered": covered is not None and covered > COVERED,
        "unclear": seen.presence is not None and seen.presence < UNCLEAR,
    }
    problems = tuple(problem for problem, there in found.items() if there)
    return FaceQuality(size_px, sharpness, contrast, glare, turn_deg, covered, problems)


def _sharpness(crop: NDArray[np.uint8]) -> float:
    """Deviation of the Laplacian beside that of the greys, at the 48 pixels of FER2013."""
    small = cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)
    edges = cv2.Laplacian(small, cv2.CV_32F)[2:-2, 2:-2]
    return float(edges.std() / (small.std() + 1.0))


def _glare(crop: NDArray[np.uint8]) -> float:
    return float((crop >= _WHITE).mean())


def _away_deg(pose: HeadPose) -> float:
    """The angle between the line of sight and where the nose points."""
    ahead = math.cos(math.radians(pose.yaw_deg)) * math.cos(math.radians(pose.pitch_deg))
    return math.degrees(math.acos(ahead))


def _mouth_covered(bgr: NDArray[np.uint8], box: Box, points: NDArray[np.floating]) -> float | None:
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
