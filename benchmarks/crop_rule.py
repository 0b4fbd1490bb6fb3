"""Finds the square around a face with the best accuracy, to check the pipeline's rule.

``python -m benchmarks.crop_rule``, some minutes. The rule (``face_crop`` in
``fer_core.analysis.analyzer``) takes the square of a box's longer edge around the box's centre.
Here the square is enlarged, reduced, or moved: on labelled tiles of FER2013, directly and by each
detector's boxes on them, and on the astronaut and pictures of ../shared, which have no labels but
show certainty and steadiness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._framing import (
    JITTER,
    Framing,
    SeenFace,
    crops,
    entropy_bits,
    jittered,
    reframe_tile,
    seen_faces,
    total_variation,
)
from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import (
    ONE_FACE,
    SHARED,
    TWO_FACES,
    astronaut,
    detectors,
    read_clip,
    validation_faces,
)
from fer_core.labels import EMOTIONS, Emotion
from fer_core.media.images import read_picture
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.training.expression.data import LabelledFaces
from fer_core.training.expression.evaluate import score

FRAMINGS = [
    *(Framing(scale=scale) for scale in (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)),
    *(Framing(shift=shift) for shift in (-0.10, -0.05, 0.05, 0.10)),
]

JITTERS = 4
"""How many slightly wrong boxes are used for each face."""

EVERY_NTH_PICTURE = 10
"""Every tenth of the 3,288 pictures of faces68 is enough."""

Findings = list[dict[str, Any]]
"""One entry for each of ``FRAMINGS``."""

_BEHAVIOUR = {"entropy": "entropy_bits", "jitter": "jitter"}


def measure() -> Report:
    """Accuracy, certainty and steadiness of the compact network by the framing of the face."""
    model, faces = CompactEmotionModel(), validation_faces()
    labelled = {"tiles as they are": on_tiles(model, faces)}
    media = {}
    for detector in detectors():
        labelled[detector.name] = on_detected_tiles(model, faces, detector)
        media[detector.name] = on_media(model, detector)
    return Report(
        "The crop rule",
        {
            "framings": [{"scale": f.scale, "shift": f.shift} for f in FRAMINGS],
            "labelled": labelled,
            "media": media,
        },
        [_labelled_table(labelled), *(_media_table(*found) for found in media.items())],
        [
            f"The rule in use is {Framing()}. The first column crops the tiles directly; the "
            "others first run a detector on the enlarged tile and crop by its box. Outside a tile "
            "its edge is repeated, which favours squares that stay inside.",
            "The astronaut and the man smile, the couple look neutral. Entropy and jitter are "
            "measured on the clips and on every tenth picture of faces68. Entropy is that of the "
            f"seven shares, in bits. Jitter is the mean total variation distance to {JITTERS} "
            f"boxes moved and scaled by up to {JITTER:.0%}; smaller is steadier.",
        ],
    )


def on_tiles(model: CompactEmotionModel, faces: LabelledFaces) -> Findings:
    """Accuracy on tiles that are cropped directly."""
    return [
        _accuracy(model, np.stack([reframe_tile(tile, framing) for tile in faces.tiles]), faces)
        for framing in FRAMINGS
    ]


def on_detected_tiles(
    model: CompactEmotionModel, faces: LabelledFaces, detector: FaceDetector
) -> Findings:
    """Accuracy with a detector's boxes on the tiles; tiles without a box do not count."""
    seen = [seen_faces(detector, [as_picture(tile)]) for tile in faces.tiles]
    found = faces.subset(np.array([bool(each) for each in seen]))
    all_seen = [face for each in seen for face in each]
    return [_accuracy(model, crops(all_seen, framing), found) for framing in FRAMINGS]


def as_picture(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A tile as a picture with a margin around the face: ``(160, 160, 3)`` uint8, BGR."""
    large = cv2.resize(tile, (96, 96), interpolation=cv2.INTER_CUBIC)
    roomy = cv2.copyMakeBorder(large, 32, 32, 32, 32, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(roomy, cv2.COLOR_GRAY2BGR), np.uint8)


def _accuracy(
    model: CompactEmotionModel, views: NDArray[np.uint8], faces: LabelledFaces
) -> dict[str, Any]:
    """Compare with both kinds of label, each by the output calibrated for it."""
    shown, fer2013 = model.predict_both(views)
    return {
        "faces": len(faces),
        "ferplus": score(shown, faces.majority).accuracy,
        "fer2013": score(fer2013, faces.labels).accuracy,
    }


def on_media(model: CompactEmotionModel, detector: FaceDetector) -> Findings:
    """The network's results on unlabelled faces, scene by scene."""
    man, couple = (read_clip(SHARED / "media" / name).frames for name in (ONE_FACE, TWO_FACES))
    people = sorted((SHARED / "data" / "faces68" / "images").glob("*.jpg"))[::EVERY_NTH_PICTURE]
    scenes = {
        "astronaut": seen_faces(detector, [astronaut()]),
        "man": seen_faces(detector, man),
        "couple": seen_faces(detector, couple, faces=2),
        "people": seen_faces(detector, [read_picture(path) for path in people]),
    }
    return [
        {scene: _behaviour(model, seen, framing) for scene, seen in scenes.items()}
        for framing in FRAMINGS
    ]


def _behaviour(
    model: CompactEmotionModel, seen: Sequence[SeenFace], framing: Framing
) -> dict[str, Any]:
    shares = model.predict(crops(seen, framing))
    rng = np.random.default_rng(0)
    moved = [
        model.predict(crops([jittered(each, rng) for each in seen], framing))
        for _ in range(JITTERS)
    ]
    dominant = np.bincount(shares.argmax(axis=1), minlength=len(EMOTIONS)) / len(seen)
    return {
        "faces": len(seen),
        "mean_share": _by_emotion(shares.mean(axis=0)),
        "dominant": _by_emotion(dominant),
        "confidence": float(shares.max(axis=1).mean()),
        "entropy_bits": float(entropy_bits(shares).mean()),
        "jitter": float(np.mean([total_variation(shares, other) for other in moved])),
    }


def _by_emotion(values: NDArray[np.floating]) -> dict[str, float]:
    return {str(emotion): float(value) for emotion, value in zip(EMOTIONS, values, strict=True)}


def _labelled_table(labelled: Mapping[str, Findings]) -> str:
    head = ["square, FER+ / FER2013 accuracy"]
    head += [f"{name} ({found[0]['faces']})" for name, found in labelled.items()]
    rows = []
    for i, framing in enumerate(FRAMINGS):
        found = [findings[i] for findings in labelled.values()]
        rows.append(
            [framing, *(f"{percent(f['ferplus'])} / {percent(f['fer2013'])}" for f in found)]
        )
    return table(head, rows)


def _media_table(detector: str, findings: Findings) -> str:
    head = [f"square, boxes of {detector}", "astronaut happy", "man happy", "couple neutral"]
    head += [f"{figure}, {scene}" for scene in ("couple", "people") for figure in _BEHAVIOUR]
    rows = []
    for framing, scenes in zip(FRAMINGS, findings, strict=True):
        happy = [scenes[scene]["mean_share"][Emotion.HAPPY] for scene in ("astronaut", "man")]
        neutral = scenes["couple"]["mean_share"][Emotion.NEUTRAL]
        row = [framing, *(percent(share, 0) for share in (*happy, neutral))]
        for scene in ("couple", "people"):
            row += [f"{scenes[scene][key]:.3f}" for key in _BEHAVIOUR.values()]
        rows.append(row)
    return table(head, rows)


run = command(measure)

if __name__ == "__main__":
    run()
