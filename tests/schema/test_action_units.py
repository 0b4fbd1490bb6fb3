"""Action units are derived from the movements by their published correspondence."""

from __future__ import annotations

import pytest

from fer_core.schema.action_units import (
    ACTION_UNITS,
    MOVEMENTS,
    derive_action_units,
    mirrored,
    strongest,
)

REST = dict.fromkeys(MOVEMENTS, 0.0)


def test_the_movements_are_mediapipes_52() -> None:
    assert len(set(MOVEMENTS)) == 52
    assert MOVEMENTS[9] == "eyeBlinkLeft"
    assert [MOVEMENTS[25], MOVEMENTS[44], MOVEMENTS[51]] == [
        "jawOpen",
        "mouthSmileLeft",
        "noseSneerRight",
    ]


def test_every_action_unit_is_made_of_movements() -> None:
    units = derive_action_units(dict.fromkeys(MOVEMENTS, 0.5))
    assert set(units.values()) == {0.5}
    numbers = [unit.number for unit in ACTION_UNITS]
    assert numbers == [1, 2, 4, 5, 7, 10, 12, 14, 15, 17, 18, 20, 22, 24, 26, 28, 45]
    assert set(derive_action_units(REST).values()) == {0.0}


def test_a_crooked_smile_shows_on_its_side() -> None:
    units = derive_action_units(REST | {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.2})
    assert units["AU12_left"] == 0.8
    assert units["AU12_right"] == 0.2
    assert units["AU12"] == pytest.approx(0.5)
    assert sum(units.values()) == pytest.approx(1.5)  # nothing else


def test_lips_are_sucked_by_both() -> None:
    assert derive_action_units(REST | {"mouthRollLower": 0.6})["AU28"] == pytest.approx(0.3)


def test_mirroring_twice_is_the_same_movement() -> None:
    assert mirrored("eyeLookInLeft") == "eyeLookInRight"
    assert {mirrored(name) for name in MOVEMENTS} == set(MOVEMENTS)
    assert all(mirrored(mirrored(name)) == name for name in MOVEMENTS)


def test_the_strongest_come_first_and_the_weak_are_left_out() -> None:
    moved = {"jawOpen": 0.5, "browInnerUp": 0.9, "mouthPucker": 0.14, "mouthFunnel": 0.15}
    found = strongest(derive_action_units(REST | moved))
    assert [each.unit.title for each in found] == [
        "AU1 inner brow raiser",
        "AU26 jaw drop",
        "AU22 lip funneler",
    ]
    assert len(strongest(derive_action_units(dict.fromkeys(MOVEMENTS, 1.0)))) == 5
    assert strongest(derive_action_units(REST)) == []


@pytest.mark.parametrize(("squint", "spoken_of"), [(0.4, []), (0.7, [7])])
def test_the_lids_of_a_neutral_face_are_not_spoken_of(squint, spoken_of) -> None:
    moved = dict.fromkeys(("eyeSquintLeft", "eyeSquintRight"), squint)
    found = strongest(derive_action_units(REST | moved))
    assert [each.unit.number for each in found] == spoken_of


def test_a_wink_counts_by_its_side() -> None:
    [wink] = strongest(derive_action_units(REST | {"eyeBlinkRight": 0.2}))
    assert (wink.unit.number, wink.value, wink.side) == (45, 0.1, "right")
    moved = {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.35}
    [smile] = strongest(derive_action_units(REST | moved))
    assert smile.side == ""
    moved = {"mouthSmileLeft": 0.2, "mouthSmileRight": 0.06}
    assert strongest(derive_action_units(REST | moved)) == []


def test_a_table_has_no_sides() -> None:
    [smile] = strongest({"AU12": 0.4, "AU26": 0.1})
    assert (smile.value, smile.left, smile.right, smile.side) == (0.4, None, None, "")
