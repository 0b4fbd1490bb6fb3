"""Measures how well a face can be read: its size, sharpness, light, turn, and coverings.

At each limit the accuracy of compact is about 10 points lower than on unchanged faces, measured by
benchmarks/face_quality.py on FER2013's public test with FER+'s majorities. The drops below are
in points of accuracy.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.cover import Cover, covered
from fer_core.analysis.detection import DetectedFace
from fer_core.schema import FaceQuality, HeadPose, Problem
from fer_core.schema.quality import in_order
from fer_core.wording import count_of

SMALLEST_PX = 16
"""The limit of the box's longer edge: a drop of 9.8 at 16 pixels, 14.8 at 14."""

BLURRED = 0.115
"""The limit of sharpness: a drop of 6.5 at a median of 0.13 (blurred by 1.5 of 48 pixels), 14.9 at
0.10 (by 2). 99 % of sharp faces have more than 0.31."""

DARK = 2.5
"""The limit of contrast in grey levels: a drop of 6.4 at 2.7 (a twentieth of the light, with
noise), 17.5 at 1.7."""

GLARING = 0.5
"""The limit of the white part of the face: a drop of 13.8 at a median of 0.56, 33 at 0.75."""

TURNED_DEG = 35.0
"""The limit of the turn away from the camera: a drop of 2.5 at 20 to 30 degrees, 10.5 at 30 to 40
(183 faces), 8.9 above (58 faces, accurate to a few points)."""

UNCLEAR = 0.99
"""The limit of presence: a drop of 11.7 between 0.6 and this (95 faces). The network is sure of
nearly everything: 92 % of the faces have more than 0.9995."""

COVERED = 0.5
"""The limit of the probability that mouth or eyes are covered.

Mouths: the weights were fitted on half of 1,600 faces with and without medical masks. In the other
half, 94 % of the faces with a mask and 3 % of those without are above the limit; of 600 posed and
press faces, none is. A mask changes a third of the labels.

Eyes (benchmarks/covered_eyes.py): the weights were fitted on half of the people, with drawn covers
(dark and mirrored glasses, bars, coarse pixels, hands, arms). In the other half, 80 % of the faces
with covered eyes are above the limit, and 1.4 % of the others: 2.9 % of those with drawn clear
glasses and about 1 % of the rest, some of whom wear real dark glasses. Of 20 faces with real dark
glasses, 17 are."""

MIN_SHARPNESS_FOR_EYES = 0.25
"""The sharpness from which covered eyes are detected: in a blurred face, eyes are as uniform as a
cover. A fifth of the faces blurred by 1.4 of 48 pixels would be detected as covered."""

IN_WORDS: dict[Problem, str] = {
    "small": "too small to read well",
    "blurred": "too blurred to read well",
    "dark": "too dark to read well",
    "bright": "too bright to read well",
    "turned": "turned too far to read well",
    "mouth_covered": "mouth covered, as by a mask",
    "eyes_covered": "eyes covered, as by dark glasses",
    "unclear": "hardly recognised as a face",
}

_WHITE = 250


def face_quality(
    bgr: NDArray[np.uint8], seen: DetectedFace, crop: NDArray[np.uint8], pose: HeadPose | None
) -> FaceQuality:
    """The quality of a face that was detected in the picture ``bgr``, ``(height, width, 3)`` uint8.

    ``crop`` is the grey input of the expression network.
    """
    cover = Cover() if seen.points is None else covered(bgr, seen.box, seen.points)
    return quality_of(seen, crop, pose, cover)


def quality_of(
    seen: DetectedFace, crop: NDArray[np.uint8], pose: HeadPose | None, cover: Cover
) -> FaceQuality:
    """``face_quality`` with given probabilities of a covered mouth and covered eyes."""
    size_px = max(seen.box.w, seen.box.h)
    sharpness, contrast, glare = _sharpness(crop), _deviation(crop), _glare(crop)
    turn_deg = None if pose is None else _away_deg(pose)
    eyes = cover.eyes if sharpness >= MIN_SHARPNESS_FOR_EYES else None
    found: dict[Problem, bool] = {
        "small": size_px < SMALLEST_PX,
        "blurred": sharpness < BLURRED,
        "dark": contrast < DARK,
        "bright": glare > GLARING,
        "turned": turn_deg is not None and turn_deg > TURNED_DEG,
        "mouth_covered": cover.mouth is not None and cover.mouth > COVERED,
        "eyes_covered": eyes is not None and eyes > COVERED,
        "unclear": seen.presence is not None and seen.presence < UNCLEAR,
    }
    problems = in_order(problem for problem, there in found.items() if there)
    return FaceQuality(size_px, sharpness, contrast, glare, turn_deg, cover.mouth, eyes, problems)


def left_out(count: int) -> str:
    """A sentence on the number of faces that a filter removed."""
    return f"Left out: {count_of(count, 'face')} that cannot be read well."


def _sharpness(crop: NDArray[np.uint8]) -> float:
    """The deviation of the Laplacian over that of the grey values, at the 48 pixels of FER2013."""
    small = cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)
    edges = cv2.Laplacian(small, cv2.CV_32F)[2:-2, 2:-2]
    return _deviation(edges) / (_deviation(small) + 1.0)


def _deviation(values: NDArray[Any]) -> float:
    """The standard deviation, like ``values.std()`` in a fifth of the time."""
    return float(cv2.meanStdDev(values)[1][0, 0])


def _glare(crop: NDArray[np.uint8]) -> float:
    return float(np.count_nonzero(crop >= _WHITE) / crop.size)


def _away_deg(pose: HeadPose) -> float:
    """The angle between the line of sight and the direction of the nose."""
    ahead = math.cos(math.radians(pose.yaw_deg)) * math.cos(math.radians(pose.pitch_deg))
    return math.degrees(math.acos(ahead))
