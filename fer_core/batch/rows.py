"""The rows of a batch: their columns, their Parquet files, and which rows belong to which file."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from fer_core.batch.files import Item
from fer_core.export.records import BATCH_AFTER, BATCH_BEFORE, BATCH_TEXTS
from fer_core.export.table_sinks import ROWS_AT_ONCE, column_notes, column_types
from fer_core.media.atomic_file import OutputFile
from fer_core.media.names import as_text
from fer_core.schema import FrameResult
from fer_core.timeline.table import as_table, columns, frame_numbers

_NOTES = {
    "file": "path of the file below the folder",
    "kind": "picture or video",
    "t_s": "seconds since the first frame of the video; 0 for a picture",
    "track_id": "number of the face: in a video the same from frame to frame, in a picture by "
    "size; null: no face in this frame",
    "model": "the emotion model",
    "detector": "the face detector",
    "error": "what went wrong; null if nothing did. In the last row of a video that was "
    "partly read, else in the only row of the file",
    "note": "in the last row of an analysed file: what is missing from it, was not analysed or was "
    "left out, and whether faces could not be followed; null: nothing",
    "stamp": "identifies the file, its size, its time of change and the analysis for a later run; "
    "empty: it is analysed again",
}

_MADE_BY = b"fer_core_batch"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file, or the rest of it, could not be analysed.

    ``lasting``: a retry would fail again as long as neither the file nor the models change.
    """

    sentence: str
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class RowRange:
    """The range of a file's rows: ``count`` rows of a Parquet file, from ``start`` on."""

    path: Path
    start: int
    count: int
    stamp: str
    failed: bool


def schema(labels: Sequence[str]) -> pa.Schema:
    """The columns: file, kind, ``timeline.columns(labels)``, model, detector, error, stamp.

    The metadata hold ``labels`` (a JSON list) and ``columns`` (a JSON object: their meanings).
    """
    text = pa.string()
    plain = pa.schema(
        [
            *((name, text) for name in BATCH_BEFORE),
            *column_types(labels),
            *((name, text) for name in BATCH_AFTER),
        ]
    )
    notes = {**column_notes(labels), **_NOTES}
    metadata = {
        _MADE_BY: b"1",
        b"labels": json.dumps(list(labels)).encode(),
        b"columns": json.dumps({name: notes[name] for name in plain.names}).encode(),
    }
    empty = _table(np.empty((0, len(columns(labels)))), labels, {name: [] for name in BATCH_TEXTS})
    # With it, pandas keeps integer and boolean columns that have gaps.
    pandas = pa.Schema.from_pandas(empty, preserve_index=False).metadata or {}
    return plain.with_metadata({**pandas, **metadata})


class RowsFile(OutputFile):
    """A Parquet file of rows, written a row group at a time.

    Unlike other outputs it is removed if its ``with`` block ends with an exception, because the
    next run would take an incomplete one for a complete one.
    """

    def __init__(self, path: Path, labels: Sequence[str], shown: str | None = None) -> None:
        super().__init__(path, shown)
        self.labels = tuple(labels)
        self._schema = schema(labels)

    def write(self, rows: pa.Table) -> None:
        """Add a row group. Raises ``VideoError`` if the file cannot be written."""
        with self._guarded():
            self._writer.write_table(rows)

    def _open(self) -> None:
        self._file: IO[bytes] = self.part.open("wb")
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")

    def _finish(self, whole: bool) -> None:  # noqa: ARG002 - for the next class
        self._writer.close()
        self._file.close()

    def _is_to_keep(self, whole: bool) -> bool:
        return whole

    def _abandon(self) -> None:
        # pyarrow would try to write the footer again when the writer is deleted.
        with suppress(OSError, AttributeError):
            self._writer.close()
        with suppress(OSError, AttributeError):
            self._file.close()


class PartFile(RowsFile):
    """The rows of a piece of work, file after file."""

    def _open(self) -> None:
        self._forget()
        super()._open()

    def result(self, item: Item, stamp: str, result: FrameResult) -> None:
        """Add a picture, or the next frame of a video."""
        self._add(item, stamp, frame_numbers(result, self.labels), result.model, result.detector)

    def failure(self, item: Item, stamp: str, failure: Failure) -> None:
        """Add an error to the last row of the file, or in its only row."""
        if self._texts["file"][-1:] != [item.file]:
            self._add(item, stamp, [[np.nan] * len(columns(self.labels))], None, None)
        self._texts["error"][-1] = as_text(failure.sentence)
        self._texts["stamp"][-1] = stamp if failure.lasting else ""

    def note(self, text: str) -> None:
        """Set a column in the last row of the file that was added last."""
        self._texts["note"][-1] = text

    def _add(
        self,
        item: Item,
        stamp: str,
        rows: list[list[float]],
        model: str | None,
        detector: str | None,
    ) -> None:
        # Before the next rows instead of after these: the last row may still get an error.
        if len(self._texts["file"]) >= ROWS_AT_ONCE:
            self._flush()
        for numbers in rows:
            self._numbers.extend(numbers)
            texts = (item.file, item.kind, model, detector, None, None, stamp)
            for name, text in zip(BATCH_TEXTS, texts, strict=True):
                self._texts[name].append(text)

    def _flush(self) -> None:
        numbers = np.array(self._numbers).reshape(-1, len(columns(self.labels)))
        table = _table(numbers, self.labels, self._texts)
        self._forget()
        self.write(pa.Table.from_pandas(table, schema=self._schema, preserve_index=False))

    def _forget(self) -> None:
        self._numbers = array("d")
        self._texts: dict[str, list[str | None]] = {name: [] for name in BATCH_TEXTS}

    def _finish(self, whole: bool) -> None:
        if whole and self._texts["file"]:
            self._flush()
        super()._finish(whole)


def is_batch(path: Path) -> bool:
    """Whether a file is a table made by a batch; false if it is another file or damaged."""
    try:
        return _MADE_BY in (parquet.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError):
        return False


def row_ranges(path: Path) -> dict[str, RowRange]:
    """The range of each file's rows in a Parquet file that is grouped by file.

    Raises ``pyarrow.ArrowException`` or ``OSError`` for a file that cannot be read.
    """
    found: dict[str, RowRange] = {}
    first = 0
    with parquet.ParquetFile(path) as rows:
        for group in range(rows.num_row_groups):
            table = rows.read_row_group(group, ["file", "stamp", "error"])
            for file, start, end, stamp, failed in _runs(table):
                before = found.get(file)
                found[file] = RowRange(
                    path,
                    before.start if before else first + start,
                    (before.count if before else 0) + end - start,
                    stamp,
                    failed,
                )
            first += table.num_rows
    return found


def _runs(table: pa.Table) -> Iterator[tuple[str, int, int, str, bool]]:
    """Each file with its first row, the row after its last, its stamp, and whether it failed.

    Errors are in a file's last row.
    """
    runs = pc.run_end_encode(table["file"].combine_chunks())
    ends = runs.run_ends.to_pylist()
    last = table.take([end - 1 for end in ends])
    failed = last["error"].is_valid().to_pylist()
    last_rows = zip(runs.values.to_pylist(), ends, last["stamp"].to_pylist(), failed, strict=True)
    start = 0
    for file, end, stamp, has_failed in last_rows:
        yield file, start, end, stamp, has_failed
        start = end


def _table(
    numbers: NDArray[np.float64],
    labels: Sequence[str],
    texts: Mapping[str, Sequence[str | None]],
) -> pd.DataFrame:
    named = pd.DataFrame(texts, dtype="str")
    return pd.concat(
        [named[[*BATCH_BEFORE]], as_table(numbers, labels), named[[*BATCH_AFTER]]], axis=1
    )
