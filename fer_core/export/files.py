"""Encodes results and pictures as files: CSV, JSON, Parquet, ZIP, PNG and JPEG."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.export.records import columns, face_rows, picture_record
from fer_core.labels import EMOTIONS
from fer_core.schema import FrameResult
from fer_core.timeline.spreadsheet import table_to_csv


def faces_table(results: Mapping[str, FrameResult]) -> pd.DataFrame:
    """The ``face_rows`` of pictures by file name as a table with the columns ``records.columns``.

    All results must come from one network. A missing measure is NaN.
    """
    rows = [
        {key: math.nan if value is None else value for key, value in row.items()}
        for name, result in results.items()
        for row in face_rows(name, result)
    ]
    labels = next((result.labels for result in results.values()), EMOTIONS)
    return pd.DataFrame(rows, columns=list(columns(labels)))


def to_csv(results: Mapping[str, FrameResult]) -> bytes:
    """``faces_table`` as CSV, by ``spreadsheet.table_to_csv``."""
    return table_to_csv(faces_table(results))


def to_json(results: Mapping[str, FrameResult], notes: Mapping[str, str]) -> bytes:
    """A UTF-8 JSON list of ``picture_record``, with notes by file name."""
    records = [
        picture_record(name, result, notes.get(name, "")) for name, result in results.items()
    ]
    return json.dumps(records, indent=2).encode()


def table_json_lines(table: pd.DataFrame) -> bytes:
    """A table as JSON Lines, one line per row, UTF-8; missing values are null."""
    return table.to_json(orient="records", lines=True).encode()


def table_parquet(table: pd.DataFrame) -> bytes:
    """A table as a Parquet file, with its types."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def zip_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A ZIP archive of files with their names; only one of them is needed at a time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def to_png(bgr: NDArray[np.uint8]) -> bytes:
    """A picture ``(height, width, 3)`` uint8, BGR, as a PNG file."""
    done, encoded = cv2.imencode(".png", bgr)
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {bgr.shape} as PNG")
    return encoded.tobytes()


def to_jpeg(bgr: NDArray[np.uint8], quality: int = 80) -> bytes:
    """A picture ``(height, width, 3)`` uint8, BGR, as a JPEG file of this quality, 0..100."""
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {bgr.shape} as JPEG")
    return encoded.tobytes()
