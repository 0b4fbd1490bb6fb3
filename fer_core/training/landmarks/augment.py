"""Augmentation of faces for training the face network.

The square is placed as by a detector, or by the points of the previous frame, and rotated; then the
crop is mirrored, blurred, darkened, covered or reduced to few pixels.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.models.landmarks.crops import LANDMARK_PX, Square, face_box, landmark_square
from fer_core.models.landmarks.face import POINTS
from fer_core.schema.action_units import MOVEMENTS, mirrored

MIRROR = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31),  # bridge of the nose
        *range(35, 30, -1),  # below the nose
        *(45, 44, 43, 42, 47, 46),  # eye at the picture's left
        *(39, 38, 37, 36, 41, 40),  # eye at its right
        *(54, 53, 52, 51, 50, 49, 48),  # outer lips, upper
        *(59, 58, 57, 56, 55),  # outer lips, lower
        *(64, 63, 62, 61, 60),  # inner lips, upper
        *(67, 66, 65),  # inner lips, lower
        *(69, 68),  # irises
    ]
)
"""The index in the original of each point of a mirrored face, the irises after the 68."""

MIRRORED_MOVEMENT = np.array([MOVEMENTS.index(mirrored(name)) for name in MOVEMENTS])
"""The index in the original of each movement of a mirrored face."""

_FOLLOWED_SHARE = 0.35
_DETECTED_SHIFT, _DETECTED_SCALE = 0.05, 0.11
"""Standard deviations, in sides of the square and as a logarithm: the spread of YuNet's and Haar's
squares on faces68, rounded up."""
_FOLLOWED_SHIFT, _FOLLOWED_SCALE = 0.17, 0.25
"""The largest shift and scale of a face since the previous frame (uniform)."""
_TURN, _WIDE_SHARE, _WIDE_TURN = math.radians(12.0), 0.25, math.radians(45.0)
_STRETCH = 0.06
_COARSE_SHARE, _COARSE_PX = 0.35, (14, 48)
_COMPRESSED_SHARE, _BLURRED_SHARE, _DARK_SHARE, _COVERED_SHARE = 0.15, 0.15, 0.15, 0.25


def detected(points: NDArray[np.float32], rng: np.random.Generator) -> Square:
    """A square as a detector would place it around ``(68, 2)`` points."""
    square = landmark_square(face_box(points))
    shift, scale = rng.normal(0.0, _DETECTED_SHIFT, 2), rng.normal(0.0, _DETECTED_SCALE)
    return _moved(square, shift, scale)


def frame(points: NDArray[np.float32], rng: np.random.Generator) -> Square:
    """A square as a detector or the previous frame would place it, rotated like a tilted head."""
    if rng.random() < _FOLLOWED_SHARE:
        shift = rng.uniform(-_FOLLOWED_SHIFT, _FOLLOWED_SHIFT, 2)
        scale = rng.uniform(-_FOLLOWED_SCALE, _FOLLOWED_SCALE)
        square = _moved(landmark_square(face_box(points)), shift, scale)
    else:
        square = detected(points, rng)
    if rng.random() < _WIDE_SHARE:
        turn = rng.uniform(-_WIDE_TURN, _WIDE_TURN)
    else:
        turn = rng.normal(0.0, _TURN)
    # A tilted face rotates about its own centre, not about that of its box.
    x, y = points.mean(axis=0)
    cos, sin = math.cos(turn), math.sin(turn)
    across, down = square.x - x, square.y - y
    return Square(
        float(x + cos * across - sin * down),
        float(y + sin * across + cos * down),
        square.side,
        turn,
    )


def _moved(square: Square, shift: NDArray[np.float64], scale: float) -> Square:
    """``shift`` in sides of the square, ``scale`` as a logarithm."""
    return Square(
        square.x + float(shift[0]) * square.side,
        square.y + float(shift[1]) * square.side,
        square.side * math.exp(scale),
    )


def augment(
    picture: NDArray[np.uint8],
    points: NDArray[np.float32],
    rng: np.random.Generator,
    strength: float = 1.0,
    order: NDArray[np.int_] = MIRROR,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], bool]:
    """A random crop of a face, its points in it, and whether it was mirrored.

    ``picture``: ``(height, width)`` uint8, grey; ``points``: ``(n, 2)`` in its pixels, the 68
    first. ``strength`` (0..1) scales the shares of distorted crops; ``order`` holds the index in
    the original of each point of a mirrored face. Returns ``(80, 80)`` uint8 and as many points as
    were given, float32, shares of its side. The same state of ``rng`` gives the same result.
    """
    square = frame(points[:POINTS], rng)
    crop, places = square.cut(picture, LANDMARK_PX), square.to_square(points)
    turned_over = bool(rng.random() < 0.5)
    if turned_over:
        crop, places = mirror(crop, places, order)
    crop, places = _stretch(crop, places, rng)
    return spoil(crop, rng, strength), places, turned_over


def mirror(
    crop: NDArray[np.uint8], places: NDArray[np.float32], order: NDArray[np.int_] = MIRROR
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The mirrored crop, and its points in their new order."""
    there = (places * (-1.0, 1.0) + (1.0, 0.0))[order[: len(places)]]
    return np.ascontiguousarray(crop[:, ::-1]), there.astype(np.float32)


def _stretch(
    crop: NDArray[np.uint8], places: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Wider or narrower by a few percent, because a face turned aside looks narrower."""
    factor = math.exp(rng.uniform(-_STRETCH, _STRETCH))
    middle = (LANDMARK_PX - 1) / 2.0
    matrix = np.array([[factor, 0.0, middle * (1.0 - factor)], [0.0, 1.0, 0.0]])
    bent = cv2.warpAffine(
        crop, matrix, crop.shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    moved = (places - (0.5, 0.0)) * (factor, 1.0) + (0.5, 0.0)
    return np.asarray(bent, np.uint8), moved.astype(np.float32)


def spoil(
    crop: NDArray[np.uint8], rng: np.random.Generator, strength: float = 1.0
) -> NDArray[np.uint8]:
    """New light for every crop; some are covered, coarse, blurred, dark, noisy or compressed."""
    out = crop.astype(np.float32)
    if rng.random() < _COVERED_SHARE * strength:
        out = _cover(out, rng)
    out = _relight(out, rng)
    if rng.random() < _BLURRED_SHARE * strength:
        out = _blur(out, rng)
    if rng.random() < _COARSE_SHARE * strength:
        out = _coarsen(out, int(rng.integers(*_COARSE_PX)))
    if rng.random() < _DARK_SHARE * strength:
        out = _darken(out, rng)
    spoilt = np.clip(out, 0.0, 255.0).astype(np.uint8)
    if rng.random() < _COMPRESSED_SHARE * strength:
        return _compress(spoilt, int(rng.integers(10, 60)))
    return spoilt


def _cover(crop: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A hand, a microphone, hair: a rectangle of one grey, or of another part of the crop."""
    height, width = rng.integers(LANDMARK_PX // 8, LANDMARK_PX // 2, 2)
    top, left = (int(rng.integers(0, LANDMARK_PX - side + 1)) for side in (height, width))
    out = crop.copy()
    patch = out[top : top + height, left : left + width]
    if rng.random() < 0.5:
        patch[:] = rng.uniform(0.0, 255.0) + rng.normal(0.0, 8.0, patch.shape)
    else:
        y, x = (int(rng.integers(0, LANDMARK_PX - side + 1)) for side in (height, width))
        patch[:] = crop[y : y + height, x : x + width]
    return out


def _relight(crop: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change gamma, and add light from one side."""
    bent = 255.0 * (crop / 255.0).clip(0.0, 1.0) ** math.exp(rng.uniform(-0.4, 0.4))
    ramp = np.linspace(-1.0, 1.0, LANDMARK_PX, dtype=np.float32)
    across, down = rng.normal(0.0, 18.0, 2)
    return np.asarray(bent + across * ramp[None, :] + down * ramp[:, None], np.float32)


def _blur(crop: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Out of focus, or moved while the shutter was open."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.6, 2.0)), np.float32)
    length, angle = int(rng.integers(3, 9)), rng.uniform(0.0, math.pi)
    kernel = np.zeros((length, length), np.float32)
    half = (length - 1) / 2.0
    for step in np.linspace(-half, half, 2 * length):
        kernel[round(half + step * math.sin(angle)), round(half + step * math.cos(angle))] = 1.0
    return np.asarray(
        cv2.filter2D(crop, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _darken(crop: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Little light, and the noise of the camera that goes with it."""
    gain, noise = rng.uniform(0.1, 0.5), rng.uniform(1.0, 6.0)
    return np.asarray(crop * gain + rng.normal(0.0, noise, crop.shape), np.float32)


def _compress(crop: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Apply JPEG compression."""
    _, coded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _coarsen(crop: NDArray[np.float32], px: int) -> NDArray[np.float32]:
    """Reduce the resolution, as if the face were small in the picture."""
    small = cv2.resize(crop, (px, px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, crop.shape, interpolation=cv2.INTER_LINEAR), np.float32)
