"""Tests of events: detected where they are, and never across a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.timeline.events import APART_S, COLUMNS, METHOD, PROMINENCE, events_table, find_events
from fer_core.timeline.table import Timeline
from tests.sessions import bump, session


def test_a_smile_has_an_onset_and_a_peak():
    onset, peak = find_events(session({1: bump(5.0)}), 1)
    assert (onset.kind, peak.kind) == ("onset", "peak")
    assert {onset.label, peak.label} == {"happy"}
    assert peak.t_s == pytest.approx(5.0)
    assert peak.share == pytest.approx(0.9)
    # A tenth of the height: at 5 - 0.7 sqrt(ln 10) = 3.94 s; the first frame after that.
    assert onset.t_s == pytest.approx(4.0)


def test_nothing_is_found_in_a_face_that_does_not_change_or_is_not_there():
    assert find_events(session({1: lambda t_s: 0.6}), 1) == ()
    assert find_events(session({1: bump(5.0)}), 7) == ()
    assert find_events(Timeline().to_frame(), 1) == ()


@pytest.mark.parametrize(("height", "found"), [(PROMINENCE - 0.02, 0), (PROMINENCE + 0.02, 2)])
def test_only_what_stands_out(height, found):
    assert len(find_events(session({1: bump(5.0, height)}), 1)) == found


def test_of_two_peaks_close_together_the_higher_is_kept():
    def flicker(t_s: float) -> float:
        return max(bump(5.0, 0.8, 0.08)(t_s), bump(5.0 + 0.6 * APART_S, 0.9, 0.08)(t_s))

    peaks = [e for e in find_events(session({1: flicker}, fps=50), 1) if e.kind == "peak"]
    assert [peak.share for peak in peaks] == [pytest.approx(0.9, abs=0.02)]


def test_no_event_across_a_gap():
    # Without its middle, the smile is a rise and a fall, and its top was not seen.
    table = session({1: bump(5.0)}, gone=lambda t_s: 4.75 < t_s < 5.25)
    assert find_events(table, 1) == ()
    # Where frames are far apart, nothing is known of the time between them either.
    table = session({1: bump(5.0)})
    assert find_events(table[~table["t_s"].between(4.0, 4.9)], 1)
    assert find_events(table[~table["t_s"].between(2.7, 4.9)], 1) == ()


def test_a_smile_that_goes_on_at_the_end_has_no_peak_yet():
    assert find_events(session({1: bump(10.0)}), 1) == ()


def test_neutral_has_no_events():
    table = session({1: lambda t_s: 1.0 - bump(5.0)(t_s)})
    assert {event.label for event in find_events(table, 1)} <= {"happy"}


def test_faces_and_labels_are_told_apart():
    labels = ("tired", "awake", "bored")
    table = session({1: bump(3.0), 2: bump(7.0)}, labels=labels)
    peaks = [e for i in (1, 2) for e in find_events(table, i) if e.kind == "peak"]
    assert [(e.track_id, e.label, round(e.t_s)) for e in peaks] == [
        *((1, "tired", 3), (2, "tired", 7)),
    ]
    assert {e.label for e in find_events(table, 1)} == {"tired"}


def test_events_as_a_table():
    table = events_table(find_events(session({1: bump(5.0)}), 1))
    assert list(table.columns) == COLUMNS
    assert list(table["kind"]) == ["onset", "peak"]
    assert list(events_table(()).columns) == COLUMNS


def test_the_method_is_named():
    assert "prominence" in METHOD
    assert "scipy.signal.find_peaks" in METHOD
    assert "10%" in METHOD


levels = st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0]), min_size=3, max_size=12)


def wandering(values: list[float]):
    """A curve through ``values``, one per second."""
    return lambda t_s: float(np.interp(t_s, range(len(values)), values))


@settings(max_examples=40)
@given(values=levels, gap=st.integers(0, 12), fps=st.sampled_from([4.0, 10.0, 29.97]))
def test_events_lie_on_frames_in_which_the_face_was_seen(values, gap, fps):
    table = session(
        {1: wandering(values)}, len(values), fps, gone=lambda t_s: gap < t_s < gap + 0.8
    )
    seen = table[table["track_id"] == 1]
    happy = dict(zip(seen["t_s"], seen["happy"], strict=True))
    for event in find_events(table, 1):
        assert event.label == "happy"
        assert happy[event.t_s] == pytest.approx(event.share)


@settings(max_examples=25)
@given(values=levels, shift_s=st.integers(1, 100_000))
def test_the_same_course_later_has_the_same_events_later(values, shift_s):
    now = find_events(session({1: wandering(values)}, len(values)), 1)
    later = find_events(session({1: wandering(values)}, len(values), start_s=shift_s), 1)
    assert [(e.kind, e.label, e.share) for e in now] == [(e.kind, e.label, e.share) for e in later]
    assert [e.t_s + shift_s for e in now] == pytest.approx([e.t_s for e in later])


@settings(max_examples=25)
@given(values=levels)
def test_every_peak_has_an_onset_before_it(values):
    events = find_events(session({1: wandering(values)}, len(values)), 1)
    onsets = [e.t_s for e in events if e.kind == "onset"]
    for peak in (e for e in events if e.kind == "peak"):
        assert any(t_s <= peak.t_s for t_s in onsets)
        assert peak.share >= PROMINENCE
