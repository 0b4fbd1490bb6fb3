"""Reads FER2013 from contact sheets and CSV files, and detects near-duplicates between two sets.

It needs no PyTorch. Files that cannot be read raise ``DatasetError``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_core.errors import DatasetError
from fer_core.labels import EMOTIONS, Emotion
from fer_core.training.dataset_files import read_rows

TILE = 48
"""Side of a tile in pixels."""

TILES_PER_ROW = 200
"""The number of tiles in a row of a contact sheet."""

UNLABELLED = -1
"""The label index of a face without a label."""

_VOTE_COLUMNS: dict[Emotion, str] = {
    Emotion.ANGRY: "votes_anger",
    Emotion.DISGUST: "votes_disgust",
    Emotion.FEAR: "votes_fear",
    Emotion.HAPPY: "votes_happiness",
    Emotion.SAD: "votes_sadness",
    Emotion.SURPRISE: "votes_surprise",
    Emotion.NEUTRAL: "votes_neutral",
}
_LABEL_COLUMN = "fer2013_label"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """Faces with the labels of FER2013 and the votes of FER+.

    ``tiles``: ``(n, 48, 48)`` uint8, grey. ``labels``: ``(n,)`` int64, FER2013's own label as an
    index into ``EMOTIONS``, or ``UNLABELLED``. ``votes``: ``(n, 7)`` int64, FER+'s votes in the
    order of ``EMOTIONS``, without those for contempt, unknown and not-a-face.
    """

    tiles: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tiles)

    def subset(self, keep: NDArray[np.bool_]) -> LabelledFaces:
        """The faces where the ``(n,)`` mask ``keep`` is true."""
        return LabelledFaces(self.tiles[keep], self.labels[keep], self.votes[keep])

    @property
    def majority(self) -> NDArray[np.int64]:
        """``(n,)`` int64: the expression with more than half of the votes for the seven, or
        ``UNLABELLED``.

        FER+'s own "majority" mode (Barsoum et al. 2016) needs more than half of all votes,
        including those for contempt, unknown and not-a-face, and so has fewer and easier faces.
        """
        winner = self.votes.argmax(axis=1)
        return np.where(self.votes.max(axis=1) * 2 > self.votes.sum(axis=1), winner, UNLABELLED)


def read_contact_sheet(sheet: Path, labels: Path) -> LabelledFaces:
    """Read a picture of 200 tiles per row, left to right, and the CSV file with a row per tile.

    Raises ``DatasetError`` if either file is missing or malformed, or if they do not match.
    """
    rows = read_rows(
        labels,
        {_LABEL_COLUMN, *_VOTE_COLUMNS.values()},
        "Give the csv that belongs to the contact sheet.",
        "one for each tile of the sheet",
    )
    index_of = {str(emotion): i for i, emotion in enumerate(EMOTIONS)} | {"": UNLABELLED}
    for line, row in enumerate(rows, start=2):
        if row[_LABEL_COLUMN] not in index_of:
            raise DatasetError(
                f"{labels}, line {line}: unknown label {row[_LABEL_COLUMN]!r}. "
                f"Use one of {', '.join(EMOTIONS)}, or leave it empty."
            )
    return LabelledFaces(
        tiles=_read_tiles(sheet, len(rows)),
        labels=np.array([index_of[row[_LABEL_COLUMN]] for row in rows], dtype=np.int64),
        votes=_read_votes(labels, rows),
    )


def _read_votes(path: Path, rows: list[dict[str, str]]) -> NDArray[np.int64]:
    columns = [_VOTE_COLUMNS[emotion] for emotion in EMOTIONS]
    try:
        votes = np.array([[int(row[c]) for c in columns] for row in rows], dtype=np.int64)
    except ValueError as error:
        raise DatasetError(f"{path}: votes must be whole numbers ({error}).") from error
    if votes.min() < 0:
        raise DatasetError(f"{path}: votes cannot be negative.")
    return votes


def _read_tiles(path: Path, count: int) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as picture:
            sheet = np.asarray(picture.convert("L"))
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is not there. Check the path.") from error
    except (OSError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path} is not a picture that can be read.") from error
    height, width = sheet.shape
    tile_rows = -(-count // TILES_PER_ROW)
    if width != TILES_PER_ROW * TILE or height != tile_rows * TILE:
        raise DatasetError(
            f"{path} is {width}x{height} pixels, but {count} tiles need "
            f"{TILES_PER_ROW * TILE}x{tile_rows * TILE}. Give the sheet that belongs to the csv."
        )
    tiles = sheet.reshape(tile_rows, TILE, TILES_PER_ROW, TILE).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, TILE, TILE)[:count])


def near_duplicates(
    tiles: NDArray[np.uint8], others: NDArray[np.uint8], threshold: float = 0.95
) -> NDArray[np.bool_]:
    """Which of ``tiles`` are near-duplicates of one of ``others``, mirrored or not.

    Both are ``(n, s, s)`` uint8. Two tiles are near-duplicates if the normalised correlation of
    their 12x12 averages is above ``threshold``. This tolerates recompression, a change of
    brightness or contrast, and a shift of a pixel or two. Returns ``(n,)`` bool.
    """
    signatures = _signatures(tiles)
    references = np.concatenate([_signatures(others), _signatures(others[:, :, ::-1])])
    block = 2048  # keeps the block of correlations below 100 MB
    found = [
        (signatures[i : i + block] @ references.T).max(axis=1, initial=-1.0) > threshold
        for i in range(0, len(signatures), block)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.bool_)


def _signatures(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = np.zeros((len(tiles), 12 * 12), np.float32)
    for row, tile in zip(flat, tiles, strict=True):
        row[:] = cv2.resize(tile.astype(np.float32), (12, 12), interpolation=cv2.INTER_AREA).ravel()
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat
