"""Results as pictures and files."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from fer_core.draw import annotate
from fer_core.export import columns, faces_table, to_csv, to_json, to_png
from fer_core.images import decode_picture
from fer_core.labels import COLORS, EMOTIONS, Emotion
from fer_core.schema import Box, Face, FrameResult

HAPPY = (0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05)
SAD = (0.05, 0.05, 0.05, 0.05, 0.7, 0.05, 0.05)


def result(*faces: Face, width: int = 200, height: int = 160) -> FrameResult:
    return FrameResult(width, height, faces, "compact", "haar")


def face(x: int, y: int, w: int, h: int, shares: tuple[float, ...] = HAPPY, **more) -> Face:
    return Face(Box(x, y, w, h), 0.9, probabilities=shares, **more)


def test_drawing_leaves_the_picture_alone():
    bgr = np.zeros((160, 200, 3), np.uint8)
    marked = annotate(bgr, result(face(50, 50, 60, 60)))
    assert bgr.max() == 0
    assert marked.shape == bgr.shape
    assert tuple(marked[80, 50]) == COLORS[Emotion.HAPPY].as_bgr()


def test_no_face_no_mark():
    bgr = np.full((160, 200, 3), 77, np.uint8)
    assert np.array_equal(annotate(bgr, result()), bgr)


def test_marks_are_scaled_to_the_picture_they_are_drawn_on():
    marked = annotate(np.zeros((320, 400, 3), np.uint8), result(face(50, 50, 60, 60)))
    assert tuple(marked[200, 100]) == COLORS[Emotion.HAPPY].as_bgr()


def test_landmarks_are_dots():
    marked = annotate(
        np.zeros((160, 200, 3), np.uint8), result(face(50, 50, 60, 60, landmarks=((80.0, 90.0),)))
    )
    assert tuple(marked[90, 80]) == COLORS[Emotion.HAPPY].as_bgr()


@pytest.mark.parametrize("box", [(0, 0, 200, 160), (0, 0, 3, 3), (190, 150, 10, 10), (60, 0, 9, 9)])
def test_labels_at_every_edge_stay_in_the_picture(box):
    marked = annotate(np.zeros((160, 200, 3), np.uint8), result(face(*box)))
    assert marked.any()


@pytest.mark.parametrize("size", [(1, 1), (5, 4000), (4000, 5)])
def test_odd_sizes(size):
    bgr = np.zeros((*size, 3), np.uint8)
    assert annotate(bgr, result(face(0, 0, 1, 1), width=size[1], height=size[0])).shape == bgr.shape


def test_a_table_row_a_face():
    table = faces_table(
        {"a.jpg": result(face(1, 2, 3, 4), face(5, 6, 7, 8, SAD)), "b.jpg": result()}
    )
    assert tuple(table.columns) == columns()
    assert list(table["file"]) == ["a.jpg", "a.jpg"]
    assert list(table["dominant"]) == ["happy", "sad"]
    assert list(table.iloc[1][["x", "y", "w", "h"]]) == [5, 6, 7, 8]
    assert table[[str(e) for e in EMOTIONS]].sum(axis=1).to_numpy() == pytest.approx([1, 1])


def test_csv_can_be_read_back():
    results = {'odd, "name".jpg': result(face(1, 2, 3, 4))}
    table = pd.read_csv(io.BytesIO(to_csv(results)))
    pd.testing.assert_frame_equal(table, faces_table(results))


def test_an_empty_csv_has_its_header():
    assert to_csv({}).decode().strip() == ",".join(columns())


def test_json_can_be_read_back():
    results = {"a.jpg": result(face(1, 2, 3, 4))}
    [record] = json.loads(to_json(results))
    assert record["file"] == "a.jpg"
    assert record["faces"][0]["box"] == [1, 2, 3, 4]
    assert FrameResult.from_dict({**record, "t_s": 0.0}) == results["a.jpg"]


def test_png_is_lossless():
    bgr = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(decode_picture(to_png(bgr)), bgr)
