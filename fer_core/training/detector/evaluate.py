"""Evaluates detectors on pictures with known faces. Needs no PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.models.detectors import FaceDetector
from fer_core.models.detectors.scout import Boxes
from fer_core.models.landmarks import LandmarkModel, least_presence
from fer_core.training.dataset_files import SUFFIXES, read_bgr, read_rows
from fer_core.training.detector.data import read_boxes

MATCH_IOU = 0.5
"""A box with at least this overlap has found a face."""

SIZES_PX = (16, 32, 64)
"""Recall is reported by the longer side of the face's box: below, between and above these."""

_IN_IGNORED = 0.4
"""A box with more of its area than this in an ignored face is not a false alarm."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The faces of one picture: ``boxes`` ``(n, 4)``; finding one of those ``ignored`` ``(n,)`` is
    neither right nor wrong."""

    boxes: Boxes
    ignored: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPicture:
    """``path`` of a picture, and the boxes ``(n, 4)`` of its faces."""

    path: Path
    boxes: Boxes


@dataclass(frozen=True, slots=True)
class DetectorScores:
    """``recall`` is the share of faces found, ``precision`` that of boxes which are faces, None if
    there are none. ``recall_by_size`` has a value for each range of ``SIZES_PX``.
    ``false_alarms`` are boxes without a face, ``false_alarms_without_faces`` those in pictures
    without any face.
    """

    faces: int
    recall: float | None
    recall_by_size: dict[str, float | None]
    precision: float | None
    false_alarms: int
    false_alarms_without_faces: int


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """``raw`` scores the detector alone, ``confirmed`` the detector with the landmark network's
    confirmation, as in ``Analyzer.detect``. Times are medians per picture in milliseconds."""

    raw: DetectorScores
    confirmed: DetectorScores
    detect_ms: float
    confirm_ms: float


def read_labelled_pictures(images: Path, labels: Path) -> list[LabelledPicture]:
    """All pictures of a folder, with the boxes from a csv with the columns file, x, y, w, h.

    A picture that the csv does not name has no face. Raises ``DatasetError``.
    """
    if not images.is_dir():
        raise DatasetError(f"{images} is not a folder. Check the path.")
    rows = read_rows(labels, {"file", "x", "y", "w", "h"}, "It needs file, x, y, w, h.")
    names = {path.name for path in images.iterdir() if path.suffix.lower() in SUFFIXES}
    files = np.array([row["file"] for row in rows], np.str_)
    for missing in sorted(set(files) - names)[:1]:
        raise DatasetError(f"{images / missing} is not there. Check the folder and the csv.")
    boxes = read_boxes(labels, rows)
    return [
        LabelledPicture(images / name, _corners(boxes[files == name])) for name in sorted(names)
    ]


def _corners(boxes: NDArray[np.float32]) -> Boxes:
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def evaluate(
    detector: FaceDetector, landmarks: LandmarkModel, pictures: Iterable[LabelledPicture]
) -> DetectorReport:
    """Run a detector on every picture, alone and confirmed by the landmark network.

    Raises ``DatasetError`` if a picture cannot be read.
    """
    raw, confirmed, truth, detecting, confirming = [], [], [], [], []
    least = least_presence(detector)
    for picture in pictures:
        bgr = read_bgr(picture.path)
        started = time.perf_counter()
        found = detector.detect(bgr)
        detected = time.perf_counter()
        located = landmarks.locate(bgr, [each.box for each in found])
        confirming.append(time.perf_counter() - detected)
        detecting.append(detected - started)
        boxes = np.array([each.box.to_list() for each in found], np.float32).reshape(-1, 4)
        boxes, scores = _corners(boxes), np.array([each.score for each in found], np.float32)
        present = np.array([each.presence >= least for each in located], bool)
        raw.append((boxes, scores))
        confirmed.append((boxes[present], scores[present]))
        truth.append(Truth(picture.boxes, np.zeros(len(picture.boxes), bool)))
    return DetectorReport(
        score(raw, truth),
        score(confirmed, truth),
        1e3 * float(np.median(detecting)),
        1e3 * float(np.median(confirming)),
    )


def score(
    found: Sequence[tuple[Boxes, NDArray[np.float32]]], truth: Sequence[Truth]
) -> DetectorScores:
    """Compare boxes and their scores with the true faces, picture by picture."""
    matches = [
        match(boxes, scores, faces) for (boxes, scores), faces in zip(found, truth, strict=True)
    ]
    asked = [hit[~faces.ignored] for (hit, _), faces in zip(matches, truth, strict=True)]
    hits = np.concatenate([np.zeros(0, bool), *asked])
    longer = [_longer_sides(faces.boxes)[~faces.ignored] for faces in truth]
    sizes = np.concatenate([np.zeros(0, np.float32), *longer])
    alarms = [wrong for _, wrong in matches]
    without = [wrong for wrong, faces in zip(alarms, truth, strict=True) if not len(faces.boxes)]
    right = int(hits.sum())
    return DetectorScores(
        faces=len(hits),
        recall=_share(right, len(hits)),
        recall_by_size=_recall_by_size(hits, sizes),
        precision=_share(right, right + sum(alarms)),
        false_alarms=sum(alarms),
        false_alarms_without_faces=sum(without),
    )


def match(boxes: Boxes, scores: NDArray[np.float32], truth: Truth) -> tuple[NDArray[np.bool_], int]:
    """Which faces ``(n,)`` are found, and how many boxes are false alarms.

    The box with the highest score goes first, and takes the face it overlaps most, if by
    ``MATCH_IOU`` or more.
    """
    found, alarms = np.zeros(len(truth.boxes), bool), 0
    for box in boxes[np.argsort(-scores, kind="stable")]:
        shared = _shared(box, truth.boxes)
        overlap = shared / (_area(box) + _area(truth.boxes) - shared)
        overlap[found] = 0.0
        if len(overlap) and overlap.max() >= MATCH_IOU:
            found[overlap.argmax()] = True
        elif not (shared[truth.ignored] > _IN_IGNORED * _area(box)).any():
            alarms += 1
    return found, alarms


def _recall_by_size(hits: NDArray[np.bool_], sizes: NDArray[np.float32]) -> dict[str, float | None]:
    edges = [0, *SIZES_PX]
    names = [f"{low}-{high}" for low, high in zip(edges, SIZES_PX, strict=False)] + [
        f"{edges[-1]}+"
    ]
    group = np.searchsorted(SIZES_PX, sizes, side="right")
    return {
        name: _share(int(hits[group == i].sum()), int((group == i).sum()))
        for i, name in enumerate(names)
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _longer_sides(boxes: Boxes) -> NDArray[np.float32]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0), np.float32)


def _area(boxes: Boxes) -> NDArray[np.float32]:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def _shared(box: Boxes, others: Boxes) -> NDArray[np.float32]:
    """Square pixels that a box ``(4,)`` shares with each of ``(n, 4)``."""
    near, far = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    return np.asarray(np.clip(far - near, 0.0, None).prod(axis=1))
