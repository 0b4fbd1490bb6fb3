"""Tests of close readings."""

from __future__ import annotations

import pytest

from fer_core.schema.certainty import reading_in_words, rival

LABELS = ("happy", "sad", "neutral")


@pytest.mark.parametrize(
    ("shares", "shown", "other"),
    [
        ((0.80, 0.10, 0.10), "happy", None),
        ((0.10, 0.44, 0.46), "neutral", "sad"),
        ((0.05, 0.37, 0.58), "neutral", None),
        ((0.05, 0.39, 0.56), "neutral", "sad"),
        # A label that is held against flicker may be shown while another has more.
        ((0.10, 0.60, 0.30), "neutral", "sad"),
    ],
)
def test_the_expression_a_reading_is_close_to(shares, shown, other):
    assert rival(LABELS, shares, shown) == other


def test_a_close_reading_names_both_expressions():
    assert reading_in_words(LABELS, (0.10, 0.44, 0.46), "neutral") == "between neutral and sad"
    assert reading_in_words(LABELS, (0.80, 0.10, 0.10), "happy") == "happy"
