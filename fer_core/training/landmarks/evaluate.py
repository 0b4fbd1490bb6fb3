"""Evaluates the face network on pictures with known points or movements. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.models.detectors import FaceDetector
from fer_core.models.landmarks import LandmarkModel, Landmarks
from fer_core.models.landmarks.crops import face_box
from fer_core.schema import Box
from fer_core.schema.action_units import MOVEMENTS
from fer_core.training.landmarks.data import LandmarkFaces, TaughtFaces, interocular

FAILURE_PERCENT = 10.0
"""A face whose error is above this counts as failed."""

_LEFT, _TOP, _WIDTH, _HEIGHT = 0.23, 0.05, 0.54, 0.71
"""The box if the detector finds no face, as shares of the picture: YuNet's medians on faces68,
whose pictures are cropped with a margin around the face."""


VARIES = 0.05
"""A movement whose standard deviation over the faces is below this hardly happens in them: its
correlation would be that of noise."""


@dataclass(frozen=True, slots=True)
class LandmarkScores:
    """``nme_interocular_percent`` is the mean over all faces of the mean error of the 68 points,
    divided by the distance of the outer eye corners; ``failure_rate_percent`` the share of faces
    with more than ``FAILURE_PERCENT``.
    """

    n: int
    nme_interocular_percent: float
    failure_rate_percent: float


def evaluate(model: LandmarkModel, detector: FaceDetector, faces: LandmarkFaces) -> LandmarkScores:
    """Measure ``model`` as a stream uses it: in a detector's box, then in that of its points."""
    return score(locate_all(model, detector, faces), faces.points)


def locate_all(
    model: LandmarkModel, detector: FaceDetector, faces: LandmarkFaces
) -> NDArray[np.float32]:
    """``locate`` in every picture: ``(n, 68, 2)`` float32, in pixels of each picture."""
    return np.stack([locate(model, detector, picture).points for picture in faces.pictures])


def score(points: NDArray[np.float32], truth: NDArray[np.float32]) -> LandmarkScores:
    """Compare ``(n, 68, 2)`` points with the true ones."""
    errors = percent_errors(points, truth)
    return LandmarkScores(
        n=len(errors),
        nme_interocular_percent=float(errors.mean()),
        failure_rate_percent=100.0 * float((errors > FAILURE_PERCENT).mean()),
    )


def common_offset_percent(
    points: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[float, float]:
    """How far to the right and down ``truth`` is of ``points`` ``(n, 68, 2)``, medians over all.

    A network that also learned from mirrored faces is symmetric, so an offset to one side comes
    from the labels. In percent of the interocular distance.
    """
    offsets = 100.0 * (truth - points) / interocular(truth)[:, None, None]
    right, down = np.median(offsets.reshape(-1, 2), axis=0)
    return float(right), float(down)


def without_offset(
    truth: NDArray[np.float32], offset_percent: tuple[float, float]
) -> NDArray[np.float32]:
    """``truth`` ``(n, 68, 2)`` without that offset."""
    scale = interocular(truth)[:, None, None] / 100.0
    return np.asarray(truth - scale * np.array(offset_percent), np.float32)


def percent_errors(points: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean error of each face in percent of its interocular distance, ``(n,)``."""
    distances = np.linalg.norm(points - truth, axis=2).mean(axis=1)
    return np.asarray(100.0 * distances / interocular(truth), np.float64)


def locate(model: LandmarkModel, detector: FaceDetector, bgr: NDArray[np.uint8]) -> Landmarks:
    """The points of the one face of a picture, found in two steps.

    First in every box of the detector and in a central one; then, for the one with the highest
    presence, in the box of its points, as in the next frame of a stream.
    """
    boxes = [detection.box for detection in detector.detect(bgr)] + [central_box(bgr)]
    first = max(model.locate(bgr, boxes), key=lambda landmarks: landmarks.presence)
    return model.locate(bgr, [face_box(first.points).to_box()])[0]


def central_box(bgr: NDArray[np.uint8]) -> Box:
    """The box of the face in a picture that was cropped around it."""
    height, width = bgr.shape[:2]
    return Box(
        round(_LEFT * width),
        round(_TOP * height),
        max(1, round(_WIDTH * width)),
        max(1, round(_HEIGHT * height)),
    )


@dataclass(frozen=True, slots=True)
class MovementScores:
    """``correlations`` with the teacher (Pearson's, -1..1) of each movement that varies, and their
    mean; ``iris_percent``, the mean error of the irises in percent of the eye's width.
    """

    n: int
    mean_correlation: float
    iris_percent: float
    correlations: dict[str, float]


def evaluate_movements(
    model: LandmarkModel, detector: FaceDetector, taught: TaughtFaces
) -> MovementScores:
    """Compare ``model`` with the teacher as ``evaluate`` does.

    Raises ``DatasetError`` if the model measures no movements.
    """
    found = [locate(model, detector, picture) for picture in taught.faces.pictures]
    movements = [each.movements for each in found if each.movements is not None]
    irises = [each.irises for each in found if each.irises is not None]
    if len(movements) < len(found) or len(irises) < len(found):
        raise DatasetError(f"{model.name} measures no movements. Choose another landmark model.")
    off = iris_percent(np.stack(irises), taught.irises, eye_widths(taught.faces.points))
    return score_movements(np.stack(movements), taught.movements, off)


def score_movements(
    movements: NDArray[np.float32], truth: NDArray[np.float32], off_percent: float
) -> MovementScores:
    """Compare movements ``(n, 52)`` with the teacher's; the irises are off by ``off_percent``."""
    correlations = movement_correlations(movements, truth)
    return MovementScores(
        n=len(movements),
        mean_correlation=mean_correlation(correlations),
        iris_percent=off_percent,
        correlations=correlations,
    )


def movement_correlations(
    movements: NDArray[np.float32], truth: NDArray[np.float32]
) -> dict[str, float]:
    """Pearson's correlation of each movement ``(n, 52)`` that varies by ``VARIES`` in ``truth``.

    One that ``movements`` has always the same has a correlation of 0.
    """
    found = {}
    for i, name in enumerate(MOVEMENTS):
        ours, theirs = movements[:, i].astype(np.float64), truth[:, i].astype(np.float64)
        if theirs.std() >= VARIES:
            spread = ours.std() * theirs.std()
            shared = ((ours - ours.mean()) * (theirs - theirs.mean())).mean()
            found[name] = float(shared / spread) if spread > 0.0 else 0.0
    return found


def mean_correlation(correlations: Mapping[str, float]) -> float:
    """The mean of them; 0 if no movement varies."""
    return float(np.mean(list(correlations.values()))) if correlations else 0.0


def iris_percent(
    irises: NDArray[np.float32], truth: NDArray[np.float32], eyes: NDArray[np.float32]
) -> float:
    """The mean distance of irises ``(n, 2, 2)`` from ``truth`` in percent of the eyes' widths
    ``(n, 2)``."""
    return 100.0 * float((np.linalg.norm(irises - truth, axis=2) / eyes).mean())


def eye_widths(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distance between the corners of the right and the left eye of ``(n, 68, 2)``: ``(n, 2)``.

    At least a tenth of the distance between the outer corners, as on a face turned aside.
    """
    widths = [np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((36, 39), (42, 45))]
    least = 0.1 * interocular(points)
    return np.asarray(np.stack(widths, axis=1).clip(min=least[:, None]), np.float32)


@dataclass(frozen=True, slots=True)
class PresenceScores:
    """``area`` under the ROC curve, and the shares of faces and of other crops (0..1) that reach
    ``threshold``.
    """

    faces: int
    others: int
    area: float
    threshold: float
    faces_kept: float
    others_kept: float


def score_presence(
    faces: NDArray[np.float32], others: NDArray[np.float32], threshold: float
) -> PresenceScores:
    """Compare the presence ``(n,)`` of crops of faces with that ``(m,)`` of crops without one."""
    # The area is the share of pairs in the right order (Hanley and McNeil, 1982).
    ranks = np.searchsorted(np.sort(others), faces, side="left")
    ties = np.searchsorted(np.sort(others), faces, side="right") - ranks
    return PresenceScores(
        faces=len(faces),
        others=len(others),
        area=float((ranks + 0.5 * ties).mean() / len(others)),
        threshold=threshold,
        faces_kept=float((faces >= threshold).mean()),
        others_kept=float((others >= threshold).mean()),
    )
