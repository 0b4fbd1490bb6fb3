"""Inputs of the benchmarks: a portrait, clips from ../shared, and the available detectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.media.images import read_picture
from fer_core.models.detectors import FaceDetector
from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.detectors.scout import ScoutDetector
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.models.registry import MODELS
from fer_core.models.weights.files import find
from fer_core.paths import ROOT, SAMPLE
from fer_core.training.expression.data import LabelledFaces, read_contact_sheet

SHARED = ROOT.parent / "shared"
"""Faces, clips and weights that may not be shipped; without them, less is measured."""

WIDTH, HEIGHT = 640, 480
"""The frame size of the live page's camera."""

ONE_FACE = "head-pose-face-detection-male.gif"
TWO_FACES = "head-pose-face-detection-female-and-male.gif"
SIGNING = "asl_yes.mkv"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames ``(height, width, 3)`` uint8, BGR, and when each is shown, in seconds."""

    frames: list[NDArray[np.uint8]]
    times_s: list[float]


def astronaut() -> NDArray[np.uint8]:
    """One smiling woman, 512x512, BGR (NASA, public domain)."""
    return read_picture(SAMPLE)


def portrait() -> NDArray[np.uint8]:
    """The astronaut as a camera's frame: ``(HEIGHT, WIDTH, 3)`` uint8, BGR."""
    return fill(astronaut())


def read_clip(path: Path) -> Clip:
    """All frames of a clip, as they are. Raises ``OSError`` where it cannot be read."""
    with av.open(str(path)) as container:
        decoded = list(container.decode(video=0))
    return Clip(
        [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in decoded],
        [float(frame.time or 0.0) for frame in decoded],
    )


def camera_clip(name: str = ONE_FACE) -> Clip:
    """A clip of ../shared as a camera would give it: each frame fills ``WIDTH`` x ``HEIGHT``."""
    clip = read_clip(SHARED / "media" / name)
    return Clip([fill(frame) for frame in clip.frames], clip.times_s)


def fill(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a picture, as large as it can be, in ``WIDTH`` x ``HEIGHT``."""
    height, width = picture.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    size = (max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale)))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    return np.ascontiguousarray(large[top : top + HEIGHT, left : left + WIDTH], np.uint8)


def validation_faces() -> LabelledFaces:
    """FER2013's public test, with both label sets. Raises ``DatasetError`` where it is absent."""
    folder = SHARED / "data" / "fer2013"
    return read_contact_sheet(folder / "validation.webp", folder / "validation.csv")


def detectors() -> list[FaceDetector]:
    """YuNet, if its weights are here or in ../shared, Scout, and the Haar cascade."""
    shared = SHARED / "weights" / MODELS["yunet"].file_name
    path = find(MODELS["yunet"]) or (shared if shared.is_file() else None)
    return [*([YuNetDetector(path)] if path else []), ScoutDetector(), HaarDetector()]
