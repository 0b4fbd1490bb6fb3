"""Results as pictures and files."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from fer_core.analysis.detection import as_landmarks
from fer_core.export.draw import AXES, POINTS, annotate
from fer_core.export.files import faces_table, to_csv, to_json, to_png
from fer_core.export.records import columns
from fer_core.labels import COLORS, EMOTIONS, Color, Emotion
from fer_core.media.images import decode_picture
from fer_core.schema import Box, Face, FrameResult, HeadPose
from fer_core.testing import face_points

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


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_label_is_written_in_ink_that_can_be_read_on_its_colour(emotion):
    shares = tuple(float(emotion == each) for each in EMOTIONS)
    marked = annotate(np.full((160, 300, 3), 77, np.uint8), result(face(50, 50, 60, 60, shares)))
    color = COLORS[emotion]
    tag = marked[20:50, 50:150].reshape(-1, 3)
    assert np.any(np.all(tag == color.as_bgr(), axis=1))
    assert np.any(np.all(np.abs(tag.astype(int) - color.ink().as_bgr()) < 40, axis=1))


@pytest.mark.parametrize(
    ("label", "drawn"), [("müde", "mude"), ("Сон", "class 2"), ("a\nb", "class 2")]
)
def test_a_label_that_the_font_lacks_is_drawn_in_letters_it_has(label, drawn):
    def marked(labels: tuple[str, ...]) -> np.ndarray:
        seen = face(50, 50, 60, 60, (0.2, 0.8), labels=labels)
        whole = FrameResult(300, 160, (seen,), "own/tired", "haar", labels=labels)
        return annotate(np.zeros((160, 300, 3), np.uint8), whole)

    assert np.array_equal(marked(("wach", label)), marked(("wach", drawn)))
    assert not np.array_equal(marked(("wach", label)), marked(("wach", "m??de")))


BLACK = np.zeros((160, 200, 3), np.uint8)


def colored(marked: np.ndarray, color: Color) -> np.ndarray:
    """``(n, 2)``, x and y of the pixels of this hue, on black: fine lines are dimmer."""
    bgr, pure = marked.astype(float), np.array(color.as_bgr(), float)
    length = np.linalg.norm(bgr, axis=2)
    likeness = bgr @ pure / np.maximum(length, 1.0) / np.linalg.norm(pure)
    return np.argwhere((length > 60) & (likeness > 0.99))[:, ::-1]


def with_points(pose: HeadPose | None = None) -> FrameResult:
    box = Box(60, 40, 76, 100)
    seen = face(box.x, box.y, box.w, box.h, landmarks=as_landmarks(face_points(box)), pose=pose)
    return result(seen)


def test_nothing_covers_a_face_unless_it_is_asked_for():
    marked = annotate(BLACK, with_points(HeadPose(20, 0, 0)))
    assert not marked[45:135, 65:130].any()


def test_a_label_goes_where_it_covers_no_other_face():
    above, below = face(60, 40, 50, 50), face(60, 95, 50, 50)
    marked = annotate(np.zeros((220, 200, 3), np.uint8), result(above, below, height=220))
    for each in (above, below):
        x, y = round(each.box.x), round(each.box.y)
        assert not marked[y + 6 : y + 44, x + 6 : x + 44].any()


def test_five_points_are_dots():
    seen = result(face(50, 50, 60, 60, landmarks=((80.0, 90.0),)))
    assert tuple(annotate(BLACK, seen, landmarks=True)[90, 80]) == POINTS.as_bgr()


def test_68_points_are_lines_along_the_parts_of_the_face():
    seen = with_points()
    marked = annotate(BLACK, seen, landmarks=True)
    points = np.array(seen.faces[0].landmarks)
    drawn = colored(marked, POINTS)
    assert (
        max(np.abs(drawn - point).max(axis=1).min() for point in points) <= 3
    )  # the box crosses some
    chin = (points[7] + points[8]) / 2  # between two points of the jaw
    assert np.abs(drawn - chin).max(axis=1).min() <= 1
    assert len(drawn) < 0.15 * 76 * 100  # most of the face stays free


@pytest.mark.parametrize(
    ("pose", "right", "down"),
    [
        (HeadPose(40, 0, 0), 1, 0),
        (HeadPose(-40, 0, 0), -1, 0),
        (HeadPose(0, 40, 0), 0, -1),
        (HeadPose(0, -40, 0), 0, 1),
        (HeadPose(40, -40, 70), 1, 1),
    ],
)
def test_an_axis_shows_where_the_head_points(pose, right, down):
    seen = with_points(pose)
    end = colored(annotate(BLACK, seen, pose=True), AXES[2]).mean(axis=0)
    nose = np.array(seen.faces[0].landmarks[30])
    assert list(np.sign(np.round((end - nose) / 5))) == [right, down]


def test_the_axes_tilt_with_the_head():
    seen = with_points(HeadPose(0, 0, 30))
    marked = annotate(BLACK, seen, pose=True)
    left = colored(marked, AXES[0]).max(axis=0) - np.array(seen.faces[0].landmarks[30])
    assert left[1] / left[0] == pytest.approx(np.tan(np.radians(30)), abs=0.1)


def test_measures_are_columns_and_empty_where_there_are_none():
    measured = face(1, 2, 3, 4, presence=0.9, pose=HeadPose(1, 2, 3), eye_aspect_ratio=0.3)
    table = faces_table({"a.jpg": result(measured, face(5, 6, 7, 8))})
    assert table["pitch_deg"][0] == 2
    assert table["eye_aspect_ratio"][0] == 0.3
    assert table["valence"][0] == pytest.approx(measured.valence)
    assert table.loc[1, "presence":"mouth_aspect_ratio"].isna().all()


def test_the_label_of_a_close_reading_names_both_expressions():
    def label_px(shares: tuple[float, ...]) -> int:
        black = np.zeros((160, 400, 3), np.uint8)
        marked = annotate(black, result(face(9, 99, 20, 20, shares), width=400))
        return int(marked[90].any(axis=1).sum())

    close = (0.05, 0.05, 0.05, 0.4, 0.35, 0.05, 0.05)
    assert label_px(close) > 1.8 * label_px(HAPPY)  # "between happy and sad", "happy 70%"


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
    [record] = json.loads(to_json(results, {}))
    assert record["file"] == "a.jpg"
    assert record["faces"][0]["box"] == [1, 2, 3, 4]
    assert FrameResult.from_dict({**record, "t_s": 0.0}) == results["a.jpg"]


def test_png_is_lossless():
    bgr = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(decode_picture(to_png(bgr)), bgr)
