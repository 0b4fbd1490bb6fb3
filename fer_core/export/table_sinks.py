"""Writes tables of a video frame by frame in constant memory: CSV, JSON Lines and Parquet."""

from __future__ import annotations

import json
from abc import abstractmethod
from array import array
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from fer_core.media.atomic_file import OutputFile
from fer_core.schema import PROBLEMS, FrameResult
from fer_core.schema.action_units import ACTION_UNITS
from fer_core.timeline.table import as_table, columns, frame_numbers, table_csv

if TYPE_CHECKING:
    from pyarrow import parquet

ROWS_AT_ONCE = 4096
"""The number of rows that are held in memory, and in a row group of a Parquet file."""


class JsonLinesSink(OutputFile):
    """One line per frame: ``FrameResult.to_dict``, UTF-8."""

    def _open(self) -> None:
        self._file: IO[str] = self.part.open("w", encoding="utf-8")

    def write(self, result: FrameResult) -> None:
        """Add the next frame. Raises ``VideoError`` if the file cannot be written."""
        with self._guarded():
            self._file.write(json.dumps(result.to_dict()) + "\n")

    def _finish(self, whole: bool) -> None:  # noqa: ARG002 - a line is whole at any time
        self._file.close()

    def _abandon(self) -> None:
        with suppress(OSError, AttributeError):
            self._file.close()


class _TableSink(OutputFile):
    """Frames as rows of ``timeline.columns(labels)``, written ``ROWS_AT_ONCE`` at a time."""

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        super().__init__(path)
        self.labels = tuple(labels)
        self._numbers = array("d")
        self._rows = 0
        self._first: FrameResult | None = None

    def write(self, result: FrameResult) -> None:
        """Add the next frame.

        Raises ``VideoError`` if the file cannot be written, ``ValueError`` for a result of a
        network with other expressions.
        """
        self._first = self._first or result
        for numbers in frame_numbers(result, self.labels):
            self._numbers.extend(numbers)
            self._rows += 1
        if self._rows >= ROWS_AT_ONCE:
            with self._guarded():
                self._write_rows(self._take())

    def _take(self) -> pd.DataFrame:
        """Remove and return the rows that are not yet written."""
        width = len(columns(self.labels))
        table = as_table(np.array(self._numbers).reshape(-1, width), self.labels)
        self._numbers, self._rows = array("d"), 0
        return table

    @abstractmethod
    def _write_rows(self, table: pd.DataFrame) -> None:
        """Append a table of rows to ``part``."""


class CsvSink(_TableSink):
    """The table as CSV, by ``timeline.table_csv``."""

    def _open(self) -> None:
        self._file: IO[bytes] = self.part.open("wb")
        self._file.write(table_csv(self._take()))

    def _write_rows(self, table: pd.DataFrame) -> None:
        self._file.write(table_csv(table, header=False))

    def _finish(self, whole: bool) -> None:  # noqa: ARG002 - a row is whole at any time
        self._write_rows(self._take())
        self._file.close()

    def _abandon(self) -> None:
        with suppress(OSError, AttributeError):
            self._file.close()


class ParquetSink(_TableSink):
    """The table as Parquet with full precision; pandas reads the table of ``Timeline.to_frame``.

    Columns: ``t_s``, ``score``, the shares and the measures are double; ``track_id`` and the box
    int64; ``dominant`` and ``problems`` string; ``attentive`` bool; null if missing.
    The schema's metadata contain ``model``, ``detector``, ``labels`` (a JSON list) and ``columns``
    (a JSON object with the meaning, unit and range of each column).
    """

    def _open(self) -> None:
        self._writer: parquet.ParquetWriter | None = None
        self._file: IO[bytes] = self.part.open("wb")

    def _write_rows(self, table: pd.DataFrame) -> None:
        schema = _schema(table, self.labels, self._first)
        if self._writer is None:
            from pyarrow import parquet  # takes 5 MB of memory, needed only here

            self._writer = parquet.ParquetWriter(self._file, schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False))

    def _finish(self, whole: bool) -> None:  # noqa: ARG002 - a row is whole at any time
        if self._rows or self._writer is None:
            self._write_rows(self._take())
        if self._writer is not None:
            self._writer.close()
        self._file.close()

    def _abandon(self) -> None:
        # Otherwise pyarrow tries to write the footer again when the writer is deleted.
        with suppress(OSError, AttributeError):
            if self._writer is not None:
                self._writer.close()
        with suppress(OSError, AttributeError):
            self._file.close()


def _schema(table: pd.DataFrame, labels: Sequence[str], first: FrameResult | None) -> pa.Schema:
    plain = pa.schema(column_types(labels))
    metadata = {
        "model": first.model if first else "",
        "detector": first.detector if first else "",
        "labels": json.dumps([str(label) for label in labels]),
        "columns": json.dumps(column_notes(labels)),
    }
    # With this metadata, pandas restores integer and boolean columns that have missing values.
    pandas = pa.Schema.from_pandas(table, preserve_index=False).metadata or {}
    return plain.with_metadata({**pandas, **metadata})


def column_types(labels: Sequence[str]) -> list[tuple[str, pa.DataType]]:
    """The name and type of each column of ``timeline.columns(labels)`` in a Parquet file."""
    types = {"dominant": pa.string(), "attentive": pa.bool_(), "problems": pa.string()}
    types |= dict.fromkeys(("track_id", "x", "y", "w", "h"), pa.int64())
    return [(name, types.get(name, pa.float64())) for name in columns(labels)]


def column_notes(labels: Sequence[str]) -> dict[str, str]:
    """The meaning of each column of ``timeline.columns(labels)``, with its unit and range."""
    shares = {str(label): f"share of {label}, 0..1, smoothed over time" for label in labels}
    raw = {
        f"raw_{label}": f"share of {label}, 0..1, not smoothed: of this frame or, above 22 frames "
        "a second, of one shortly before"
        for label in labels
    }
    notes = {**_NOTES, **shares, **raw}
    return {name: notes[name] for name in columns(labels)}


_NOTES = {
    "t_s": "seconds since the first frame of the video",
    "track_id": "number of the face, the same from frame to frame; null: no face in this frame",
    "x": "left edge of the face's box, pixels",
    "y": "upper edge of the face's box, pixels",
    "w": "width of the face's box, pixels",
    "h": "height of the face's box, pixels",
    "score": "confidence of the detector, 0..1",
    "dominant": "the dominant expression, without flicker",
    "valence": "how pleasant the expression looks, -1..1, derived from the shares",
    "arousal": "how activated the expression looks, -1..1, derived from the shares",
    "presence": "certainty that this is a face, 0..1",
    "yaw_deg": "head turned, degrees, positive to the right of the picture",
    "pitch_deg": "head raised, degrees, positive up",
    "roll_deg": "head tilted, degrees, positive clockwise",
    "eye_aspect_ratio": "openness of the eyes, height over width",
    "mouth_aspect_ratio": "openness of the mouth, height over width",
    "gaze_yaw_deg": "eyes turned aside in the head, degrees, positive to the picture's right",
    "gaze_pitch_deg": "eyes raised in the head, degrees, positive up",
    "gaze_room_yaw_deg": "the same with the turn of the head: 0 into the camera",
    "gaze_room_pitch_deg": "the same with the turn of the head: 0 into the camera",
    **{
        unit.column: f"action unit {unit.number}, {unit.name}, 0 to 1, both sides; derived from "
        "the movements of the face, not coded by a person"
        for unit in ACTION_UNITS
    },
    "blinks_per_minute": "blinks a minute, in what was seen of the last one",
    "attentive": "face turned to the camera with its eyes open",
    "problems": "why the face cannot be read well, codes separated by spaces: "
    f"{', '.join(PROBLEMS)}; empty: it can be; null: not measured",
}
