"""Faces for synthetic scenes: contact sheets of tiles with boxes, and the split by person.

Needs no PyTorch; whatever cannot be read raises ``DatasetError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.models.landmarks import MIN_PRESENCE, LandmarkModel
from fer_core.schema import Box
from fer_core.training.dataset_files import read_bgr, read_rows, refuse_rows, to_grey

TILE_PX = 160
TILES_PER_ROW, TILES_PER_SHEET = 40, 1600

HELD_OUT_SHARE = 0.08
"""The share of people, at least one, whose faces make the validation scenes."""

_NAMELESS_BLOCK = 64
"""Without names, this many tiles in a row count as one person, because neighbouring tiles often
show the same picture."""

_BOX = ("x", "y", "w", "h")


@dataclass(frozen=True, slots=True, eq=False)
class FaceTiles:
    """Cropped faces with their surroundings.

    ``pictures``: ``(n, 160, 160)`` uint8, grey. ``boxes``: ``(n, 4)`` float32, left, top, width and
    height. ``points``: ``(n, 5, 2)`` float32, eyes, nose tip and corners of the mouth, the person's
    right ones first; NaN where unknown. ``rims``: ``(n, 4)`` float32, left, top, right and bottom
    of the photographed part; outside it, its edge is repeated. ``people``: ``(n,)`` str. All in
    pixels of the tile.
    """

    pictures: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    rims: NDArray[np.float32]
    people: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.pictures)

    def subset(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> FaceTiles:
        """The faces where the ``(n,)`` mask ``keep`` is true, or those of the rows ``keep``."""
        return FaceTiles(
            self.pictures[keep],
            self.boxes[keep],
            self.points[keep],
            self.rims[keep],
            self.people[keep],
        )


def read_face_tiles(folder: Path, landmarks: LandmarkModel) -> FaceTiles:
    """Read every sub-folder NAME that holds NAME.csv and its contact sheets, NAME_0.webp and on.

    A sheet has 40 tiles of 160 pixels per row and at most 1,600, in the order of the csv, whose
    columns are x, y, w, h, the face's box in pixels of the tile, and optionally person.
    ``landmarks`` finds the five points. Raises ``DatasetError`` if there are none, or anything is
    malformed.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder. Check the path.")
    names = sorted(path.name for path in folder.iterdir() if (path / f"{path.name}.csv").is_file())
    if not names:
        raise DatasetError(
            f"{folder} holds no faces. It needs sub-folders NAME, each with NAME.csv and the "
            "contact sheets NAME_0.webp, NAME_1.webp and on."
        )
    sets = [_read_set(folder / name, landmarks) for name in names]
    return FaceTiles(
        *(
            np.concatenate([getattr(each, field) for each in sets])
            for field in FaceTiles.__dataclass_fields__
        )
    )


def split_by_person(tiles: FaceTiles, seed: int) -> tuple[FaceTiles, FaceTiles]:
    """Faces for training, and faces of other people for validation.

    Raises ``DatasetError`` if there are fewer than two people.
    """
    people = np.unique(tiles.people)
    if len(people) < 2:
        raise DatasetError(
            "Training needs the faces of at least two people, one of them for validation. "
            "Name them in a column person."
        )
    chosen = np.random.default_rng(seed).permutation(people)
    held_out = np.isin(tiles.people, chosen[: max(1, round(HELD_OUT_SHARE * len(people)))])
    return tiles.subset(~held_out), tiles.subset(held_out)


def _read_set(folder: Path, landmarks: LandmarkModel) -> FaceTiles:
    labels = folder / f"{folder.name}.csv"
    rows = read_rows(labels, set(_BOX), "It needs x, y, w, h.", "one for each tile")
    boxes = read_boxes(labels, rows)
    near, far = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    outside = np.any((near >= TILE_PX) | (far <= 0.0), axis=1)
    refuse_rows(labels, outside, "the box is outside the tile")
    pictures = _read_sheets(folder, len(rows))
    people = [row.get("person") or f"{i // _NAMELESS_BLOCK}" for i, row in enumerate(rows)]
    greys = np.stack([to_grey(picture) for picture in pictures])
    return FaceTiles(
        pictures=greys,
        boxes=boxes,
        points=_five_points(pictures, boxes, landmarks),
        rims=np.array([_rim(grey) for grey in greys], np.float32),
        people=np.array([f"{folder.name}/{person}" for person in people]),
    )


def read_boxes(path: Path, rows: Sequence[dict[str, str]]) -> NDArray[np.float32]:
    """The columns x, y, w, h: ``(n, 4)``.

    Raises ``DatasetError`` if they are not numbers, or a side is below a pixel.
    """
    try:
        boxes = np.array([[float(row[c]) for c in _BOX] for row in rows], np.float32)
        boxes = boxes.reshape(-1, len(_BOX))
    except ValueError as error:
        raise DatasetError(f"{path}: boxes must be numbers ({error}).") from error
    usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= 1.0).all(axis=1)
    flawed: NDArray[np.bool_] = ~np.asarray(usable)
    refuse_rows(path, flawed, "the box must be at least one pixel wide and high")
    return boxes


def _read_sheets(folder: Path, n: int) -> NDArray[np.uint8]:
    """``(n, 160, 160, 3)`` BGR."""
    sheets = []
    for first in range(0, n, TILES_PER_SHEET):
        path = folder / f"{folder.name}_{first // TILES_PER_SHEET}.webp"
        wanted = min(n - first, TILES_PER_SHEET)
        sheet = read_bgr(path)
        rows = -(-wanted // TILES_PER_ROW)
        if sheet.shape[:2] != (rows * TILE_PX, TILES_PER_ROW * TILE_PX):
            raise DatasetError(
                f"{path} has {sheet.shape[1]}x{sheet.shape[0]} pixels. {wanted} tiles of "
                f"{TILE_PX} pixels need {TILES_PER_ROW * TILE_PX}x{rows * TILE_PX}."
            )
        tiles = sheet.reshape(rows, TILE_PX, TILES_PER_ROW, TILE_PX, 3).swapaxes(1, 2)
        sheets.append(tiles.reshape(-1, TILE_PX, TILE_PX, 3)[:wanted])
    return np.concatenate(sheets)


def _five_points(
    pictures: NDArray[np.uint8], boxes: NDArray[np.float32], landmarks: LandmarkModel
) -> NDArray[np.float32]:
    """Five points from the landmark network's 68 in each box; NaN if it sees no face, as with many
    masks."""
    points = np.full((len(pictures), 5, 2), np.nan, np.float32)
    for i, (picture, (x, y, w, h)) in enumerate(zip(pictures, boxes.tolist(), strict=True)):
        box = Box(round(x), round(y), max(1, round(w)), max(1, round(h)))
        found = landmarks.locate(picture, [box])[0]
        if found.presence >= MIN_PRESENCE:
            eyes = found.points[36:42].mean(axis=0), found.points[42:48].mean(axis=0)
            points[i] = [*eyes, *found.points[[30, 48, 54]]]
    return points


_FLAT = 1.3
"""Mean difference in grey values of two neighbouring lines below which one repeats the other;
compression causes small differences."""


def _rim(grey: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part without repeated edges, which cover at most a third."""
    signed = grey.astype(np.int16)
    down = np.abs(np.diff(signed, axis=0)).mean(axis=1)
    across = np.abs(np.diff(signed, axis=1)).mean(axis=0)
    left, right, top, bottom = (
        _repeated(lines) for lines in (across, across[::-1], down, down[::-1])
    )
    return left, top, TILE_PX - right, TILE_PX - bottom


def _repeated(differences: NDArray[np.float64]) -> int:
    """How many lines from the edge on are equal; one more if there are any."""
    most = TILE_PX // 3
    changes = np.flatnonzero(differences[:most] >= _FLAT)
    count = int(changes[0]) if len(changes) else most
    return count + 1 if count else 0
