"""The summary of a face as a row of a table."""

from __future__ import annotations

import pytest

from fer_core.labels import EMOTIONS
from fer_core.schema.face import ACTION_UNIT_COLUMNS
from fer_core.timeline.summary import summarize
from fer_core.timeline.summary_rows import summary_row
from tests.sessions import bump, moving_session, session


def test_a_row_tells_what_the_summary_tells() -> None:
    [face] = summarize(session({3: bump(4.0)}, seconds=10.0))
    row = summary_row(face)
    assert (row["track_id"], row["frames"], row["start_s"], row["end_s"]) == (3, 100, 0.0, 9.9)
    assert row["observed_s"] == 9.9
    assert row["happy_time"] == round(face.shares["happy"], 4)
    assert row["happy_mean"] == round(face.means["happy"], 4)
    assert (row["happy_peak"], row["happy_peak_s"]) == (0.9, 4.0)
    assert (row["longest_run"], row["switches"]) == ("neutral", 2)
    assert sum(row[f"{label}_time"] for label in EMOTIONS) == pytest.approx(1.0, abs=1e-3)
    # Not measured: neither a value nor 0.
    assert row["eyes_closed_share"] is None
    assert "AU12_mean" not in row


def test_action_units_have_the_same_columns_as_expressions() -> None:
    [face] = summarize(moving_session({"mouthSmileLeft": bump(4.0), "mouthSmileRight": bump(4.0)}))
    row = summary_row(face)
    assert (row["AU12_peak"], row["AU12_peak_s"]) == (0.9, 4.0)
    assert row["AU12_time"] == round(face.action_units["AU12"].share, 4) > 0.0
    assert {f"{column}_mean" for column in ACTION_UNIT_COLUMNS} <= set(row)


def test_a_face_seen_for_a_moment_has_no_parts_of_a_time() -> None:
    [face] = summarize(session({1: bump(0.0)}, seconds=0.1))
    row = summary_row(face)
    assert row["happy_time"] is row["longest_run"] is row["longest_run_s"] is None
    assert (row["happy_mean"], row["observed_s"]) == (0.9, 0.0)
