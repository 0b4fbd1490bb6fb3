"""Parts put together into one file, in the order of the files they are about."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from fer_core.batch.rows import Place, RowsFile
from fer_core.export.table_sinks import ROWS_AT_ONCE


def merge(found: Iterable[Place], out: Path, labels: Sequence[str]) -> int:
    """Write the rows of these places to a file, in this order; how many there were.

    ``out`` may be one of the files they are in: it is replaced when all is written. No more than
    some row groups are in memory. Raises ``VideoError`` where it cannot be written.
    """
    read = _Reader()
    rows, waiting = 0, 0
    held: list[pa.Table] = []
    with RowsFile(out, labels) as file:
        for place in found:
            for some in read.rows(place):
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
    """Rows of Parquet files by their numbers. Remembers what it read last: files come in order."""

    def __init__(self) -> None:
        self._starts = lru_cache(maxsize=64)(_starts)
        self._group = lru_cache(maxsize=8)(_group)

    def rows(self, place: Place) -> Iterator[pa.Table]:
        """The rows of a place, a row group at a time."""
        starts = self._starts(place.path)
        at, end = place.start, place.start + place.count
        while at < end:
            group = bisect_right(starts, at) - 1
            until = min(end, starts[group + 1])
            yield self._group(place.path, group).slice(at - starts[group], until - at)
            at = until


def _starts(path: Path) -> list[int]:
    """The numbers of the first row of each row group, and that after the last row."""
    told = parquet.read_metadata(path)
    starts = [0]
    for group in range(told.num_row_groups):
        starts.append(starts[-1] + told.row_group(group).num_rows)
    return starts


def _group(path: Path, group: int) -> pa.Table:
    with parquet.ParquetFile(path) as file:
        return file.read_row_group(group)
