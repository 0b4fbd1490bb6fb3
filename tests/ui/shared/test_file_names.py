"""Tests of the names of files that a page offers."""

from __future__ import annotations

import pytest

from fer_core.ui.shared.file_names import file_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("clip.mp4", "clip"),
        ("IMG_0001.JPG", "IMG_0001"),
        ("Dr. Smith interview", "Dr. Smith interview"),
        ("Session 3.5 Anna", "Session 3.5 Anna"),
        ("../Question 1/2", "_Question 1_2"),
        (".mp4", "session"),
        ("mp4", "mp4"),
        ("…", "…"),
        (" ", "session"),
    ],
)
def test_only_the_ending_of_a_picture_or_a_video_is_cut(name, stem):
    assert file_stem(name) == stem


def test_a_long_name_of_any_alphabet_fits_a_file_system():
    name = file_stem("\N{GRINNING FACE}" * 200)
    assert len(f"{name}-expressions.parquet".encode()) <= 255
