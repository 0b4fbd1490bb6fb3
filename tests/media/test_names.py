"""Tests of file names that are not valid text, or too long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.media.names import as_text, beside, printable, shortened

LATIN = os.fsdecode(b"gr\xfc\xdfe")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a.jpg", "a.jpg"), (LATIN, r"gr\xfc\xdfe"), ("a\nb", r"a\nb"), ("\x1b[2J", r"\x1b[2J"),
     ("a\u202egpj.exe", r"a\u202egpj.exe"), ("\ud800", r"\ud800"), ("Grüße 👩‍🔬", "Grüße 👩‍🔬")],
)  # fmt: skip
def test_what_people_see(name, shown):
    assert printable(name) == shown


def test_what_tables_hold():
    assert as_text("a\nb") == "a\nb"
    assert as_text(LATIN) == r"gr\xfc\xdfe"


names = st.binary(min_size=1, max_size=255).map(os.fsdecode)


@given(names)
def test_all_of_it_can_be_written(name):
    as_text(name).encode()
    assert len(printable(name).splitlines()) <= 1


@given(names, st.sampled_from([".csv", ".annotated.mp4"]))
def test_short_enough_for_a_disk(stem, ending):
    name = shortened(stem, ending)
    assert len(os.fsencode(name)) <= 255
    assert name.endswith(ending)
    if len(os.fsencode(stem + ending)) <= 255:
        assert name == stem + ending


def test_long_names_stay_apart():
    first, second = (shortened("x" * 250 + end, ".annotated.mp4") for end in "ab")
    assert first != second
    assert beside(Path("/f/a.csv"), ".part") == Path("/f/a.csv.part")
