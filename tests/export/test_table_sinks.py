"""Tests of CSV, JSON Lines and Parquet: the numbers of the timeline, and no incomplete files."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fer_core.analysis.face_state import READ_EVERY_S
from fer_core.errors import VideoError
from fer_core.export import table_sinks
from fer_core.export.table_sinks import CsvSink, JsonLinesSink, ParquetSink, column_notes
from fer_core.labels import EMOTIONS
from fer_core.schema import Box, Face, FaceQuality, FrameResult
from fer_core.schema.quality import PROBLEMS, as_text, in_order
from fer_core.timeline.table import Timeline, columns, table_csv
from tests.media.clips import disk_full_after

LABELS = ("tired", "awake")
ODD_LABELS = ("two\nlines", 'a "quote"', "=1+1", "a, b")
QUALITIES = (None, FaceQuality(), FaceQuality(40, problems=("small", "dark")))


def results(count: int = 25, labels: tuple[str, ...] = EMOTIONS) -> list[FrameResult]:
    """A face in two of three frames, two faces in some."""
    made = []
    for i in range(count):
        rest = (1 - (0.3 + i / 1000)) / (len(labels) - 1)
        shares = (0.3 + i / 1000, *[rest] * (len(labels) - 1))
        faces = [
            Face(Box(i, 2, 30, 40), 0.9, probabilities=shares, labels=labels, track_id=n + 1,
                 raw_probabilities=shares, attentive=bool(i % 2),
                 quality=QUALITIES[(i + n) % 3])
            for n in range(i % 3)
        ]  # fmt: skip
        made.append(FrameResult(640, 360, tuple(faces), "compact", "haar", i / 30, 3.0, labels))
    return made


def expected(made: list[FrameResult], labels: tuple[str, ...] = EMOTIONS) -> pd.DataFrame:
    timeline = Timeline(labels)
    for result in made:
        timeline.append(result)
    return timeline.to_frame()


def open_sink(kind: str, path):
    return JsonLinesSink(path) if kind == "jsonl" else {
        "csv": CsvSink, "parquet": ParquetSink}[kind](path, EMOTIONS)  # fmt: skip


def frames_in(path) -> int:
    """The frames in a file of any of the three kinds."""
    if path.suffix == ".jsonl":
        return len([json.loads(line) for line in path.read_text().splitlines()])
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    return table["t_s"].nunique()


def write_all(kind: str, path, made: list[FrameResult], then: type[BaseException] | None = None):
    with open_sink(kind, path) as sink:
        for result in made:
            sink.write(result)
        if then:
            raise then


KINDS = ["csv", "jsonl", "parquet"]


@pytest.fixture(params=[4096, 7])
def at_once(request, monkeypatch):
    """All rows in one piece, and in several."""
    monkeypatch.setattr(table_sinks, "ROWS_AT_ONCE", request.param)
    return request.param


@pytest.mark.parametrize("labels", [EMOTIONS, LABELS, ODD_LABELS])
def test_csv_is_the_timelines(labels, at_once, tmp_path):
    made = results(labels=labels)
    with CsvSink(tmp_path / "t.csv", labels) as sink:
        for result in made:
            sink.write(result)
    assert (tmp_path / "t.csv").read_bytes() == table_csv(expected(made, labels))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.none() | st.sets(st.sampled_from(PROBLEMS)), min_size=1, max_size=9))
def test_problems_come_back(told):
    """Of CSV, a face that can be read well and one that nobody measured are both empty."""
    seen = [None if each is None else FaceQuality(problems=in_order(each)) for each in told]
    made = [
        replace(each, faces=tuple(replace(face, quality=quality) for face in each.faces))
        for each, quality in zip(results(3 * len(told))[1::3], seen, strict=True)
    ]
    texts = [None if each is None else as_text(each.problems) for each in seen]
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: Path(folder) / f"t.{kind}" for kind in KINDS}
        for kind, path in paths.items():
            write_all(kind, path, made)
        csv = pd.read_csv(paths["csv"], keep_default_na=False)["problems"]
        table = pd.read_parquet(paths["parquet"])["problems"]
        lines = paths["jsonl"].read_text().splitlines()
    assert list(csv) == [text or "" for text in texts]
    assert [None if pd.isna(text) else text for text in table] == texts
    found = [FrameResult.from_dict(json.loads(line)).faces[0].quality for line in lines]
    assert found == seen


@pytest.mark.parametrize("labels", [EMOTIONS, LABELS])
def test_parquet_is_the_timelines(labels, at_once, tmp_path):
    made = results(labels=labels)
    with ParquetSink(tmp_path / "t.parquet", labels) as sink:
        for result in made:
            sink.write(result)
    table = expected(made, labels)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)
    file = parquet.ParquetFile(tmp_path / "t.parquet")
    assert file.num_row_groups == (1 if at_once > len(table) else -(-len(table) // 8))
    told = {key.decode(): text.decode() for key, text in file.schema_arrow.metadata.items()}
    assert (told["model"], told["detector"]) == ("compact", "haar")
    assert json.loads(told["labels"]) == list(labels)
    assert list(json.loads(told["columns"])) == columns(labels)


def test_the_meaning_of_unsmoothed_shares_tells_how_often_they_are_read():
    assert f"above {int(1 / READ_EVERY_S)} frames a second" in column_notes(EMOTIONS)["raw_happy"]


def test_types_of_parquet(tmp_path):
    with ParquetSink(tmp_path / "t.parquet", EMOTIONS) as sink:
        sink.write(results()[2])
    schema = parquet.read_schema(tmp_path / "t.parquet")
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert {types.pop(name) for name in ("track_id", "x", "y", "w", "h")} == {"int64"}
    assert {types.pop(name) for name in ("dominant", "problems")} == {"string"}
    assert types.pop("attentive") == "bool"
    assert set(types.values()) == {"double"}


def test_every_column_is_explained():
    assert list(column_notes(LABELS)) == columns(LABELS)
    assert "degrees" in column_notes(LABELS)["yaw_deg"]


def test_json_lines_can_be_read_back(tmp_path):
    made = results()
    with JsonLinesSink(tmp_path / "t.jsonl") as sink:
        for result in made:
            sink.write(result)
    lines = (tmp_path / "t.jsonl").read_text().splitlines()
    assert [FrameResult.from_dict(json.loads(line)) for line in lines] == made


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_has_its_name_when_it_is_whole(kind, tmp_path):
    path = tmp_path / f"t.{kind}"
    path.write_text("before")
    with open_sink(kind, path) as sink:
        sink.write(results()[0])
        assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert frames_in(path) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_frames_there_is_an_empty_table(kind, tmp_path):
    path = tmp_path / f"t.{kind}"
    with open_sink(kind, path):
        pass
    assert frames_in(path) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_before_an_error_is_kept(kind, at_once, tmp_path):
    path = tmp_path / f"t.{kind}"
    with pytest.raises(KeyboardInterrupt):
        write_all(kind, path, results()[:20], then=KeyboardInterrupt)
    assert frames_in(path) == 20


@pytest.mark.parametrize("at_most", [0, 3000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk(kind, at_most, tmp_path, monkeypatch):
    """A sentence; no half of a file; what had the name before is still there."""
    monkeypatch.setattr(table_sinks, "ROWS_AT_ONCE", 7)
    path = tmp_path / f"t.{kind}"
    path.write_text("before")
    with disk_full_after(at_most), pytest.raises(VideoError, match=f"disk is full: {path.name}"):
        write_all(kind, path, results(400))
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_does_not_exist(kind, tmp_path):
    with pytest.raises(VideoError, match="no such file or directory"):
        open_sink(kind, tmp_path / "nowhere" / f"t.{kind}").__enter__()


def test_a_network_with_other_labels_is_refused(tmp_path):
    with CsvSink(tmp_path / "t.csv", LABELS) as sink, pytest.raises(ValueError, match="tired"):
        sink.write(results()[1])
