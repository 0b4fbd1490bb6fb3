"""Tests of CSV that is safe in spreadsheets, and that data frames read back unchanged."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import polars
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fer_core.cli.main import main
from fer_core.export.files import to_csv
from fer_core.schema import FrameResult
from fer_core.timeline.spreadsheet import BOM, csv_row, harmless, original, table_to_csv
from fer_core.timeline.table import table_csv
from tests.conftest import SAMPLE
from tests.sessions import bump, face, session

FORMULAS = [
    "=1+1.jpg", "+1.jpg", "-1.jpg", "@SUM(1).jpg", "\t=1.jpg", "\r=1.jpg", "\n=1.jpg",
    "=HYPERLINK(\"http://evil.example\",\"open\").jpg", "\uff1d1.jpg", "\uff0b1",
    "\uff0d1", "\uff201",
    "'=1.jpg", "''-1.jpg", "\x01a.jpg", "-3.5", "=cmd|' /C calc'!A0",
]  # fmt: skip
PLAIN = [
    "a.jpg",
    "Jürgen Müller 的照片.jpg",
    "1-2=3.jpg",
    "'quoted'.jpg",
    "'0'=1.jpg",
    'a,b;c"d.jpg',
    " x",
    "😀",
    "Icon\r",
]


def begins_a_formula(cell: str) -> bool:
    return cell[:1] in "=+-@\uff1d\uff0b\uff0d\uff20" or cell[:1] < " "


@pytest.mark.parametrize("text", FORMULAS)
def test_what_begins_like_a_formula_is_made_harmless(text):
    assert harmless(text) == f"'{text}"
    assert original(harmless(text)) == text


@pytest.mark.parametrize("cell", [*PLAIN, "", -3.5, 7, None, True])
def test_everything_else_stays_as_it_is(cell):
    assert harmless(cell) == original(cell) == cell


@given(st.text() | st.from_regex("'*[=+@-].*"))
def test_no_text_is_a_formula_and_none_is_lost(text):
    safe = harmless(text)
    assert not safe or not begins_a_formula(safe)
    assert original(safe) == text


# What README.md tells readers to do, in the regular expressions of both.
APOSTROPHE = "^'('*[=+\\-@\uff1d\uff0b\uff0d\uff20\x00-\x1f\x7f])"


def read_by_both(data: bytes) -> tuple[pd.DataFrame, polars.DataFrame]:
    """The tables as pandas and Polars read them, with the original texts."""
    one = pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values=[""])
    texts = one.select_dtypes(["object", "str"]).columns
    one[texts] = one[texts].apply(lambda column: column.str.replace(APOSTROPHE, r"\1", regex=True))
    other = polars.read_csv(data, infer_schema_length=None).with_columns(
        polars.col(polars.String).str.replace(APOSTROPHE, "${1}")
    )
    return one, other


@pytest.mark.parametrize("bom", [b"", BOM])
def test_pandas_and_polars_read_what_was_written(bom):
    names = [*PLAIN, *FORMULAS]
    result = FrameResult(64, 48, (face(0.25),), "compact", "haar")
    data = bom + to_csv(dict.fromkeys(names, result))
    for table in read_by_both(data):
        assert list(table["file"]) == names
        assert np.allclose(table["happy"], 0.25)
        assert np.allclose(table["x"], 10)
        assert table.columns[0] == "file"  # without the BOM


def test_a_carriage_return_is_quoted_and_rows_end_with_a_line_feed():
    """Also before Python 3.13, where a writer quotes only what its own rows end with."""
    assert csv_row(["Icon\r", "=1", 2]) == '"Icon\r",\'=1,2\n'
    assert table_to_csv(pd.DataFrame({"file": ["Icon\r", "a"]})) == b'file\n"Icon\r"\na\n'


def test_negative_numbers_stay_numbers():
    table = session({1: bump(3.0)}, seconds=5.0)
    table["yaw_deg"], table["valence"] = -3.5, -0.25
    for read in read_by_both(table_csv(table)):
        assert (read["yaw_deg"] == -3.5).all()
        assert (read["valence"] == -0.25).all()


def test_own_classes_are_harmless_as_columns_and_as_cells():
    labels = ("=evil()", "calm")
    data = table_csv(session({1: bump(3.0)}, seconds=5.0, labels=labels)).decode()
    assert "'=evil()" in data.splitlines()[0].split(",")
    assert "'raw_" not in data
    cells = {cell for line in data.splitlines() for cell in line.split(",")}
    assert "=evil()" not in cells
    [dominant] = {
        original(each) for each in pd.read_csv(io.StringIO(data))["dominant"].unique()
    } - {"calm"}
    assert dominant == "=evil()"


def test_the_command_line_prints_harmless_names_and_no_mark_before_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("=1+1.jpg", "Jürgen.jpg"):
        (tmp_path / name).write_bytes(SAMPLE.read_bytes())
    (tmp_path / "@broken.jpg").write_bytes(b"nothing")
    options = ["--format", "csv", "--detector", "scout", "--emotion", "compact"]
    printed = CliRunner().invoke(
        main, ["analyze", *options, "=1+1.jpg", "Jürgen.jpg", "@broken.jpg"]
    )
    data = printed.stdout_bytes
    assert data.startswith(b"file,")
    assert {b"'=1+1.jpg", b"'@broken.jpg", "Jürgen.jpg".encode()} <= {
        line.partition(b",")[0] for line in data.splitlines()
    }
    for table in read_by_both(data):
        assert list(dict.fromkeys(table["file"])) == ["=1+1.jpg", "Jürgen.jpg", "@broken.jpg"]
