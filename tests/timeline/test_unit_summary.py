"""The summary of the action units of a session, and where it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.export.report import html_report
from fer_core.export.text_summary import summary_text
from fer_core.schema import FrameResult
from fer_core.schema.action_units import MOVEMENTS, derive_action_units
from fer_core.schema.face import ACTION_UNIT_COLUMNS
from fer_core.timeline.summary import (
    VISIBLE,
    Peak,
    TrackSummary,
    most_visible,
    summarize,
    unit_table,
)
from fer_core.timeline.table import MAX_GAP_S, Timeline
from tests.sessions import mixed_face, mixed_table

Moves = dict[str, float] | None
"""Movements by name, the others 0; None where they were not measured."""


def table(frames: Sequence[tuple[float, Moves]]) -> pd.DataFrame:
    timeline = Timeline()
    for t_s, moves in frames:
        face = mixed_face()
        if moves is not None:
            units = derive_action_units(dict.fromkeys(MOVEMENTS, 0.0) | moves)
            face = replace(face, action_units=units)
        timeline.append(FrameResult(64, 48, (face,), "m", "d", t_s=t_s))
    return timeline.to_frame()


def smile(strength: float) -> dict[str, float]:
    return {"mouthSmileLeft": strength, "mouthSmileRight": strength}


def summary(frames: Sequence[tuple[float, Moves]]) -> TrackSummary:
    [found] = summarize(table(frames))
    return found


def test_what_is_visible_for_how_long() -> None:
    frames = [(n / 10, smile(0.8 if 20 <= n < 60 else 0.1) | {"jawOpen": 0.35}) for n in range(101)]
    found = summary(frames).action_units
    assert set(found) == set(ACTION_UNIT_COLUMNS)
    assert found["AU12"].share == pytest.approx(0.4)
    assert found["AU12"].mean == pytest.approx(0.4 * 0.8 + 0.6 * 0.1)
    assert found["AU12"].peak == Peak(0.8, 2.0)
    assert found["AU26"].share == pytest.approx(1.0)
    assert found["AU01"] == replace(found["AU01"], share=0.0, mean=0.0)


def test_lids_that_are_as_tight_as_on_any_face_are_not_visible() -> None:
    squint = {"eyeSquintLeft": 0.4, "eyeSquintRight": 0.4}
    assert summary([(0.0, squint), (1.0, squint)]).action_units["AU07"].share == 0.0
    squint = dict.fromkeys(squint, 0.7)
    assert summary([(0.0, squint), (1.0, squint)]).action_units["AU07"].share == 1.0


values = st.none() | st.floats(0.0, 1.0)
steps = st.floats(0.01, 2.0 * MAX_GAP_S)


@given(st.lists(st.tuples(steps, values), min_size=1, max_size=20))
def test_by_brute_force(rows: list[tuple[float, float | None]]) -> None:
    """Over the time in which it was measured, each frame until the next one."""
    times_s = np.cumsum([step_s for step_s, _ in rows]).tolist()
    jaws = [jaw for _, jaw in rows]
    moves = [None if jaw is None else {"jawOpen": jaw} for jaw in jaws]
    found = summary(list(zip(times_s, moves, strict=True))).action_units
    lengths_s = [*np.diff(times_s).tolist(), 0.0]
    known = [
        (t_s, jaw, length_s if length_s <= MAX_GAP_S else 0.0)
        for t_s, jaw, length_s in zip(times_s, jaws, lengths_s, strict=True)
        if jaw is not None
    ]
    if not known:
        assert found == {}
        return
    whole_s = sum(length_s for *_, length_s in known)
    weights = [length_s / whole_s if whole_s else 1.0 / len(known) for *_, length_s in known]
    jaw_drop = found["AU26"]
    visible = sum(w for w, (_, jaw, _) in zip(weights, known, strict=True) if jaw >= VISIBLE)
    assert jaw_drop.share == pytest.approx(visible, abs=1e-6)
    mean = sum(w * jaw for w, (_, jaw, _) in zip(weights, known, strict=True))
    assert jaw_drop.mean == pytest.approx(mean, abs=1e-6)
    highest = max(jaw for _, jaw, _ in known)
    assert jaw_drop.peak == Peak(highest, next(t_s for t_s, jaw, _ in known if jaw == highest))


def test_the_three_most_visible_are_told_and_all_are_in_the_report() -> None:
    brows, lids = {"browInnerUp": 0.4}, {"eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.9}
    frames: list[tuple[float, Moves]] = [(float(n), lids) for n in range(11)]
    for first, moves in (
        (2, smile(0.9)),
        (5, brows),
        (8, {"jawOpen": 0.5}),
        (9, {"mouthPucker": 1.0}),
    ):
        frames[first:] = [(t_s, (old or {}) | moves) for t_s, old in frames[first:]]
    found = summary(frames)
    assert [unit.number for unit in most_visible(found)] == [12, 1, 26]
    assert [unit.number for unit in most_visible(found, most=9)] == [12, 1, 26, 18]
    sentence = (
        "Most visible movements: lip corner puller (AU12) 80%, inner brow raiser (AU1) 50%, "
        "jaw drop (AU26) 20% of the time."
    )
    assert sentence in summary_text(table(frames))
    page = html_report(table(frames), "moving", {})
    assert sentence in page
    cells = [re.sub(r"<.*?>", "|", row) for row in re.findall(r"<tr>(<td>AU.*?)</tr>", page, re.S)]
    assert len(cells) == len(unit_table(found)) == len(ACTION_UNIT_COLUMNS)
    assert "AU18 lip pucker" in next(row for row in cells if "10%" in row)


def test_nothing_is_told_where_nothing_moves_or_was_measured() -> None:
    still = table([(0.0, {}), (1.0, {})])
    assert "Most visible" not in summary_text(still)
    assert "All action units" in html_report(still, "still", {})
    unknown = mixed_table(3)
    assert summarize(unknown)[0].action_units == {}
    assert unit_table(summarize(unknown)[0]).empty
    assert "Most visible" not in summary_text(unknown)
    assert "All action units" not in html_report(unknown, "unknown", {})
