"""Where the faces of a run come from: FER2013's tiles, and folders of whole pictures.

A folder of pictures comes with a csv of the columns file, label and maybe person. The face of each
is found, turned level and framed by the product's own code, as it will be when the network is used.
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
from fer_core.training.expression.augment import Look
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
"""What FER2013's training part is called among the sources."""

MARGIN = 1.4
"""The side of a kept face, in sides of what the product cuts."""

KEPT_PX = 112

PICTURES_LOOK = Look(framed=1.0 / MARGIN, turn_deg=10.0, blurred=0.3)

SMOOTHING = 0.1

HELD_OUT = 3
"""Every so many-th person of a folder is kept apart for validation."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Faces of one kind, and what is learned from them.

    ``faces``: ``(n, p, p)`` uint8, grey. ``targets``: for each head that learns from them
    ``(n, classes)`` float32 shares; a row of zeros is a face without a label. ``log_prior``,
    ``(classes,)``, is added to the logits of the shown head while it learns their labels.
    ``drawn``, ``(n,)``, weighs how often each is drawn; without it each is drawn once an epoch.
    ``hints``, ``(n, classes)``, are what foreign networks say, as the mean logarithm of their
    shares; ``hint_weight`` of it is added to what our own teachers say.
    """

    name: str
    faces: NDArray[np.uint8]
    targets: dict[str, NDArray[np.float32]]
    look: Look = field(default_factory=Look)
    log_prior: NDArray[np.float32] | None = None
    drawn: NDArray[np.float32] | None = None
    hints: NDArray[np.float32] | None = None
    hint_weight: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Faces that a run is judged by, one label set of them.

    ``tiles``: ``(n, s, s)`` uint8, as the network gets them. ``labels``: ``(n,)`` int64 or
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

    ``name`` is that of its csv. ``rows``: ``(n,)``, the lines of the csv they come from, the first
    being 0: a picture without a face has none. ``kept``: ``(n, KEPT_PX, KEPT_PX)`` uint8, with a
    margin. ``crops``: ``(n, CROP_PX, CROP_PX)`` uint8, what the dashboard reads. ``labels``:
    ``(n,)`` int64 in the order of ``EMOTIONS`` or ``UNLABELLED``. ``people``: ``(n,)`` str.
    ``listed`` counts the lines of the csv.
    """

    name: str
    rows: NDArray[np.int64]
    kept: NDArray[np.uint8]
    crops: NDArray[np.uint8]
    labels: NDArray[np.int64]
    people: NDArray[np.str_]
    listed: int

    def subset(self, keep: NDArray[np.bool_]) -> PictureFaces:
        """The faces where the ``(n,)`` mask ``keep`` is true."""
        return replace(
            self,
            rows=self.rows[keep],
            kept=self.kept[keep],
            crops=self.crops[keep],
            labels=self.labels[keep],
            people=self.people[keep],
        )


def read_pictures(folder: Path, labels_csv: Path, analyzer: Analyzer) -> PictureFaces:
    """The largest face of each picture of a csv ``file, label[, person]``.

    A label may be empty: then only what teachers say of the face is learned. Without a person,
    each picture counts as another one's. Raises ``DatasetError`` if the csv or a picture cannot be
    read, or if no picture has a face.
    """
    pictures = read_labelled_pictures(folder, labels_csv, EMOTIONS, may_lack=True)
    rows, kept, crops = [], [], []
    with click.progressbar(pictures, label=labels_csv.name, file=sys.stderr) as bar:
        for row, picture in enumerate(bar):
            cut = _largest_face(picture.path, analyzer)
            if cut is not None:
                rows.append(row)
                kept.append(cut[0])
                crops.append(cut[1])
    if not rows:
        raise DatasetError(f"{labels_csv}: no face is found in any of its pictures.")
    click.echo(f"{labels_csv}: a face in {len(rows)} of {len(pictures)} pictures", err=True)
    chosen = [pictures[row] for row in rows]
    return PictureFaces(
        name=labels_csv.stem,
        rows=np.array(rows, np.int64),
        kept=np.stack(kept),
        crops=np.stack(crops),
        labels=np.array([picture.label for picture in chosen], np.int64),
        people=np.array([picture.person or str(picture.path) for picture in chosen]),
        listed=len(pictures),
    )


def _largest_face(
    path: Path, analyzer: Analyzer
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """The largest face of a picture with a margin, and as it is read; None without a face."""
    try:
        found = analyzer.find(read_picture(path))
    except PictureError as error:
        raise DatasetError(f"{path}: {error}") from error
    if not found.faces:
        return None
    face = max(found.faces, key=lambda each: each.box.area)
    square = face_square(face.box, face.points)
    wide = replace(square, side=MARGIN * square.side)
    return wide.cut(found.picture, KEPT_PX), analyzer.crops(found.picture, [face])[0]


def people_apart(faces: PictureFaces, seed: int) -> NDArray[np.bool_]:
    """A random third of the people whose faces have labels: ``(n,)`` bool, true where held out.

    Nobody where no face has a label. Raises ``DatasetError`` if there are fewer than three people.
    """
    labelled = faces.labels != UNLABELLED
    everybody = np.unique(faces.people[labelled])
    if labelled.any() and len(everybody) < HELD_OUT:
        raise DatasetError(
            f"{faces.name} has labelled faces of {len(everybody)} people. Give it at least "
            f"{HELD_OUT}: a third of them is held out for validation."
        )
    drawn = np.random.default_rng(seed).permutation(everybody)[: len(everybody) // HELD_OUT]
    return np.isin(faces.people, drawn)


def tile_source(faces: LabelledFaces) -> Source:
    """FER2013's training tiles."""
    targets = training_targets(faces, SMOOTHING)
    return Source(TILES, faces.tiles, targets, log_prior=log_prior(targets[SHOWN]))


def picture_source(faces: PictureFaces) -> Source:
    """Faces of whole pictures to learn from, classes drawn by the root of their frequency."""
    classes = len(EMOTIONS)
    counts = np.bincount(faces.labels + 1, minlength=classes + 1)  # first those without a label
    drawn = (1.0 / np.sqrt(np.maximum(counts, 1)))[faces.labels + 1].astype(np.float32)
    targets = one_hot(faces.labels, classes, SMOOTHING)
    as_drawn = one_hot(faces.labels, classes) * drawn[:, None]
    prior = log_prior(as_drawn) if as_drawn.any() else None
    return Source(faces.name, faces.kept, {SHOWN: targets}, PICTURES_LOOK, prior, drawn)


def judged_tiles(faces: LabelledFaces, side: int, prior: NDArray[np.float32]) -> list[Judged]:
    """FER2013's validation tiles: what is shown on the FER+ majority, and FER2013's own labels."""
    tiles = to_tiles(faces.tiles, side)
    zeros = np.zeros_like(prior)
    return [
        Judged(FERPLUS, tiles, SHOWN, faces.majority, PRIOR_KEPT * prior),
        Judged(FER2013, tiles, FER2013, faces.labels, zeros),
    ]


def judged_pictures(faces: PictureFaces, side: int, prior: NDArray[np.float32]) -> Judged:
    """Faces of whole pictures as the product reads them."""
    tiles = to_tiles(faces.crops, side)
    return Judged(faces.name, tiles, SHOWN, faces.labels, PRIOR_KEPT * prior)


def names_apart(tables: Sequence[Path]) -> None:
    """Raise ``DatasetError`` if two csv files have one name, or that of another part."""
    names = [TILES, FERPLUS, FER2013, *(table.stem for table in tables)]
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(f"Two sources are called {name}. Rename the csv file of one.")
