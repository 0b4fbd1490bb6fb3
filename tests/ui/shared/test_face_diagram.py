"""Tests of the face diagram: what is lit, where the eyes look, and the same in words."""

from __future__ import annotations

from xml.etree import ElementTree

import pandas as pd
import pytest

from fer_core.schema import FrameResult, Gaze
from fer_core.schema.action_units import ACTION_UNITS
from fer_core.timeline.table import Timeline
from fer_core.ui.shared.face_diagram import (
    REGIONS,
    Diagram,
    diagram_now,
    diagram_of_face,
    diagram_of_row,
    face_svg,
)
from tests.sessions import face, moving

HALF = [region.units for region in REGIONS if region.both]
MIDDLE = [region.units for region in REGIONS if not region.both]
PARTS = [
    *[(units, "left of the picture") for units in HALF],
    *[(units, "right of the picture") for units in HALF],
    *[(units, "middle") for units in MIDDLE],
]


def drawn(movements: dict[str, float], gaze: Gaze | None = None) -> Diagram:
    found = diagram_of_face(moving(face(0.9), movements, gaze))
    assert found
    return found


def lit(diagram: Diagram) -> dict[tuple[str, ...], float]:
    """The parts that are lit, by their units and place."""
    pairs = zip(PARTS, diagram["lit"], strict=True)
    return {(*units, place): value for (units, place), value in pairs if value}


def test_every_action_unit_has_a_place_and_every_place_a_path():
    units = [unit for region in REGIONS for unit in region.units]
    assert sorted(units) == [unit.column for unit in ACTION_UNITS]
    svg = ElementTree.fromstring(face_svg())
    regions = [each for each in svg.iter() if each.get("class") == "fer-region"]
    assert len(regions) == len(PARTS) == len(drawn({})["lit"])
    paths = {region.units: region.path for region in REGIONS}
    assert [each.get("d") for each in regions] == [paths[units] for units, _ in PARTS]


def test_the_persons_own_left_is_on_the_right_of_the_picture():
    crooked = drawn({"mouthSmileLeft": 0.9, "mouthSmileRight": 0.4, "jawOpen": 0.2})
    assert lit(crooked) == {
        ("AU12", "left of the picture"): 0.4,
        ("AU12", "right of the picture"): 0.9,
        ("AU26", "middle"): 0.2,
    }
    svg = ElementTree.fromstring(face_svg())
    halves = [each for each in svg if each.tag == "g"]
    assert [half.get("transform") for half in halves] == [None, "matrix(-1 0 0 1 200 0)"]


def test_the_lips_are_lit_by_the_strongest_of_their_units():
    pressed = drawn({"mouthPressLeft": 0.5, "mouthPucker": 0.3})
    assert list(lit(pressed).values()) == [0.3, 0.5]


def test_the_same_in_words():
    crooked = drawn({"mouthSmileLeft": 0.9, "mouthSmileRight": 0.4}, Gaze(12.0, -8.0, 0.0, 0.0))
    assert crooked["units"] == [
        {
            "name": "AU12 lip corner puller",
            "share": "65%",
            "note": "more on its left: 90% against 40%",
        }
    ]
    assert crooked["label"] == (
        "Movements of the face: AU12 lip corner puller 65% more on its left: 90% against 40%; "
        "Eyes 12° to its left, 8° down"
    )


def test_a_face_at_rest():
    rest = drawn({})
    assert lit(rest) == {}
    assert [unit["name"] for unit in rest["units"]] == ["No movement stands out"]
    assert rest["irises"] is None


@pytest.mark.parametrize(
    ("gaze", "irises", "words"),
    [
        (Gaze(2.0, -3.0, 30.0, 30.0), (0.5, 0.3), "Eyes straight ahead"),
        (Gaze(-15.0, 0.0, 0.0, 0.0), (-4.0, 0.0), "Eyes 15° to its right"),
        (Gaze(0.0, 15.0, 0.0, 0.0), (0.0, -1.5), "Eyes 15° up"),
        (Gaze(80.0, -80.0, 0.0, 0.0), (8.0, 3.0), "Eyes 80° to its left, 80° down"),
    ],
)
def test_the_irises_follow_the_eyes(gaze, irises, words):
    looking = drawn({}, gaze)
    assert looking["irises"] == pytest.approx(irises, abs=0.05)
    assert looking["gaze"] == words


def row(result: FrameResult) -> pd.Series:
    timeline = Timeline()
    timeline.append(result)
    return timeline.to_frame().iloc[0]


def test_a_row_of_a_table_lights_both_sides_alike():
    gaze = Gaze(12.0, 0.0, 5.0, 0.0)
    seen = moving(face(0.9), {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.4}, gaze)
    frame = FrameResult(64, 48, (seen,), "m", "d", 0.0)
    found = diagram_of_row(row(frame))
    assert found
    assert list(lit(found).values()) == [0.65, 0.65]
    assert found["gaze"] == "Eyes 12° to its left"
    assert diagram_now(frame, row(frame)) == diagram_of_face(seen)
    assert diagram_now(FrameResult(64, 48, (), "m", "d", 0.1), row(frame)) == found


def test_what_was_not_measured_is_not_drawn():
    assert diagram_of_face(face(0.9)) is None
    assert diagram_of_row(row(FrameResult(64, 48, (face(0.9),), "m", "d", 0.0))) is None
