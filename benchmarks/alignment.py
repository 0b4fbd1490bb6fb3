"""Measures whether levelling a face helps the compact network.

``python -m benchmarks.alignment``, a minute or two; needs ../shared. Labelled tiles of FER2013 are
shown as they are and rotated by 15 degrees either way, like tilted heads. The landmark network
finds their points; then the square around the face is cropped as it is, or rotated so that the eyes
are level, at the tile's own scale or in the box of the points, like a tracked face in a stream.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import validation_faces
from fer_core.analysis.analyzer import CROP_PX, face_crop, level_crop
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.models.landmarks import MIN_PRESENCE, LandmarkModel, Landmarks
from fer_core.models.landmarks.crops import eye_line, face_box
from fer_core.models.loading import load_landmark_model
from fer_core.schema import Box
from fer_core.training.expression.data import LabelledFaces
from fer_core.training.expression.evaluate import score

TURNS_DEG = (-15, 0, 15)

CLEARLY_DEG = 8.0
"""A visible tilt; below it the error of the points is as large."""

_MARGIN_PX = 48
_PLACE = Box(_MARGIN_PX, _MARGIN_PX, CROP_PX, CROP_PX)
_MIDDLE = _MARGIN_PX + (CROP_PX - 1) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Tilted:
    """A tile as a picture ``(192, 192, 3)`` uint8, BGR, maybe turned, and what was found in it."""

    picture: NDArray[np.uint8]
    landmarks: Landmarks

    @property
    def turn(self) -> float:
        """Radians, clockwise; 0 where no face was found."""
        found = self.landmarks.presence >= MIN_PRESENCE
        return eye_line(self.landmarks.points) if found else 0.0


def plain(face: Tilted) -> NDArray[np.uint8]:
    """Not turned."""
    return face_crop(face.picture, _PLACE)


def levelled(face: Tilted) -> NDArray[np.uint8]:
    """Rotated by the angle of the points, as the analyzer does for a picture."""
    if face.landmarks.presence < MIN_PRESENCE:
        return plain(face)
    return level_crop(face.picture, _PLACE, face.landmarks.points)


def levelled_if_clear(face: Tilted) -> NDArray[np.uint8]:
    """Rotated only if it is tilted by more than ``CLEARLY_DEG``."""
    return levelled(face) if abs(math.degrees(face.turn)) > CLEARLY_DEG else plain(face)


def by_points(face: Tilted) -> NDArray[np.uint8]:
    """The square of the box of the points, plain."""
    if face.landmarks.presence < MIN_PRESENCE:
        return plain(face)
    return face_crop(face.picture, face_box(face.landmarks.points).to_box())


def by_points_levelled(face: Tilted) -> NDArray[np.uint8]:
    """The square of the box of the points, rotated, as the analyzer does in a stream."""
    if face.landmarks.presence < MIN_PRESENCE:
        return plain(face)
    points = face.landmarks.points
    return level_crop(face.picture, face_box(points).to_box(), points)


WAYS: Mapping[str, Callable[[Tilted], NDArray[np.uint8]]] = {
    "the tile's square": plain,
    "turned level": levelled,
    f"turned level beyond {CLEARLY_DEG:.0f} degrees": levelled_if_clear,
    "the points' square": by_points,
    "the points' square, turned level": by_points_levelled,
}


def measure() -> Report:
    """Accuracy of the compact network on tilted faces, unchanged and levelled."""
    emotion, points, faces = CompactEmotionModel(), load_landmark_model(), validation_faces()
    figures: dict[str, Any] = {way: {} for way in WAYS}
    leaning: dict[str, Any] = {}
    for turn_deg in TURNS_DEG:
        tilted = [tilt(points, tile, turn_deg) for tile in faces.tiles]
        turns = np.degrees([face.turn for face in tilted])
        leaning[str(turn_deg)] = {
            "found": float(np.mean([f.landmarks.presence >= MIN_PRESENCE for f in tilted])),
            "median_turn_deg": float(np.median(turns)),
            "mean_absolute_turn_deg": float(np.abs(turns).mean()),
        }
        for way, cut in WAYS.items():
            crops = np.stack([cut(face) for face in tilted])
            figures[way][str(turn_deg)] = accuracies(emotion, crops, faces)
    return Report(
        "Alignment",
        {"faces": len(faces), "accuracy": figures, "turns": leaning},
        [_table(figures)],
        [
            f"FER+ majority / FER2013 label, {len(faces)} tiles of FER2013's public test. Tiles "
            "are enlarged and turned about their centre; outside a tile its edge is repeated. The "
            "landmark network finds "
            + ", ".join(
                f"{percent(found['found'])} of those turned by {turn} degrees "
                f"(median eye line {found['median_turn_deg']:.1f})"
                for turn, found in leaning.items()
            )
            + ".",
        ],
    )


def tilt(model: LandmarkModel, tile: NDArray[np.uint8], turn_deg: int) -> Tilted:
    """A tile as a picture with a margin around the face, rotated clockwise, and its points."""
    large = cv2.resize(tile, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC)
    around = _MARGIN_PX
    roomy = cv2.copyMakeBorder(large, around, around, around, around, cv2.BORDER_REPLICATE)
    matrix = cv2.getRotationMatrix2D((_MIDDLE, _MIDDLE), -turn_deg, 1.0)
    turned = cv2.warpAffine(
        roomy, matrix, roomy.shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    picture = np.asarray(cv2.cvtColor(turned, cv2.COLOR_GRAY2BGR), np.uint8)
    first = model.locate(picture, [_PLACE])[0]
    if first.presence < MIN_PRESENCE:
        return Tilted(picture, first)
    return Tilted(picture, model.locate(picture, [face_box(first.points).to_box()])[0])


def accuracies(
    model: CompactEmotionModel, crops: NDArray[np.uint8], faces: LabelledFaces
) -> dict[str, float]:
    """Compare with both kinds of label, each by the output calibrated for it."""
    shown, fer2013 = model.predict_both(crops)
    return {
        "ferplus": score(shown, faces.majority).accuracy,
        "fer2013": score(fer2013, faces.labels).accuracy,
    }


def _table(figures: Mapping[str, Any]) -> str:
    head = ["square", *(f"leaning {turn} degrees" for turn in TURNS_DEG)]
    rows = [
        [way, *(f"{percent(f['ferplus'])} / {percent(f['fer2013'])}" for f in by_turn.values())]
        for way, by_turn in figures.items()
    ]
    return table(head, rows)


run = command(measure)

if __name__ == "__main__":
    run()
