"""Tests of ``FrameResult`` and its parts."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.labels import COLORS, EMOTIONS, Color, Emotion, color_of
from fer_core.paths import ROOT
from fer_core.schema import Box, Detection, Face, FaceQuality, FrameResult, Gaze, HeadPose
from fer_core.schema.quality import PROBLEMS, as_number, as_text, from_number, from_text

UNIFORM = (1 / 7,) * 7

boxes = st.builds(
    Box, st.integers(0, 500), st.integers(0, 500), st.integers(1, 500), st.integers(1, 500)
)
shares = st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7).map(
    lambda values: tuple(value / sum(values) for value in values)
)
angles = st.floats(-90, 90)
coefficients = st.floats(0, 1).map(lambda value: (value,) * 52)
points = st.tuples(st.floats(0, 500), st.floats(0, 500))
problems = st.sets(st.sampled_from(PROBLEMS)).map(
    lambda found: tuple(problem for problem in PROBLEMS if problem in found)
)
qualities = st.builds(
    FaceQuality,
    *(st.none() | st.integers(1, 999), st.none() | st.floats(0, 1), st.none() | st.floats(0, 128)),
    *(st.none() | st.floats(0, 1), st.none() | st.floats(0, 90), st.none() | st.floats(0, 1)),
    problems=problems,
)
faces = st.builds(
    Face,
    box=boxes,
    score=st.floats(0, 1),
    landmarks=st.lists(points, max_size=5).map(tuple),
    probabilities=shares,
    track_id=st.none() | st.integers(1, 99),
    presence=st.none() | st.floats(0, 1),
    pose=st.none() | st.builds(HeadPose, angles, angles, angles),
    eye_aspect_ratio=st.none() | st.floats(0, 2),
    mouth_aspect_ratio=st.none() | st.floats(0, 2),
    coefficients=st.just(()) | coefficients,
    raw_coefficients=st.just(()) | coefficients,
    action_units=st.just({}) | st.just({"AU12": 0.5, "AU12_left": 0.25}),
    gaze=st.none() | st.builds(Gaze, angles, angles, angles, angles),
    raw_probabilities=st.none() | shares,
    steady_label=st.none() | st.sampled_from(EMOTIONS),
    blinks_per_minute=st.none() | st.floats(0, 99),
    attentive=st.none() | st.booleans(),
    quality=st.none() | qualities,
)
results = st.builds(
    FrameResult,
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    faces=st.lists(faces, max_size=3).map(tuple),
    model=st.just("compact"),
    detector=st.just("haar"),
    t_s=st.floats(0, 1e6),
    latency_ms=st.floats(0, 1e4),
)


def test_the_order_is_deepfaces():
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_every_expression_has_its_own_colour():
    assert set(COLORS) == set(Emotion)
    assert len(set(COLORS.values())) == 7


def test_a_colour_is_the_same_for_plotly_and_opencv():
    color = Color.from_hex("#EE6677")
    assert color.as_hex() == "#EE6677"
    assert color.as_bgr() == (0x77, 0x66, 0xEE)


THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
GROUNDS = [
    Color.from_hex(THEMES[theme][ground])
    for theme in ("light", "dark")
    for ground in ("backgroundColor", "secondaryBackgroundColor")
]


def test_contrasts_are_those_of_wcag():
    black, white = Color(0, 0, 0), Color(255, 255, 255)
    assert black.contrast(white) == pytest.approx(21.0)
    assert white.contrast(black) == pytest.approx(21.0)
    # The well-known lightest grey for text on white.
    assert Color.from_hex("#767676").contrast(white) == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_expressions_colour_stands_out_and_can_be_written_on(emotion):
    """As WCAG 2.2 asks: 3:1 for a line or a bar on the pages, light and dark; 4.5:1 for a text."""
    color = COLORS[emotion]
    assert min(map(color.contrast, GROUNDS)) >= 3.0
    assert color.contrast(color.ink()) >= 4.5


# What of linear red, green and blue is left with each deficiency at its severest (Machado, Oliveira
# and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009).
VISION = {
    "normal": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("vision", VISION)
def test_no_two_expressions_look_alike(vision):
    """The distance in CIELAB; 2.3 is just noticeable."""
    rgb = np.array([(color.r, color.g, color.b) for color in COLORS.values()], np.float64) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0.0, 1.0).astype(np.float32)
    lab = cv2.cvtColor(seen[np.newaxis], cv2.COLOR_LRGB2LAB)[0]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(lab, 2)) > 11.0


@given(results)
def test_a_result_survives_json(result: FrameResult):
    assert FrameResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


@given(problems)
def test_problems_survive_text_and_numbers(found):
    assert from_text(as_text(found)) == found
    assert from_number(as_number(found)) == found


def test_problems_as_text_have_one_order():
    assert as_text(("dark", "small")) == "small dark"
    assert as_text(()) == ""


@given(boxes, boxes)
def test_iou_is_symmetric_and_bounded(a: Box, b: Box):
    assert a.iou(b) == b.iou(a)
    assert 0.0 <= a.iou(b) <= 1.0
    assert a.iou(a) == 1.0


def test_iou_by_hand():
    assert Box(0, 0, 2, 2).iou(Box(1, 0, 2, 2)) == pytest.approx(2 / 6)
    assert Box(0, 0, 2, 2).iou(Box(2, 0, 2, 2)) == 0.0


@given(
    st.floats(-600, 600),
    st.floats(-600, 600),
    st.floats(0, 900),
    st.floats(0, 900),
    st.integers(1, 500),
    st.integers(1, 500),
)
def test_a_clipped_box_lies_in_the_picture(x, y, w, h, width, height):
    box = Box.clipped(x, y, w, h, width, height)
    if box is not None:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.w <= width
        assert box.y + box.h <= height


@given(boxes, boxes)
def test_overlap_is_symmetric_bounded_and_no_less_than_iou(a: Box, b: Box):
    assert a.overlap(b) == b.overlap(a)
    assert a.iou(b) <= a.overlap(b) <= 1.0
    assert a.overlap(a) == 1.0


def test_a_box_in_another_overlaps_all_of_it():
    assert Box(0, 0, 100, 100).overlap(Box(20, 30, 10, 10)) == 1.0
    assert Box(0, 0, 4, 4).overlap(Box(3, 0, 2, 4)) == pytest.approx(0.5)


@given(boxes, st.floats(0.01, 10.0))
def test_a_scaled_box_keeps_its_centre(box: Box, factor: float):
    scaled = box.scaled(factor)
    assert scaled.w == pytest.approx(max(1.0, box.w * factor), abs=0.5)
    assert scaled.x + scaled.w / 2 == pytest.approx(box.x + box.w / 2, abs=1)
    assert scaled.y + scaled.h / 2 == pytest.approx(box.y + box.h / 2, abs=1)


@given(boxes, st.integers(1, 500), st.integers(1, 500))
def test_what_is_inside_a_picture_stays_inside(box: Box, width: int, height: int):
    inside = box.inside(width, height)
    if inside is not None:
        assert inside.overlap(box) == 1.0
        assert inside.inside(width, height) == inside


def test_a_box_outside_the_picture_is_no_box():
    assert Box(-10, 0, 10, 10).inside(100, 100) is None
    assert Box.clipped(100, 0, 10, 10, 100, 100) is None
    assert Box.clipped(-10, 0, 10, 10, 100, 100) is None


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_an_empty_box_is_refused(size):
    with pytest.raises(ValueError, match="width and a height"):
        Box(0, 0, *size)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_outside_0_1_is_refused(score):
    with pytest.raises(ValueError, match="score"):
        Detection(Box(0, 0, 1, 1), score)


@pytest.mark.parametrize(
    "probabilities",
    [(), UNIFORM[:6], (0.5,) * 7, (1.5, -0.5, 0, 0, 0, 0, 0), (float("nan"),) * 7],
)
def test_shares_that_are_no_distribution_are_refused(probabilities):
    with pytest.raises(ValueError, match="probabilities"):
        Face(Box(0, 0, 1, 1), 0.5, probabilities=probabilities)


def test_dominant_and_confidence():
    face = Face(Box(0, 0, 1, 1), 0.5, probabilities=(0.1, 0, 0, 0.6, 0.1, 0.1, 0.1))
    assert face.dominant is Emotion.HAPPY
    assert face.confidence == 0.6
    assert list(face.emotions) == list(EMOTIONS)


def test_a_label_that_is_held_is_the_dominant_one():
    face = Face(
        Box(0, 0, 1, 1),
        0.5,
        probabilities=(0.1, 0, 0, 0.4, 0.1, 0.1, 0.3),
        steady_label=Emotion.NEUTRAL,
    )
    assert face.dominant is Emotion.NEUTRAL
    assert face.confidence == 0.3
    with pytest.raises(ValueError, match="asleep"):
        replace(face, steady_label="asleep")


def test_raw_shares_are_shares_too():
    with pytest.raises(ValueError, match="probabilities"):
        Face(Box(0, 0, 1, 1), 0.5, probabilities=UNIFORM, raw_probabilities=(0.5,) * 7)


def test_valence_and_arousal_are_derived_from_the_shares():
    face = Face(Box(0, 0, 1, 1), 0.5, probabilities=(0, 0, 0, 0.5, 0, 0, 0.5))
    assert (face.valence, face.arousal) == pytest.approx((0.405, 0.255))
    assert face.to_dict()["valence"] == face.valence
    own = Face(Box(0, 0, 1, 1), 0.5, probabilities=(0.5, 0.5), labels=("calm", "tense"))
    assert own.valence is own.arousal is None


def test_an_empty_picture_is_refused():
    with pytest.raises(ValueError, match="at least one pixel"):
        FrameResult(0, 10, (), "compact", "haar")


@pytest.mark.parametrize(
    "data", [{}, {"box": [1, 2, 3]}, {"box": [0, 0, 1, 1], "score": 0.5, "emotions": {"happy": 1}}]
)
def test_from_dict_refuses_what_to_dict_did_not_write(data):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Face.from_dict(data)


def test_a_face_may_show_other_expressions_than_the_seven():
    face = Face(Box(0, 0, 9, 9), 0.9, probabilities=(0.2, 0.8), labels=("serious", "smiling"))
    assert face.dominant == "smiling"
    assert face.emotions == {"serious": 0.2, "smiling": 0.8}
    assert Face.from_dict(json.loads(json.dumps(face.to_dict()))) == face


def test_a_result_has_the_labels_of_its_model_also_without_a_face():
    assert FrameResult(9, 9, (), "compact", "haar").labels == EMOTIONS
    labels = ("serious", "smiling")
    assert FrameResult(9, 9, (), "own/a", "haar", labels=labels).labels == labels
    face = Face(Box(0, 0, 9, 9), 0.9, probabilities=(0.2, 0.8), labels=labels)
    result = FrameResult(9, 9, (face,), "own/a", "haar", labels=labels)
    assert FrameResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    with pytest.raises(ValueError, match="the labels of each face must be neutral"):
        FrameResult(9, 9, (face,), "own/a", "haar", labels=("neutral", "other"))


@pytest.mark.parametrize("labels", [("a",), ("a", "a"), ()])
def test_labels_are_at_least_two_and_differ(labels):
    shares = (1.0,) if len(labels) < 2 else (0.5, 0.5)
    with pytest.raises(ValueError, match="two or more labels"):
        Face(Box(0, 0, 9, 9), 0.9, probabilities=shares, labels=labels)


@pytest.mark.parametrize(
    "labels",
    [
        EMOTIONS,
        ("bored", "keen"),
        (*EMOTIONS, "bored"),
        ("happy", "bored"),
        tuple(f"class {i}" for i in range(7)),
    ],
)
def test_labels_of_a_network_have_colours_that_differ(labels):
    colors = [color_of(label, labels) for label in labels]
    assert len(set(colors)) == min(len(labels), len(COLORS))
    assert all(
        color == COLORS[Emotion(label)]
        for color, label in zip(colors, labels, strict=True)
        if label in EMOTIONS
    )
