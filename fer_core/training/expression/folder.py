"""Reads labelled faces from a folder with a folder per class.

``my_folder/smiling/1.png``, ``my_folder/serious/2.jpg`` …: each picture is one tightly cropped face
of any size; the names of the folders are the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.export.records import BATCH_TEXTS
from fer_core.export.records import columns as picture_columns
from fer_core.models.emotion.onnx_model import to_tiles
from fer_core.timeline.table import columns as timeline_columns
from fer_core.training.dataset_files import SUFFIXES, read_bgr, to_grey

HELD_OUT_SHARE = 0.2

TABLE_COLUMNS = {*picture_columns(()), *timeline_columns(()), *BATCH_TEXTS}
"""The names of the columns of result tables that are not classes."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassFolders:
    """``tiles``: ``(n, s, s)`` uint8, grey. ``labels``: ``(n,)`` int64, index into ``classes``."""

    tiles: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: list[str]


def read_class_folders(folder: Path, side: int) -> ClassFolders:
    """Read the central square of every picture of every class, resized to ``side`` pixels a side.

    Raises ``DatasetError`` if there are fewer than two classes, if a class has fewer than two
    pictures (one for training, one to hold out) or the name of a table's column, or if a picture
    cannot be read.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder. Check the path.")
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise DatasetError(f"{folder} needs a folder of pictures for each class, at least two.")
    taken = TABLE_COLUMNS | {f"raw_{each.name}" for each in folders}
    tiles: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for index, each in enumerate(folders):
        if each.name in taken:
            raise DatasetError(
                f"A class cannot be called {each.name}: result tables have a column of that name. "
                "Rename the folder."
            )
        pictures = sorted(p for p in each.iterdir() if p.suffix.lower() in SUFFIXES)
        if len(pictures) < 2:
            raise DatasetError(
                f"{each} has {len(pictures)} pictures. Put at least two there, or remove it."
            )
        tiles += [_read_tile(path, side) for path in pictures]
        labels += [index] * len(pictures)
    classes = [each.name for each in folders]
    return ClassFolders(np.stack(tiles), np.array(labels, np.int64), classes)


def held_out(labels: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """A random fifth of each class, at least one face: ``(n,)`` bool."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        mask[rows[: max(1, round(HELD_OUT_SHARE * len(rows)))]] = True
    return mask


def _read_tile(path: Path, tile: int) -> NDArray[np.uint8]:
    grey = to_grey(read_bgr(path))
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    square = grey[None, top : top + side, left : left + side]
    return np.asarray(to_tiles(square, tile)[0], np.uint8)
