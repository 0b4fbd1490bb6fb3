"""Counts in sentences: one of a thing is not several."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from fer_core.paths import ROOT
from fer_core.wording import count_of

THINGS = re.compile(r" (\w+ )?(blinks|faces|files|frames|pictures|rows|sessions|videos)\b")

NEVER_ONE = {
    "{MOST_COMPARED} sessions",
    "{MOST_OPEN} largest faces",
    "{len(result.faces)} faces",  # of so many that they do not fit beside their picture
    "{MIN_FRAMES} pictures",
    "{len(files)} videos",  # for which there is one file
    "{kept} pictures",  # of one, nothing is said
    "{cameras} cameras",
    "{report.learned_from} faces",  # those that a network learned from
    "{image.height} rows",  # of which some are missing
}


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 frames"), (1, "1 frame"), (1200, "1,200 frames")]
)
def test_a_count(number, said):
    assert count_of(number, "frame") == said


def counted(path: Path) -> Iterator[str]:
    """``{number} frames`` and the like in the texts of a source file; rates have a format."""
    for text in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(text, ast.JoinedStr):
            continue
        for number, after in pairwise(text.values):
            found = THINGS.match(str(getattr(after, "value", "")))
            if found and isinstance(number, ast.FormattedValue) and not number.format_spec:
                said = f"{{{ast.unparse(number.value)}}}{found[0]}"
                if "count_of(" not in said:
                    yield said


def test_numbers_of_things_are_written_so_that_they_can_be_one():
    sources = [path for path in (ROOT / "fer_core").rglob("*.py") if "training" not in path.parts]
    assert {text for path in sources for text in counted(path)} <= NEVER_ONE
