"""CSV that a spreadsheet shows as it is: no cell is taken for a formula, names keep their letters.

A file name, a note or a class may begin with ``=``, and Excel, LibreOffice and Google Sheets would
run it. As OWASP advises ("CSV Injection"), a text that begins with such a character gets an
apostrophe before it; numbers stay numbers. ``original`` takes it away again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

BOM = b"\xef\xbb\xbf"
"""What tells Excel that a file is UTF-8. pandas, Polars and readr pass over it."""

# The wide forms are the same to spreadsheets in Japanese and Chinese. A text that already has an
# apostrophe there gets another one, so that none is lost on the way back.
_FORMULA = re.compile(r"'*[=+\-@\uff1d\uff0b\uff0d\uff20\x00-\x1f\x7f]")
_HARMLESS = re.compile(rf"'(?={_FORMULA.pattern})")


def harmless(cell: Any) -> Any:
    """A cell for a spreadsheet: a text that it could take for a formula, with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def original(cell: Any) -> Any:
    """What ``harmless`` was given."""
    return _HARMLESS.sub("", cell, count=1) if isinstance(cell, str) and cell[:1] == "'" else cell


def table_to_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV, UTF-8, its texts and the names of its columns ``harmless``."""
    safe = table.copy(deep=False)
    for name in table.columns[table.dtypes.map(_holds_texts)]:
        safe[name] = table[name].map(harmless)
    safe.columns = table.columns.map(harmless)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text.encode()


def _holds_texts(kind: Any) -> bool:
    import pandas as pd  # not in every installation, and slow: one cell needs none of it

    return bool(pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind))
