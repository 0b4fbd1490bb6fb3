"""The sources of a run's faces: FER2013's tiles, and folders of whole pictures.

A folder of pictures comes with a CSV file with the columns file, label and optionally person. The
face of each picture is found, levelled and framed by the same code as in the dashboard.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.analyzer import Analyzer, face_square
from fer_core.errors import DatasetError, PictureError
from fer_core.labels import EMOTIONS
from fer_core.media.images import read_picture
from fer_core.models.emotion.onnx_model import to_tiles
from fer_core.training.expression.augment import Augmentation
from fer_core.training.expression.data import UNLABELLED, LabelledFaces
from fer_core.training.expression.evaluate_pictures import read_labelled_pictures
from fer_core.training.expression.rule import PRIOR_KEPT, log_prior
from fer_core.training.expression.targets import (
    FER2013,
    FERPLUS,
    SHOWN,
    one_hot,
    training_targets,
)

TILES = "train"
"""The name of FER2013's training part among the sources."""

MARGIN = 1.4
"""The side of a wide crop relative to that of the dashboard's crop."""

WIDE_PX = 112
"""The side of a wide crop in pixels."""

PICTURES_AUGMENTATION = Augmentation(visible=1.0 / MARGIN, turn_deg=10.0, blur_share=0.3)

SMOOTHING = 0.1

HELD_OUT = 3
"""One in this many people of a folder is held out for validation."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Training faces of one kind, and their targets.

    ``faces``: ``(n, p, p)`` uint8, grey. ``targets``: shares ``(n, classes)`` float32 for each head
    that learns from them; a row of zeros is a face without a label. ``log_prior``, ``(classes,)``,
    is added to the logits of the shown head in the loss of the labels. ``draw_weights``, ``(n,)``,
    are the relative frequencies with which faces are drawn, all equal by default. ``hints``,
    ``(n, classes)``, are the mean log-probabilities of foreign networks; ``hint_weight`` times them
    are added to the log-probabilities of the teachers.
    """

    name: str
    faces: NDArray[np.uint8]
    targets: dict[str, NDArray[np.float32]]
    augmentation: Augmentation = field(default_factory=Augmentation)
    log_prior: NDArray[np.float32] | None = None
    draw_weights: NDArray[np.float32] | None = None
    hints: NDArray[np.float32] | None = None
    hint_weight: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ValidationSet:
    """Validation faces with one set of labels.

    ``tiles``: ``(n, s, s)`` uint8, the network's input. ``labels``: ``(n,)`` int64 or
    ``UNLABELLED``. ``offset``, ``(classes,)``, is added to the logits of ``head``.
    """

    name: str
    tiles: NDArray[np.uint8]
    head: str
    labels: NDArray[np.int64]
    offset: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PictureFaces:
    """The faces of one folder of pictures.

    ``name`` is that of its CSV file. ``rows``: ``(n,)``, the file's line for each face, from 0;
    lines whose picture has no face are missing. ``wide_crops``: ``(n, WIDE_PX, WIDE_PX)`` uint8,
    with a margin. ``crops``: ``(n, CROP_PX, CROP_PX)`` uint8, as the dashboard classifies them.
    ``labels``: ``(n,)`` int64, an index into ``EMOTIONS`` or ``UNLABELLED``. ``people``: ``(n,)``
    str. ``csv_lines`` is the number of lines of the CSV file.
    """

    name: str
    rows: NDArray[np.int64]
    wide_crops: NDArray[np.uint8]
    crops: NDArray[np.uint8]
    labels: NDArray[np.int64]
    people: NDArray[np.str_]
    csv_lines: int

    def subset(self, keep: NDArray[np.bool_]) -> PictureFaces:
        """The faces where the ``(n,)`` mask ``keep`` is true."""
        return replace(
            self,
            rows=self.rows[keep],
            wide_crops=self.wide_crops[keep],
            crops=self.crops[keep],
            labels=self.labels[keep],
            people=self.people[keep],
        )


def read_pictures(folder: Path, labels_csv: Path, analyzer: Analyzer) -> PictureFaces:
    """Read the largest face of each picture of a CSV file ``file, label[, person]``.

    A label may be empty: then the face has only the targets of teachers. A picture without a person
    counts as one of a new person. Raises ``DatasetError`` if the CSV file or a picture cannot be
    read, or if no picture has a face.
    """
    pictures = read_labelled_pictures(folder, labels_csv, EMOTIONS, optional=True)
    rows, wide_crops, crops = [], [], []
    with click.progressbar(pictures, label=labels_csv.name, file=sys.stderr) as bar:
        for row, picture in enumerate(bar):
            found = _largest_face(picture.path, analyzer)
            if found is not None:
                rows.append(row)
                wide_crops.append(found[0])
                crops.append(found[1])
    if not rows:
        raise DatasetError(f"{labels_csv}: no face was found in any of its pictures.")
    click.echo(f"{labels_csv}: a face in {len(rows)} of {len(pictures)} pictures", err=True)
    chosen = [pictures[row] for row in rows]
    return PictureFaces(
        name=labels_csv.stem,
        rows=np.array(rows, np.int64),
        wide_crops=np.stack(wide_crops),
        crops=np.stack(crops),
        labels=np.array([picture.label for picture in chosen], np.int64),
        people=np.array([picture.person or str(picture.path) for picture in chosen]),
        csv_lines=len(pictures),
    )


def _largest_face(
    path: Path, analyzer: Analyzer
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """The wide crop and the crop of a picture's largest face; None without a face."""
    try:
        found = analyzer.find(read_picture(path))
    except PictureError as error:
        raise DatasetError(f"{path}: {error}") from error
    if not found.faces:
        return None
    face = max(found.faces, key=lambda each: each.box.area)
    square = face_square(face.box, face.points)
    wide = replace(square, side=MARGIN * square.side)
    return wide.cut(found.picture, WIDE_PX), analyzer.crops(found.picture, [face])[0]


def held_out_people(faces: PictureFaces, seed: int) -> NDArray[np.bool_]:
    """The faces of a random third of the people with labelled faces: ``(n,)`` bool.

    All false if no face has a label. Raises ``DatasetError`` for labelled faces of fewer than three
    people.
    """
    labelled = faces.labels != UNLABELLED
    everybody = np.unique(faces.people[labelled])
    if labelled.any() and len(everybody) < HELD_OUT:
        raise DatasetError(
            f"{faces.name} has labelled faces of {len(everybody)} people. Give it at least "
            f"{HELD_OUT}: a third of them is held out for validation."
        )
    held_out = np.random.default_rng(seed).permutation(everybody)[: len(everybody) // HELD_OUT]
    return np.isin(faces.people, held_out)


def tile_source(faces: LabelledFaces) -> Source:
    """FER2013's training tiles."""
    targets = training_targets(faces, SMOOTHING)
    return Source(TILES, faces.tiles, targets, log_prior=log_prior(targets[SHOWN]))


def picture_source(faces: PictureFaces) -> Source:
    """Training faces of whole pictures; classes are drawn by the root of their frequency."""
    classes = len(EMOTIONS)
    counts = np.bincount(faces.labels + 1, minlength=classes + 1)  # index 0: without a label
    weights = (1.0 / np.sqrt(np.maximum(counts, 1)))[faces.labels + 1].astype(np.float32)
    targets = one_hot(faces.labels, classes, SMOOTHING)
    frequencies = one_hot(faces.labels, classes) * weights[:, None]
    prior = log_prior(frequencies) if frequencies.any() else None
    augmentation = PICTURES_AUGMENTATION
    return Source(faces.name, faces.wide_crops, {SHOWN: targets}, augmentation, prior, weights)


def validation_tiles(
    faces: LabelledFaces, side: int, prior: NDArray[np.float32]
) -> list[ValidationSet]:
    """FER2013's validation tiles: the shown head with the FER+ majority, and FER2013's labels."""
    tiles = to_tiles(faces.tiles, side)
    zeros = np.zeros_like(prior)
    return [
        ValidationSet(FERPLUS, tiles, SHOWN, faces.majority, PRIOR_KEPT * prior),
        ValidationSet(FER2013, tiles, FER2013, faces.labels, zeros),
    ]


def validation_pictures(
    faces: PictureFaces, side: int, prior: NDArray[np.float32]
) -> ValidationSet:
    """Validation faces of whole pictures, cropped as in the dashboard."""
    tiles = to_tiles(faces.crops, side)
    return ValidationSet(faces.name, tiles, SHOWN, faces.labels, PRIOR_KEPT * prior)


def check_names(tables: Sequence[Path]) -> None:
    """Raise ``DatasetError`` if two CSV files have the same name, or the name of a FER2013 part."""
    names = [TILES, FERPLUS, FER2013, *(table.stem for table in tables)]
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(f"Two sources are called {name}. Rename one of the CSV files.")
