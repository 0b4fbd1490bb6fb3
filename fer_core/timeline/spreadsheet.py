"""Writes CSV that is safe to open in a spreadsheet: no cell is run as a formula.

A file name, a note or a class may begin with ``=``, which Excel, LibreOffice and Google Sheets
would run as a formula. As OWASP advises ("CSV Injection"), text that begins with such a character
gets an apostrophe before it; numbers are not changed. ``original`` removes the apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

BOM = b"\xef\xbb\xbf"
"""The byte order mark that tells Excel that a file is UTF-8. pandas, Polars and readr ignore it."""

# Japanese and Chinese spreadsheets also accept the full-width forms. Text that already begins with
# an apostrophe gets another one, so that ``original`` restores it.
_FORMULA = re.compile(r"'*[=+\-@\uff1d\uff0b\uff0d\uff20\x00-\x1f\x7f]")
_HARMLESS = re.compile(rf"'(?={_FORMULA.pattern})")


_CRLF = "\r\n"


class RowsOfText(io.StringIO):
    """Takes what a writer of CSV writes, and ends rows with a line feed.

    Before Python 3.13 such a writer quotes a carriage return in a cell only if its own rows end
    with one; most readers begin a new row at any. To be used with the line terminator CRLF.
    """

    def write(self, row: str) -> int:
        """Write one row, as ``csv.writer`` does it."""
        return super().write(row.removesuffix(_CRLF) + "\n")


def csv_row(cells: Iterable[Any]) -> str:
    """A row of CSV with its line feed, ``harmless`` applied to each cell."""
    text = RowsOfText()
    csv.writer(text, lineterminator=_CRLF).writerow(map(harmless, cells))
    return text.getvalue()


def harmless(cell: Any) -> Any:
    """The cell, with an apostrophe before text that a spreadsheet could run as a formula."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def original(cell: Any) -> Any:
    """The cell as it was before ``harmless``."""
    return cell[1:] if isinstance(cell, str) and _HARMLESS.match(cell) else cell


def table_to_csv(table: pd.DataFrame, header: bool = True) -> bytes:
    """The table as CSV in UTF-8, with ``harmless`` applied to texts and column names.

    Without the ``header`` it continues a file that has one.
    """
    safe = table.copy(deep=False)
    for name in table.columns[table.dtypes.map(_holds_texts)]:
        safe[name] = table[name].map(harmless)
    safe.columns = table.columns.map(harmless)
    text = RowsOfText()
    safe.to_csv(text, index=False, header=header, lineterminator=_CRLF)
    return text.getvalue().encode()


def _holds_texts(kind: Any) -> bool:
    import pandas as pd  # optional and slow to import; a single cell does not need it

    return bool(pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind))
