"""Tests of derived valence and arousal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema.affect import COORDINATES, Affect, derive_affect

shares = st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7).map(
    lambda values: tuple(value / sum(values) for value in values)
)


def only(emotion: Emotion) -> tuple[float, ...]:
    return tuple(float(each is emotion) for each in EMOTIONS)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_pure_expression_lies_at_its_own_place(emotion):
    assert derive_affect(EMOTIONS, only(emotion)) == COORDINATES[emotion]


def test_the_quadrants_are_those_of_the_circumplex():
    assert COORDINATES[Emotion.NEUTRAL] == Affect(0.0, 0.0)
    assert COORDINATES[Emotion.HAPPY].valence > 0 < COORDINATES[Emotion.HAPPY].arousal
    assert COORDINATES[Emotion.SAD].valence < 0 > COORDINATES[Emotion.SAD].arousal
    assert COORDINATES[Emotion.ANGRY].valence < 0 < COORDINATES[Emotion.ANGRY].arousal


@given(shares)
def test_the_mean_stays_within_the_coordinates(row):
    affect = derive_affect(EMOTIONS, row)
    assert affect is not None
    assert -0.64 - 1e-9 <= affect.valence <= 0.81 + 1e-9
    assert -0.27 - 1e-9 <= affect.arousal <= 0.67 + 1e-9


def test_half_way_between_two():
    affect = derive_affect(("happy", "neutral"), (0.5, 0.5))
    assert affect is not None
    assert (affect.valence, affect.arousal) == pytest.approx((0.405, 0.255))


def test_labels_without_coordinates_have_no_affect():
    assert derive_affect(("happy", "sceptical"), (0.5, 0.5)) is None
