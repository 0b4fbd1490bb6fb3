"""Tests of the reduction of long sessions: peaks and gaps stay, and no value is invented."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.export.charts.thin import MOST_POINTS, MOST_RUNS, gaps, runs, thinned
from fer_core.labels import EMOTIONS
from fer_core.timeline.table import columns, with_gaps
from tests.sessions import bump, session

NAMES = list(map(str, EMOTIONS))


def long_table(rows: int, gone: tuple[int, ...] = ()) -> pd.DataFrame:
    """A face with random shares, ``rows`` frames at 25 per second."""
    shares = np.random.default_rng(7).dirichlet(np.ones(7), rows)
    table = pd.DataFrame({"t_s": np.arange(rows) / 25, "track_id": 1}).reindex(columns=columns())
    table[NAMES] = shares
    table["dominant"] = np.array(NAMES)[shares.argmax(axis=1)]
    table["track_id"] = table["track_id"].astype("Int64")
    table.loc[list(gone), "track_id"] = pd.NA
    table.loc[list(gone), [*NAMES, "dominant"]] = np.nan
    return table


def dominant(stretches: pd.DataFrame) -> list[list[object]]:
    return stretches[["start_s", "end_s", "dominant"]].values.tolist()


def test_what_is_short_is_left_alone():
    rows = with_gaps(session({1: bump(5)}), 1)
    assert thinned(rows, NAMES) is rows


def test_a_long_course_keeps_its_peaks_its_gaps_and_true_values():
    table = long_table(50_000, gone=tuple(range(20_000, 20_003)))
    rows = with_gaps(table, 1)
    thin = thinned(rows, NAMES)
    assert 0.6 * MOST_POINTS <= len(thin) <= MOST_POINTS
    assert thin["t_s"].is_monotonic_increasing
    assert thin["t_s"].is_unique
    for name in NAMES:
        assert thin[name].max() == rows[name].max()
        assert thin[name].min() == rows[name].min()
    assert thin["track_id"].isna().sum() >= 2
    pd.testing.assert_frame_equal(thin, rows.loc[thin.index])


def test_the_frames_of_events_are_kept():
    rows = with_gaps(long_table(50_000), 1)
    wanted = rows["t_s"].iloc[[17, 4_001, 33_333]].tolist()
    assert set(wanted) <= set(thinned(rows, NAMES, wanted)["t_s"])


def test_runs_of_one_expression():
    table = session({1: lambda t_s: 0.9 if 2 <= t_s < 5 else 0.1})
    assert dominant(runs(table, 1)) == [
        *([0.0, 2.0, "neutral"], [2.0, 5.0, "happy"], [5.0, 9.9, "neutral"]),
    ]


def test_a_stretch_ends_where_it_becomes_unsure_or_hard_to_read():
    table = session({1: lambda t_s: 0.48 if 2 <= t_s < 5 else 0.1})
    table["problems"] = pd.Series("", table.index, dtype="object")
    table.loc[table["t_s"].between(3.95, 6.05), "problems"] = "small dark"
    table.loc[table["t_s"] > 8, "problems"] = pd.NA  # nobody looked
    assert runs(table, 1).values.tolist() == [
        [0.0, 2.0, "neutral", "", False],
        [2.0, 4.0, "neutral", "happy", False],
        [4.0, 6.1, "neutral", "", True],
        [6.1, 9.9, "neutral", "", False],
    ]


def test_a_gap_is_no_part_of_a_run():
    table = session({1: lambda t_s: 0.9}, gone=lambda t_s: 3 <= t_s < 4)
    assert dominant(runs(table, 1)) == [[0.0, 3.0, "happy"], [4.0, 9.9, "happy"]]
    assert gaps(table, 1).values.tolist() == [[3.0, 4.0]]
    # Nor is a stretch without frames: the last one before it stands for no time.
    table = session({1: lambda t_s: 0.9})
    table = table[~table["t_s"].between(3.05, 6.95)]
    assert dominant(runs(table, 1)) == [[0.0, 3.0, "happy"], [7.0, 9.9, "happy"]]
    assert gaps(table, 1).values.tolist() == [[3.0, 7.0]]


def test_a_face_that_comes_late_and_leaves_early():
    table = pd.concat([session({1: bump(5)}), session({2: bump(5)}, seconds=5, start_s=2.0)])
    table = table.round({"t_s": 3}).sort_values("t_s")
    [first, last] = gaps(table, 2).values.tolist()
    assert (first, last) == ([0.0, 2.0], [7.0, 9.9])


def test_restless_sessions_have_a_bounded_ribbon():
    stretches = runs(long_table(40_000), 1)
    assert len(stretches) <= MOST_RUNS
    assert {str(label) for label in EMOTIONS} == set(stretches["dominant"])
    assert stretches["start_s"].iloc[0] == 0.0
    assert stretches["end_s"].iloc[-1] == pytest.approx(39_999 / 25)


@settings(max_examples=50)
@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_runs_and_gaps_fill_the_session(seen):
    table = session(
        {1: lambda t_s: 0.9}, len(seen) / 10, gone=lambda t_s: not seen[round(10 * t_s)]
    )
    stretches, holes = runs(table, 1), gaps(table, 1)
    length_s = sum(float((part["end_s"] - part["start_s"]).sum()) for part in (stretches, holes))
    assert length_s == pytest.approx((len(seen) - 1) / 10)
