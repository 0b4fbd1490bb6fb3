"""Reads csv files and pictures of labelled data; raises ``DatasetError`` if they are unusable."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError, PictureError, PictureTooLarge
from fer_core.media import images
from fer_core.media.images import read_picture

SUFFIXES = {f".{ending}" for ending in images.SUFFIXES}
"""The file name endings of the pictures that are read from a folder."""


ENCODING = "utf-8-sig"
"""Of a csv: UTF-8, with or without the byte order mark that spreadsheets write."""


def read_rows(path: Path, wanted: set[str], remedy: str, amount: str = "") -> list[dict[str, str]]:
    """The rows of a csv that has at least the columns ``wanted``.

    Raises ``DatasetError`` if it is missing or malformed: ``remedy`` is the sentence for a missing
    column, ``amount`` says how many rows there should be; without it there may be none.
    """
    try:
        with path.open(newline="", encoding=ENCODING) as file:
            reader = csv.DictReader(file, strict=True)
            header = reader.fieldnames or ()
            if missing := sorted(wanted - set(header)):
                raise DatasetError(
                    f"{path} lacks the columns {_named(missing)}. {remedy}{_hint(header)}"
                )
            rows = list(reader)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not a csv in UTF-8: {error}.") from error
    if amount and not rows:
        raise DatasetError(f"{path} has no rows. It needs {amount}.")
    for line, row in enumerate(rows, start=2):
        if any(row[column] is None for column in wanted):
            raise DatasetError(f"{path}, line {line}: the row is too short.")
    return rows


def _named(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return f"{', '.join(columns[:3])}{more}"


def _hint(header: Sequence[str]) -> str:
    """What else may be wrong with a csv whose first line was read as this ``header``."""
    other = len(header) == 1 and any(separator in header[0] for separator in ";\t")
    return " The columns must be separated by commas." if other else ""


def refuse_rows(path: Path, flawed: NDArray[np.bool_], sentence: str) -> None:
    """Raise ``DatasetError`` about the first row of a csv where ``flawed`` ``(n,)`` is true."""
    if flawed.any():
        raise DatasetError(f"{path}, line {int(flawed.argmax()) + 2}: {sentence}.")


def read_bgr(path: Path) -> NDArray[np.uint8]:
    """A picture ``(height, width, 3)``, read as in the dashboard; ``DatasetError`` if there is none
    at ``path``."""
    if not path.is_file():
        raise DatasetError(f"{path} is not there. Check the folder and the csv.")
    try:
        return read_picture(path)
    except PictureTooLarge as error:
        raise DatasetError(f"{path}: {error}") from error
    except PictureError as error:
        raise DatasetError(
            f"{path} is not a picture that can be read. Repair or remove it."
        ) from error


def to_grey(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(height, width, 3)`` BGR -> ``(height, width)``."""
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
