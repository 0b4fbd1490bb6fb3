"""Tests of a task: every problem with a file is a row."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.batch import task as piece_module
from fer_core.batch.task import analyze_piece, give_up
from fer_core.errors import WeightsMissing
from fer_core.media.video import Selection
from fer_core.schema import Box
from fer_core.testing import FakeDetector, FakeEmotionModel
from tests.batch.folders import RECIPE, item, picture, table
from tests.media.clips import clip

GREY = np.full((80, 120, 3), 90, np.uint8)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch):
    boxes = (Box(5, 5, 40, 40), Box(60, 10, 30, 30))
    analyzer = Analyzer(FakeDetector(boxes), FakeEmotionModel(), None)
    monkeypatch.setattr(piece_module, "_analyzer", lambda *_: analyzer)


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "parts").mkdir()
    return tmp_path / "parts"


def rows(parts, *items, recipe=RECIPE) -> list[dict[Hashable, Any]]:
    assert analyze_piece(items, recipe, parts, "t.parquet") == len(items)
    [part] = parts.iterdir()
    return table(part).to_dict("records")


def test_faces_of_a_picture_are_numbered_by_size(tmp_path, parts):
    one = item(picture(tmp_path / "a.jpg", GREY))
    found = rows(parts, one)
    assert [(r["track_id"], r["w"], r["t_s"]) for r in found] == [(1, 40, 0.0), (2, 30, 0.0)]
    assert {r["stamp"] for r in found} == {RECIPE.stamp(one)}
    assert {(r["file"], r["kind"], r["model"], r["detector"]) for r in found} == {
        ("a.jpg", "picture", "fake-emotion", "fake-detector")
    }


def test_faces_that_cannot_be_read_well_are_left_out(tmp_path, parts):
    lit = np.random.default_rng(0).integers(60, 200, GREY.shape, np.uint8)
    lit[:, 55:] = 90  # the second face is in the dark
    found = rows(
        parts,
        item(picture(tmp_path / "a.png", lit)),
        item(picture(tmp_path / "b.png", GREY)),
        recipe=replace(RECIPE, readable_only=True),
    )
    assert [(r["file"], r["w"]) for r in found[:1]] == [("a.png", 40)]
    assert found[0]["note"] == "Left out: 1 face that cannot be read well."
    assert found[1]["note"] == "Left out: 2 faces that cannot be read well."
    assert np.isnan(found[1]["score"])
    assert len(found) == 2


def test_frames_of_a_video_as_chosen(tmp_path, parts):
    film = item(clip(tmp_path / "a.mp4", count=20, fps=10), "video")
    found = rows(parts, film, recipe=replace(RECIPE, selection=Selection(fps=2)))
    assert [r["t_s"] for r in found] == [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.5, 1.5]


def test_frames_too_far_apart_to_follow_faces_are_told(tmp_path, parts):
    film = item(clip(tmp_path / "a.mp4", count=20, fps=2), "video")
    found = rows(parts, film, recipe=replace(RECIPE, selection=Selection(fps=0.25)))
    assert [r["track_id"] for r in found] == [1, 2, 3, 4, 5, 6]
    assert "faces cannot be followed" in found[-1]["note"]
    assert all(r["note"] != r["note"] for r in found[:-1])


def test_a_gif_of_one_picture(tmp_path, parts):
    still = clip(tmp_path / "a.gif", count=1)
    assert len(rows(parts, item(still, "video"))) == 2


def test_broken_files_do_not_stop_the_rest(tmp_path, parts):
    whole = item(picture(tmp_path / "z.jpg", GREY))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.mp4").write_text("text")
    broken = [item(tmp_path / "empty.jpg"), item(tmp_path / "text.mp4", "video")]
    found = rows(parts, *broken, whole)
    assert [r["file"] for r in found] == ["empty.jpg", "text.mp4", "z.jpg", "z.jpg"]
    assert "empty" in found[0]["error"]
    assert "not a video" in found[1]["error"]
    assert found[2]["error"] != found[2]["error"]  # nan: nothing is wrong
    # A broken file is not tried again before it has changed.
    assert [r["stamp"] for r in found[:2]] == [RECIPE.stamp(each) for each in broken]


def test_a_truncated_video_keeps_its_rows_and_tells_of_its_end(tmp_path, parts):
    path = clip(tmp_path / "a.mkv", count=60, options={"cluster_time_limit": "200"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = rows(parts, item(path, "video"))
    assert 4 < len(found) < 120
    assert "nothing could be read" in found[-1]["error"]
    assert all(r["error"] != r["error"] for r in found[:-1])
    assert all(r["stamp"] for r in found)


@pytest.mark.parametrize(("name", "kind", "limit"), [
    ("a.png", "picture", "FER_MAX_MEGAPIXELS"), ("a.mkv", "video", "FER_MAX_MEGAPIXELS"),
])  # fmt: skip
def test_what_is_too_large_is_tried_again(tmp_path, parts, monkeypatch, name, kind, limit):
    monkeypatch.setenv(limit, "1")
    big = np.zeros((1001, 1002, 3), np.uint8)
    path = tmp_path / name
    picture(path, big) if kind == "picture" else clip(path, frames=[big[:1000]] * 2)
    [row] = rows(parts, item(path, kind))
    assert limit in row["error"]
    assert row["stamp"] == ""


def test_a_file_that_has_gone_is_tried_again(tmp_path, parts):
    [row] = rows(parts, item(tmp_path / "gone.jpg", size_bytes=1))
    assert row["error"] == "This file cannot be opened: no such file or directory."
    assert row["stamp"] == ""


def test_whatever_a_library_raises_is_a_row(tmp_path, parts, monkeypatch):
    def fail(*_):
        raise cv2.error("odd")

    monkeypatch.setattr(piece_module, "read_noted", fail)
    [row] = rows(parts, item(picture(tmp_path / "a.jpg", GREY)))
    assert row["error"].startswith("This file could not be analysed (error: odd).")


def test_an_engine_that_has_gone_stops_all(tmp_path, parts, monkeypatch):
    def fail(*_):
        raise WeightsMissing("Gone.")

    monkeypatch.setattr(piece_module, "_analyzer", fail)
    with pytest.raises(WeightsMissing):
        analyze_piece((item(picture(tmp_path / "a.jpg", GREY)),), RECIPE, parts, "t.parquet")
    assert list(parts.iterdir()) == []


def test_giving_up_is_a_row_that_is_tried_again(tmp_path, parts):
    piece = (item(picture(tmp_path / "a.jpg", GREY)),)
    assert give_up(piece, RECIPE, parts, "t.parquet") == 1
    [part] = parts.iterdir()
    [row] = table(part).to_dict("records")
    assert "memory" in row["error"]
    assert row["stamp"] == ""
