"""Tests of how the csv of labelled data is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_core.errors import DatasetError
from fer_core.schema.action_units import MOVEMENTS
from fer_core.training.dataset_files import read_rows
from fer_core.training.landmarks.data import tells_movements


def rows(path: Path) -> list[dict[str, str]]:
    return read_rows(path, {"file", "label"}, "It needs file and label.", "one for each picture")


def test_a_csv_of_a_spreadsheet_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("file,label\nä.png,happy\n", encoding="utf-8-sig")
    assert rows(path) == [{"file": "ä.png", "label": "happy"}]
    path.write_text(f"{MOVEMENTS[0]},file\n0.5,a.png\n", encoding="utf-8-sig")
    assert tells_movements(path)


@pytest.mark.parametrize(("separator", "hint"), [(";", True), ("\t", True), (",", False)])
def test_a_csv_with_other_separators_is_told_from_one_without_the_columns(
    tmp_path: Path, separator: str, hint: bool
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"file{separator}labels\na.png{separator}happy\n", encoding="utf-8")
    with pytest.raises(
        DatasetError, match=r"lacks the columns .*It needs file and label\."
    ) as said:
        rows(path)
    assert str(said.value).endswith("The columns must be separated by commas.") is hint
