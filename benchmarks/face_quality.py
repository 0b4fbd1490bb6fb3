"""At what size, blur, darkness, glare and turn expressions are read less well.

``python -m benchmarks.face_quality``, some minutes. FER2013's public test in ../shared with FER+'s
majorities, made worse step by step and read by compact; each step beside what
``fer_core.analysis.quality`` measures of it, whose limits come from here. Turn and presence are
those of the pictures themselves, and covered mouths those of the faces with and without masks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import validation_faces
from benchmarks.small_faces import tiles
from fer_core.analysis.detection import DetectedFace
from fer_core.analysis.quality import UNCLEAR, face_quality
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.models.landmarks.geometry import head_pose
from fer_core.models.loading import load_landmark_model
from fer_core.schema import Box, FaceQuality

Faces = NDArray[np.uint8]

_FRAME_PX = 48
"""What is added around a face of 96 pixels for the landmark network, its edge repeated."""


def measure() -> Report:
    """Accuracy of compact by each measure of quality."""
    known = validation_faces()
    known = known.subset(known.majority >= 0)
    crops, truth = _sized(known.tiles, 48), known.majority
    rng = np.random.default_rng(0)
    worse: list[tuple[str, Callable[[], Faces]]] = [
        ("as they are", lambda: crops),
        *((f"{n} px", partial(_sized, known.tiles, n)) for n in (24, 20, 16, 14, 12, 8)),
        *((f"blurred by {s} of 48 px", partial(_blurred, crops, 2 * s)) for s in (1, 1.5, 2)),
        *((f"x{g}, noise", partial(_dark, known.tiles, g, rng)) for g in (0.1, 0.05, 0.03)),
        *((f"x{g}", partial(_bright, crops, g)) for g in (2.0, 3.0)),
    ]
    steps = [_step(what, make(), truth) for what, make in worse]
    seen = [_quality(crop) for crop in crops]
    right = CompactEmotionModel().predict(crops).argmax(axis=1) == truth
    turned = np.array([np.nan if q.turn_deg is None else q.turn_deg for _, q in seen])
    present = np.array([presence for presence, _ in seen])
    parts = {
        f"{a}° to {b}°": (turned >= a) & (turned < b) for a, b in pairwise((0, 10, 20, 30, 40, 90))
    }
    parts[f"presence under {UNCLEAR}"] = (present >= 0.6) & (present < UNCLEAR)
    found: list[dict[str, Any]] = [
        {"what": what, "n": int(part.sum()), "accuracy": float(right[part].mean())}
        for what, part in parts.items()
    ]
    masks = {kind: _covered(kind) for kind in ("with_mask", "without_mask")}
    return Report(
        "What makes a face hard to read",
        {"steps": steps, "parts": found, "covered": masks},
        [
            table(
                ["made worse", "accuracy", "sharpness", "contrast", "white"],
                [
                    [s["what"], percent(s["accuracy"]), *(f"{s[k]:.2f}" for k in _MEDIANS)]
                    for s in steps
                ],
            ),
            table(
                ["of the faces", "so many", "accuracy"],
                [[each["what"], each["n"], percent(each["accuracy"])] for each in found],
            ),
        ],
        [
            f"A covered mouth is reported for {percent(masks['with_mask'])} of the faces with a "
            f"mask and {percent(masks['without_mask'])} without. Half of them chose the weights."
        ],
    )


_MEDIANS = ("sharpness", "contrast", "glare")


def _step(what: str, crops: Faces, truth: NDArray[np.int64]) -> dict[str, Any]:
    right = CompactEmotionModel().predict(crops).argmax(axis=1) == truth
    some = [_quality(crop)[1] for crop in crops[::10]]
    medians = {name: float(np.median([getattr(q, name) for q in some])) for name in _MEDIANS}
    return {"what": what, "accuracy": float(right.mean()), **medians}


def _quality(crop: NDArray[np.uint8]) -> tuple[float, FaceQuality]:
    """The presence and the quality of a face that fills a crop of 96 pixels."""
    framed = cv2.copyMakeBorder(
        crop, _FRAME_PX, _FRAME_PX, _FRAME_PX, _FRAME_PX, cv2.BORDER_REPLICATE
    )
    bgr = np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)
    box = Box(_FRAME_PX, _FRAME_PX, *crop.shape)
    [there] = load_landmark_model().locate(bgr, [box])
    pose = head_pose(there.points, bgr.shape[1], bgr.shape[0])
    seen = DetectedFace(box, 1.0, there.points, there.presence)
    return there.presence, face_quality(bgr, seen, crop, pose)


def _covered(kind: str) -> float:
    """Of how many faces with or without masks a covered mouth is told."""
    told = []
    for tile, box in tiles("masks", {"kind": kind})[::4]:
        [there] = load_landmark_model().locate(tile, [box])
        seen = DetectedFace(box, 1.0, there.points, there.presence)
        crop = np.zeros((96, 96), np.uint8)
        told.append("mouth_covered" in face_quality(tile, seen, crop, None).problems)
    return float(np.mean(told))


def _sized(faces: Faces, px: int) -> Faces:
    """Faces of so many pixels, enlarged to 96 as the analyzer does."""
    small = [cv2.resize(each, (px, px), interpolation=cv2.INTER_AREA) for each in faces]
    return np.stack([cv2.resize(each, (96, 96)) for each in small]).astype(np.uint8)


def _blurred(crops: Faces, sigma: float) -> Faces:
    return np.stack([cv2.GaussianBlur(each, (0, 0), sigma) for each in crops]).astype(np.uint8)


def _bright(crops: Faces, gain: float) -> Faces:
    return np.asarray(np.clip(crops * gain, 0, 255), np.uint8)


def _dark(faces: Faces, gain: float, rng: np.random.Generator) -> Faces:
    noisy = faces * gain + rng.normal(0.0, 1.0, faces.shape)
    return _sized(np.clip(noisy, 0, 255).round().astype(np.uint8), 48)


run = command(measure)

if __name__ == "__main__":
    run()
