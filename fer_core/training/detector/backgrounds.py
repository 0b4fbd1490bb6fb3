"""Backgrounds of synthetic scenes: photos without faces, and drawn patterns."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.models.detectors import FaceDetector
from fer_core.training.dataset_files import SUFFIXES, read_bgr, to_grey

BACKGROUND_PX = 512

_SEARCH_SCALES = (0.5, 1.0, 1.7)
"""Pictures are searched for faces at three scales, because a missed face would be learned as
none."""

_LEAST_CONTRAST = 8.0
"""Standard deviation of grey values below which a part shows nothing."""


def read_backgrounds(folder: Path, detector: FaceDetector) -> NDArray[np.uint8]:
    """Square parts of every picture of a folder: ``(n, 512, 512)`` uint8, grey.

    Parts in which ``detector`` finds a face, at one of three sizes, are left out. Raises
    ``DatasetError`` if a picture cannot be read, or fewer than two parts are left.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder. Check the path.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = [part for path in paths for part in parts(read_bgr(path), detector)]
    if len(found) < 2:
        raise DatasetError(
            f"{folder} gives {len(found)} backgrounds without a face. Training needs at least two, "
            "and hundreds to be useful."
        )
    return np.stack(found)


def parts(bgr: NDArray[np.uint8], detector: FaceDetector) -> list[NDArray[np.uint8]]:
    """Up to three squares of a picture, scaled to a shorter side of 512 pixels, without those that
    contain a face."""
    scale = BACKGROUND_PX / min(bgr.shape[:2])
    shape = [max(BACKGROUND_PX, round(side * scale)) for side in bgr.shape[1::-1]]
    interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(bgr, shape, interpolation=interpolation), np.uint8)
    faces = _faces(picture, detector)
    spare = max(shape) - BACKGROUND_PX
    count = min(3, 1 + spare // (BACKGROUND_PX // 2))
    offsets = np.linspace(0, spare, count) if count > 1 else [spare // 2]
    across = shape[0] > shape[1]
    found = []
    for offset in map(round, offsets):
        x, y = (offset, 0) if across else (0, offset)
        near, far = np.array([x, y]), np.array([x, y]) + BACKGROUND_PX
        hit = (faces[:, :2] < far).all(axis=1) & (faces[:, 2:] > near).all(axis=1)
        part = to_grey(np.ascontiguousarray(picture[y : far[1], x : far[0]]))
        if not hit.any() and part.std() >= _LEAST_CONTRAST:
            found.append(part)
    return found


def _faces(bgr: NDArray[np.uint8], detector: FaceDetector) -> NDArray[np.float64]:
    """``(n, 4)``: left, top, right, bottom of all faces found at any scale."""
    found = [np.zeros((0, 4))]
    for scale in _SEARCH_SCALES:
        resized = np.asarray(cv2.resize(bgr, None, fx=scale, fy=scale), np.uint8)
        boxes = np.array([face.box.to_list() for face in detector.detect(resized)], np.float64)
        boxes = boxes.reshape(-1, 4)
        found.append(np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]) / scale)
    return np.concatenate(found)


def patterns(n: int, seed: int) -> NDArray[np.uint8]:
    """Drawn pictures without faces, ``(n, 512, 512)`` uint8."""
    kinds = (_noise, _stripes, _discs, _writing, _rectangles, _clouds)
    drawn = [kinds[i % len(kinds)](np.random.default_rng((seed, i))) for i in range(n)]
    return np.stack([np.clip(each, 0.0, 255.0).astype(np.uint8) for each in drawn])


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """Random cells at all scales: two to 256 cells per side."""
    side = int(np.exp(rng.uniform(np.log(2.0), np.log(256.0))))
    cells = rng.normal(0.0, 1.0, (side, side))
    how = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_NEAREST
    px = BACKGROUND_PX
    enlarged = np.asarray(cv2.resize(cells, (px, px), interpolation=how), np.float64)
    return 128.0 + rng.uniform(10.0, 70.0) * enlarged


def _stripes(rng: np.random.Generator) -> NDArray[np.float64]:
    y, x = np.mgrid[0:BACKGROUND_PX, 0:BACKGROUND_PX] / BACKGROUND_PX
    angle, waves = rng.uniform(0.0, np.pi), np.exp(rng.uniform(0.0, 4.5))
    wave = np.sin(2.0 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)))
    if rng.random() < 0.5:
        return np.asarray(np.where(wave > 0.0, 200.0, 60.0) + rng.normal(0.0, 5.0, wave.shape))
    return np.asarray(128.0 + rng.uniform(20.0, 110.0) * wave)


def _canvas(rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.full((BACKGROUND_PX, BACKGROUND_PX), int(rng.integers(20, 236)), np.uint8)


def _discs(rng: np.random.Generator) -> NDArray[np.float64]:
    """Nested ellipses: round, with dots inside, but no face."""
    canvas = _canvas(rng)
    for _ in range(rng.integers(5, 60)):
        x, y = rng.integers(0, BACKGROUND_PX, 2).tolist()
        axes, turn = rng.integers(3, 70, 2).tolist(), float(rng.uniform(0.0, 180.0))
        line = cv2.FILLED if rng.random() < 0.7 else int(rng.integers(1, 9))
        cv2.ellipse(canvas, (x, y), axes, turn, 0, 360, int(rng.integers(0, 256)), line)
    return canvas.astype(np.float64)


def _writing(rng: np.random.Generator) -> NDArray[np.float64]:
    """Lines of text in OpenCV's fonts, dark on light or light on dark."""
    paper, ink = int(rng.integers(150, 256)), int(rng.integers(0, 110))
    if rng.random() < 0.3:
        paper, ink = 255 - paper, 255 - ink
    # OpenCV 5 draws text only on uint8.
    canvas = np.full((BACKGROUND_PX, BACKGROUND_PX), paper, np.uint8)
    y = 10
    while y < BACKGROUND_PX + 8:
        size = float(rng.uniform(0.3, 2.0))
        line = "".join(map(chr, rng.integers(33, 126, 60).tolist())).replace("Q", " ")
        place, font = (int(rng.integers(-30, 60)), y), int(rng.integers(0, 8))
        width = int(rng.integers(1, 4))
        cv2.putText(canvas, line, place, font, size, ink, width, cv2.LINE_AA)
        y += int(34.0 * size) + 4
    return canvas.astype(np.float64)


def _rectangles(rng: np.random.Generator) -> NDArray[np.float64]:
    """Walls, windows, screens."""
    canvas = _canvas(rng)
    for _ in range(rng.integers(5, 80)):
        corner = rng.integers(0, BACKGROUND_PX, 2)
        other = corner + rng.integers(5, 160, 2)
        line = cv2.FILLED if rng.random() < 0.6 else int(rng.integers(1, 6))
        cv2.rectangle(canvas, corner.tolist(), other.tolist(), int(rng.integers(0, 256)), line)
    return canvas.astype(np.float64)


def _clouds(rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose amplitude falls with its frequency, as that of photographs does."""
    steps = np.fft.fftfreq(BACKGROUND_PX)
    frequency = np.hypot(steps[:, None], steps[None]) + 0.5 / BACKGROUND_PX
    white = np.fft.fft2(rng.normal(0.0, 1.0, frequency.shape))
    clouds = np.real(np.fft.ifft2(white / frequency ** rng.uniform(0.7, 1.6)))
    return np.asarray(128.0 + clouds / clouds.std() * rng.uniform(15.0, 60.0))
