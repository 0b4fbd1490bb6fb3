"""Crops without a face, and faces without points, from which presence is learned."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.models.detectors.haar import CASCADE
from fer_core.models.landmarks.crops import LANDMARK_PX, Square, face_box, landmark_square
from fer_core.schema import Box
from fer_core.training.landmarks.augment import frame, spoil

_MIN_SIDE = 16
_ALARM_PX = 24
_MAX_OVERLAP = 0.1
"""Intersection over union with a face's square above which a square is not a negative."""

_ALARM_SHARE = 0.5
"""The share of crops from Haar's false alarms, in a picture that has any."""

_DETECTOR_SHARE = 0.5
"""The share of crops without a face that are false alarms of a detector, if there are any."""


def false_alarms(cascade: cv2.CascadeClassifier, grey: NDArray[np.uint8]) -> list[Square]:
    """The squares of Haar's detections, even weak ones, in a picture ``(height, width)``."""
    boxes = cascade.detectMultiScale(
        cv2.equalizeHist(grey), scaleFactor=1.1, minNeighbors=0, minSize=(_ALARM_PX, _ALARM_PX)
    )
    return [landmark_square(Box(*(int(value) for value in box))) for box in boxes]


def _overlap(one: Square, other: Square) -> float:
    """Intersection over union of two squares, ignoring rotation."""
    across = (one.side + other.side) / 2.0 - abs(one.x - other.x)
    down = (one.side + other.side) / 2.0 - abs(one.y - other.y)
    smaller = min(one.side, other.side)
    shared = min(max(across, 0.0), smaller) * min(max(down, 0.0), smaller)
    return shared / (one.side**2 + other.side**2 - shared)


def beside_a_face(points: NDArray[np.float32], rng: np.random.Generator) -> Square:
    """A square near a face ``(68, 2)`` that does not frame it.

    It hardly overlaps the face's square (a shoulder, half a cheek, the background), contains only a
    part (an eye, a mouth), or the face is tiny in it.
    """
    own = landmark_square(face_box(points))
    kind = rng.random()
    if kind < 0.6:
        away, angle = rng.uniform(0.75, 1.1) * own.side, rng.uniform(0.0, 2.0 * math.pi)
        # Diagonally, two squares separate later: the longer of both distances counts.
        reach = away / max(abs(math.cos(angle)), abs(math.sin(angle)))
        side = own.side * math.exp(rng.uniform(-0.4, 0.15))
        return Square(
            own.x + reach * math.cos(angle), own.y + reach * math.sin(angle), side, _turn(rng)
        )
    if kind < 0.9:
        x, y = points[rng.integers(0, len(points))]
        return Square(float(x), float(y), own.side * rng.uniform(0.15, 0.33), _turn(rng))
    return Square(
        own.x + rng.uniform(-0.8, 0.8) * own.side,
        own.y + rng.uniform(-0.8, 0.8) * own.side,
        own.side * rng.uniform(2.5, 4.0),
        _turn(rng),
    )


def somewhere(grey: NDArray[np.uint8], alarms: list[Square], rng: np.random.Generator) -> Square:
    """A square of a picture without faces; often one of Haar's false alarms, slightly moved."""
    if alarms and rng.random() < _ALARM_SHARE:
        return _near(alarms, rng)
    height, width = grey.shape
    side = math.exp(rng.uniform(math.log(_MIN_SIDE), math.log(max(1.2 * min(grey.shape), 20.0))))
    return Square(rng.uniform(0, width), rng.uniform(0, height), side, _turn(rng))


def _near(alarms: list[Square], rng: np.random.Generator) -> Square:
    """One of them, slightly moved."""
    found = alarms[rng.integers(0, len(alarms))]
    shift = rng.normal(0.0, 0.06, 2) * found.side
    return Square(
        found.x + shift[0],
        found.y + shift[1],
        found.side * math.exp(rng.normal(0.0, 0.12)),
        rng.normal(0.0, 0.15),
    )


def texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A flat, graded, noisy or cloudy crop, or one of stripes: ``(80, 80)`` uint8."""
    px = LANDMARK_PX
    level, contrast = rng.uniform(20.0, 235.0), rng.uniform(0.0, 80.0)
    kind = rng.integers(0, 3)
    if kind == 0:
        cells = int(rng.integers(1, px + 1))
        noise = rng.normal(0.0, 1.0, (cells, cells))
        pattern = np.asarray(cv2.resize(noise, (px, px), interpolation=cv2.INTER_CUBIC), np.float64)
    elif kind == 1:
        y, x = np.mgrid[0:px, 0:px] / px
        angle, waves = rng.uniform(0.0, math.pi), rng.uniform(0.2, 20.0)
        along = x * math.cos(angle) + y * math.sin(angle)
        pattern = np.sin(2.0 * math.pi * (waves * along + rng.random()))
    else:  # clouds: noise whose power falls with the square of the frequency, as in photographs
        y, x = np.meshgrid(np.fft.fftfreq(px), np.fft.fftfreq(px), indexing="ij")
        spectrum = np.fft.fft2(rng.normal(0.0, 1.0, (px, px))) / (np.hypot(x, y) + 0.5 / px)
        pattern = np.real(np.fft.ifft2(spectrum))
        pattern = pattern / max(float(pattern.std()), 1e-6)
    return np.asarray(np.clip(level + contrast * pattern, 0.0, 255.0), np.uint8)


class Strangers:
    """Draws crops without points: without a face, or with a face whose points were not marked."""

    def __init__(
        self,
        pictures: list[NDArray[np.uint8]],
        points: NDArray[np.float32],
        backgrounds: Iterable[NDArray[np.uint8]],
        faces: Iterable[NDArray[np.uint8]],
        alarms: Iterable[NDArray[np.uint8]] = (),
    ) -> None:
        """Grey ``pictures`` with a face each, ``backgrounds`` without faces, cropped ``faces``.

        ``alarms`` are square pictures without a face; a detector found one in the inner half.
        """
        self._cascade = cv2.CascadeClassifier(str(CASCADE))
        self._pictures, self._points = pictures, points
        # Found when first asked for: 44 ms a picture, and few are drawn on a processor.
        self._alarms: dict[int, list[Square]] = {}
        self._backgrounds = [(grey, false_alarms(self._cascade, grey)) for grey in backgrounds]
        self._faces, self._detector_alarms = list(faces), list(alarms)

    def find_all(self) -> None:
        """Find Haar's false alarms in all pictures now, before other processes draw from them."""
        for i in range(len(self._pictures)):
            self._alarms_beside(i)

    def negative(self, rng: np.random.Generator, strength: float = 1.0) -> NDArray[np.uint8]:
        """A crop without a face, ``(80, 80)`` uint8."""
        if self._detector_alarms and rng.random() < _DETECTOR_SHARE:
            alarm = self._detector_alarms[rng.integers(0, len(self._detector_alarms))]
            middle, side = (len(alarm) - 1) / 2.0, len(alarm) / 2.0
            square = _near([Square(middle, middle, side)], rng)
            return spoil(square.cut(alarm, LANDMARK_PX), rng, strength)
        kind = rng.random()
        if kind < 0.1:
            return spoil(texture(rng), rng, strength)
        if kind < 0.55 and self._backgrounds:
            grey, alarms = self._backgrounds[rng.integers(0, len(self._backgrounds))]
            square = somewhere(grey, alarms, rng)
        else:
            i = rng.integers(0, len(self._pictures))
            grey = self._pictures[i]
            alarms = self._alarms_beside(int(i)) if rng.random() < _ALARM_SHARE else []
            square = _near(alarms, rng) if alarms else beside_a_face(self._points[i], rng)
        return spoil(square.cut(grey, LANDMARK_PX), rng, strength)

    def _alarms_beside(self, i: int) -> list[Square]:
        """The false alarms in a picture that are not its face."""
        if i not in self._alarms:
            own = landmark_square(face_box(self._points[i]))
            self._alarms[i] = [
                alarm
                for alarm in false_alarms(self._cascade, self._pictures[i])
                if _overlap(alarm, own) < _MAX_OVERLAP
            ]
        return self._alarms[i]

    def face(self, rng: np.random.Generator, strength: float = 1.0) -> NDArray[np.uint8]:
        """A randomly framed crop of a face without points; of a marked one if there is none."""
        if not self._faces:
            i = rng.integers(0, len(self._pictures))
            square = frame(self._points[i], rng)
            return spoil(square.cut(self._pictures[i], LANDMARK_PX), rng, strength)
        grey = self._faces[rng.integers(0, len(self._faces))]
        height, width = grey.shape
        own = landmark_square(Box(0, 0, width, height))
        square = Square(
            own.x + rng.normal(0.0, 0.05) * own.side,
            own.y + rng.normal(0.0, 0.05) * own.side,
            own.side * math.exp(rng.normal(0.0, 0.1)),
            rng.normal(0.0, 0.15),
        )
        return spoil(square.cut(grey, LANDMARK_PX), rng, strength)


def _turn(rng: np.random.Generator) -> float:
    return float(rng.uniform(-0.5, 0.5))
