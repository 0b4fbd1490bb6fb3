"""Tests of Parquet files of rows, and of merging them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from fer_core.batch import merge as merging
from fer_core.batch import rows as rows_module
from fer_core.batch.files import Item
from fer_core.batch.merge import merge
from fer_core.batch.rows import Failure, PartFile, RowRange, is_batch, row_ranges
from fer_core.errors import VideoError
from fer_core.labels import EMOTIONS
from fer_core.schema import Box, Face, FrameResult
from fer_core.timeline.table import columns
from tests.batch.folders import table
from tests.media.clips import disk_full_after

FACE = Face(Box(1, 2, 3, 4), 0.9, probabilities=(0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1), track_id=1)


def frame(t_s: float = 0.0, faces: int = 1) -> FrameResult:
    return FrameResult(9, 9, (FACE,) * faces, "model", "detector", t_s)


def video(name: str) -> Item:
    return Item(Path(name), name, "video", 1, 1)


def write(path: Path, counts: dict[str, int]) -> Path:
    """A part with this many frames per file; the stamps are the files' names with a dot."""
    with PartFile(path, EMOTIONS) as part:
        for name, count in counts.items():
            for i in range(count):
                part.result(video(name), f"{name}.", frame(float(i)))
    return path


def test_the_columns_are_those_of_a_timeline_and_documented(tmp_path):
    path = write(tmp_path / "p", {"a": 2})
    names = ["file", "kind", *columns(), "model", "detector", "error", "note", "stamp"]
    found = table(path)
    assert list(found.columns) == names
    assert str(found["track_id"].dtype) == "Int64"
    assert str(found["attentive"].dtype) == "boolean"
    told = parquet.read_schema(path).metadata
    assert list(json.loads(told[b"columns"])) == names
    assert json.loads(told[b"labels"]) == list(EMOTIONS)


def test_a_frame_without_a_face_is_a_row_without_one(tmp_path):
    with PartFile(tmp_path / "p", EMOTIONS) as part:
        part.result(video("a"), "s", frame(1.5, faces=0))
    [row] = table(tmp_path / "p").to_dict("records")
    assert (row["file"], row["t_s"], row["model"], row["stamp"]) == ("a", 1.5, "model", "s")
    assert [name for name in columns() if row[name] == row[name] is not None][:1] == ["t_s"]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8])
def test_an_error_stands_in_the_last_row(tmp_path, monkeypatch, count):
    monkeypatch.setattr(rows_module, "ROWS_AT_ONCE", 4)
    path = tmp_path / "p"
    with PartFile(path, EMOTIONS) as part:
        part.result(video("before"), "s", frame())
        for i in range(count):
            part.result(video("a"), "s", frame(float(i)))
        part.failure(video("a"), "s", Failure("It broke."))
        part.failure(video("b"), "s", Failure("Out of reach.", lasting=False))
    found = table(path).groupby("file", sort=False)
    assert list(found.groups) == ["before", "a", "b"]
    rows = found.get_group("a")
    assert len(rows) == max(1, count)
    assert rows["error"].dropna().to_dict() == {rows.index[-1]: "It broke."}
    told = row_ranges(path)
    assert (told["a"].failed, told["a"].stamp, told["before"].failed) == (True, "s", False)
    assert (told["b"].failed, told["b"].stamp) == (True, "")


def test_a_long_video_comes_in_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "ROWS_AT_ONCE", 10)
    path = write(tmp_path / "p", {"a": 35, "b": 3})
    file = parquet.ParquetFile(path)
    assert [file.metadata.row_group(i).num_rows for i in range(4)] == [10, 10, 10, 8]
    assert row_ranges(path) == {
        "a": RowRange(path, 0, 35, "a.", False),
        "b": RowRange(path, 35, 3, "b.", False),
    }


def test_half_a_part_is_no_part(tmp_path):
    def interrupted():
        with PartFile(tmp_path / "p", EMOTIONS) as part:
            part.result(video("a"), "s", frame())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "ROWS_AT_ONCE", 50)
    with pytest.raises(VideoError, match="disk is full"), disk_full_after(4096):
        write(tmp_path / "p", {"a": 200})
    assert list(tmp_path.iterdir()) == []


def test_which_files_are_tables_of_a_batch(tmp_path):
    assert is_batch(write(tmp_path / "p", {"a": 1}))
    table(tmp_path / "p").to_parquet(tmp_path / "other")
    (tmp_path / "cut").write_bytes((tmp_path / "p").read_bytes()[:-9])
    assert not any(is_batch(tmp_path / name) for name in ("other", "cut", "missing"))
    assert not is_batch(tmp_path)


@hypothesis.settings(max_examples=10)
@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    parts=st.data(),
    group=st.integers(1, 5),
)
def test_merging_keeps_every_row_in_the_order_asked_for(tmp_path_factory, counts, parts, group):
    folder = tmp_path_factory.mktemp("merge")
    names = [f"{i:02}" for i in range(len(counts))]
    where = {name: parts.draw(st.integers(0, 2)) for name in names}
    found: dict[str, RowRange] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "ROWS_AT_ONCE", group)
        patch.setattr(merging, "ROWS_AT_ONCE", group)
        for number in set(where.values()):
            mine = {n: c for n, c in zip(names, counts, strict=True) if where[n] == number}
            found |= row_ranges(write(folder / str(number), mine))
        merge([found[name] for name in names], folder / "out", EMOTIONS)
        out = table(folder / "out")
        assert out["file"].tolist() == [
            n for n, c in zip(names, counts, strict=True) for _ in range(c)
        ]
        assert out["t_s"].tolist() == [float(i) for c in counts for i in range(c)]
        again = row_ranges(folder / "out")
        assert [replace(p, path=Path(), start=0) for p in again.values()] == [
            replace(found[n], path=Path(), start=0) for n in names
        ]
        starts = [place.start for place in again.values()]
        assert all(a < b for a, b in pairwise(starts))


def test_merging_into_one_of_the_files_that_are_merged(tmp_path):
    out = write(tmp_path / "out", {"a": 2, "b": 3, "c": 1})
    part = write(tmp_path / "part", {"b": 5})
    before, new = row_ranges(out), row_ranges(part)
    merge([before["a"], new["b"]], out, EMOTIONS)
    assert table(out)["file"].tolist() == ["a"] * 2 + ["b"] * 5
