"""How unequally the sides of a face move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.schema import Box, Face
from fer_core.schema.action_units import ACTION_UNITS, MOVEMENTS, derive_action_units, mirrored
from fer_core.schema.asymmetry import overall_asymmetry, sided_differences

STILL = dict.fromkeys(MOVEMENTS, 0.0)
movements = st.fixed_dictionaries({name: st.floats(0.0, 1.0) for name in MOVEMENTS})


def units(**shown: float) -> dict[str, float]:
    return derive_action_units(STILL | shown)


def test_a_crooked_smile_differs_by_its_sides() -> None:
    crooked = units(mouthSmileLeft=0.9, mouthSmileRight=0.3)
    differences = sided_differences(crooked)
    assert differences.pop("AU12") == pytest.approx(0.6)
    assert set(differences.values()) == {0.0}
    assert overall_asymmetry(crooked) == pytest.approx(0.6)


def test_what_shows_more_counts_more() -> None:
    # A strong even smile, and a wink of half the strength on one side alone.
    seen = units(mouthSmileLeft=0.75, mouthSmileRight=0.75, eyeBlinkRight=0.5)
    assert sided_differences(seen)["AU45"] == -0.5
    assert overall_asymmetry(seen) == pytest.approx(0.5 * 0.25 / (0.75 + 0.25))


def test_a_still_face_is_even_and_without_sides_nothing_is_known() -> None:
    assert overall_asymmetry(units()) == 0.0
    assert overall_asymmetry({}) is None
    assert overall_asymmetry({"AU12": 0.5}) is None  # as read from a table
    assert sided_differences({"AU12": 0.5, "AU12_left": 0.5}) == {}


@given(movements)
def test_the_mirror_image_differs_by_the_same_the_other_way(shown: dict[str, float]) -> None:
    there = derive_action_units(shown)
    mirror = derive_action_units({mirrored(name): value for name, value in shown.items()})
    differences = sided_differences(there)
    assert set(differences) == {unit.column for unit in ACTION_UNITS if unit.sided}
    assert sided_differences(mirror) == pytest.approx({n: -v for n, v in differences.items()})
    overall = overall_asymmetry(there)
    assert overall == pytest.approx(overall_asymmetry(mirror))
    assert overall is not None
    assert 0.0 <= overall <= max(map(abs, differences.values())) + 1e-9


def test_a_face_tells_it_in_json_and_reads_it_back() -> None:
    face = Face(
        Box(1, 2, 30, 40),
        0.9,
        probabilities=(0.0,) * 6 + (1.0,),
        action_units=units(mouthSmileLeft=0.9, mouthSmileRight=0.3),
    )
    assert face.to_dict()["asymmetry"] == face.asymmetry == pytest.approx(0.6)
    assert Face.from_dict(face.to_dict()) == face
    assert "asymmetry" not in Face(face.box, 0.9, probabilities=face.probabilities).to_dict()
