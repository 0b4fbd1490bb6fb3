"""Merges parts into one file, in the order of the analysed files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from fer_core.batch.rows import RowRange, RowsFile
from fer_core.export.table_sinks import ROWS_AT_ONCE


def merge(found: Iterable[RowRange], out: Path, labels: Sequence[str]) -> int:
    """Write these ranges of rows to a file, in this order; returns how many rows there were.

    ``out`` may be one of the source files: it is replaced when everything is written. Only a few
    row groups are in memory at a time. Raises ``VideoError`` if it cannot be written.
    """
    read = _Reader()
    rows, waiting = 0, 0
    held: list[pa.Table] = []
    with RowsFile(out, labels) as file:
        for part in found:
            for some in read.rows(part):
                held.append(some)
                waiting += some.num_rows
                if waiting >= ROWS_AT_ONCE:
                    file.write(pa.concat_tables(held))
                    held, waiting = [], 0
                rows += some.num_rows
        if held:
            file.write(pa.concat_tables(held))
    return rows


class _Reader:
    """Reads rows of Parquet files by number. Caches the last row group, because files come in
    order."""

    def __init__(self) -> None:
        self._starts = lru_cache(maxsize=64)(_starts)
        self._group = lru_cache(maxsize=8)(_group)

    def rows(self, part: RowRange) -> Iterator[pa.Table]:
        """A range of rows, one row group at a time."""
        starts = self._starts(part.path)
        at, end = part.start, part.start + part.count
        while at < end:
            group = bisect_right(starts, at) - 1
            until = min(end, starts[group + 1])
            yield self._group(part.path, group).slice(at - starts[group], until - at)
            at = until


def _starts(path: Path) -> list[int]:
    """The number of the first row of each row group, and the total number of rows."""
    metadata = parquet.read_metadata(path)
    starts = [0]
    for group in range(metadata.num_row_groups):
        starts.append(starts[-1] + metadata.row_group(group).num_rows)
    return starts


def _group(path: Path, group: int) -> pa.Table:
    with parquet.ParquetFile(path) as file:
        return file.read_row_group(group)
