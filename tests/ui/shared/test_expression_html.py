"""Tests of readings as HTML: numbers, colours, close readings, and escaped texts."""

from __future__ import annotations

import re
from dataclasses import replace

from fer_core.labels import COLORS, EMOTIONS, Emotion
from fer_core.schema import Box, Face, FaceQuality
from fer_core.ui.shared.expression_html import (
    course_ribbon_html,
    face_html,
    mix_ribbon_html,
    reading_html,
    share_bars_html,
)

SURE = Face(Box(0, 0, 9, 9), 0.9, probabilities=(0.0, 0.0, 0.0, 0.83, 0.05, 0.0, 0.12))
UNSURE = replace(SURE, probabilities=(0.0, 0.0, 0.0, 0.1, 0.46, 0.0, 0.44))
GLAD, SAD, NEUTRAL = (
    COLORS[each].as_hex() for each in (Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL)
)
TWO_STRIPES = f"repeating-linear-gradient(135deg,{SAD} 0 5px,{NEUTRAL} 5px 10px)"


def text(html: str) -> str:
    return re.sub("<.*?>", " ", html)


def test_every_expression_has_a_line_with_its_share():
    lines = re.findall("<li>.*?</li>", share_bars_html(EMOTIONS, SURE.probabilities, "happy"))
    assert [text(line).split()[0] for line in lines] == list(EMOTIONS)
    assert text(lines[3]).split() == ["happy", "83%"]
    assert f"width:83.0%;background:{GLAD}" in lines[3]


def test_a_clear_reading_has_one_colour_and_one_that_is_close_has_two():
    assert text(reading_html(SURE)).split() == ["happy", "83%"]
    assert "gradient" not in face_html(SURE)
    assert " ".join(text(reading_html(UNSURE)).split()) == "between sad and neutral"
    assert face_html(UNSURE).count(TWO_STRIPES) == 2  # the swatch, and the bar of "sad"


def test_a_face_that_cannot_be_read_well_says_why():
    poor = replace(SURE, quality=FaceQuality(9, 0.3, 20.0, 0.0, problems=("small", "dark")))
    assert "Too small to read well; too dark to read well" in text(face_html(poor))
    assert 'class="fer-reading fer-poor"' in face_html(poor)
    well = replace(SURE, quality=FaceQuality(99, 0.3, 20.0, 0.0))
    assert "fer-poor" not in face_html(well)
    assert "fer-problem" not in face_html(well)


def test_names_and_own_classes_are_texts():
    own = replace(SURE, labels=("<b>x</b>", '"onload='), probabilities=(0.9, 0.1))
    html = face_html(own, "<i>Ada</i>")
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html


def test_a_ribbon_joins_what_is_the_same_and_leaves_gaps_empty():
    parts = [{"happy": 3, "sad": 1}, {"happy": 1}, {}, {"sad": 2}]
    assert re.findall(r'flex:(\d+);background:(.*?)"', course_ribbon_html(parts, EMOTIONS)) == [
        ("2", GLAD),
        ("1", "none"),
        ("1", SAD),
    ]


def test_a_mix_is_as_wide_as_it_was_often():
    html = mix_ribbon_html({"sad": 1, "happy": 3}, EMOTIONS)
    assert re.findall(r'flex:(\d+);background:(.*?)"', html) == [("3", GLAD), ("1", SAD)]
