"""Tests of the timeline: its table, and the summary at any frame times."""

from __future__ import annotations

import csv
import io
import itertools
import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema import Box, Face, FaceQuality, FrameResult, Gaze, HeadPose
from fer_core.timeline.summary import Gap, Peak, summarize
from fer_core.timeline.table import (
    MAX_GAP_S,
    Timeline,
    columns,
    labels_of,
    results_of,
    table_csv,
    with_gaps,
)


def face(emotion: Emotion = Emotion.HAPPY, track_id: int | None = 1, share: float = 0.7) -> Face:
    rest = (1.0 - share) / (len(EMOTIONS) - 1)
    shares = tuple(share if each is emotion else rest for each in EMOTIONS)
    return Face(Box(10, 20, 30, 40), 0.9, probabilities=shares, track_id=track_id)


def frame(t_s: float, *faces: Face) -> FrameResult:
    return FrameResult(64, 48, faces, "model", "detector", t_s=t_s)


def timeline(*frames: FrameResult) -> Timeline:
    made = Timeline()
    for each in frames:
        made.append(each)
    return made


def test_an_empty_timeline():
    empty = Timeline()
    assert len(empty) == 0
    assert list(empty.to_frame().columns) == columns()
    assert empty.to_frame().empty
    assert summarize(empty.to_frame()) == ()
    assert table_csv(empty.to_frame()).decode() == ",".join(columns()) + "\n"


def test_a_row_a_face_and_an_empty_row_for_none():
    table = timeline(
        frame(0.0, face(Emotion.SAD, 1), face(Emotion.ANGRY, 2)), frame(0.1), frame(0.2, face())
    ).to_frame()
    assert list(table["t_s"]) == [0.0, 0.0, 0.1, 0.2]
    assert list(table["dominant"].dropna()) == ["sad", "angry", "happy"]
    assert table[columns()[1:]].isna().all(axis=1).tolist() == [False, False, True, False]
    assert table.loc[0, "yaw_deg":"problems"].isna().all()  # not measured
    assert list(table.loc[0, "track_id":"score"]) == [1, 10, 20, 30, 40, 0.9]
    assert table.loc[3, "happy"] == pytest.approx(0.7)


def test_a_face_without_an_identity_is_kept_but_not_summarised():
    nobody = timeline(frame(0.0, face(track_id=None)), frame(0.1, face(track_id=None)))
    assert nobody.to_frame()["happy"].notna().all()
    assert summarize(nobody.to_frame()) == ()


def test_frames_come_in_order():
    made = timeline(frame(1.0))
    for t_s in (1.0, 0.5, float("nan")):
        with pytest.raises(ValueError, match="in order"):
            made.append(frame(t_s))
    assert len(made) == 1


def test_only_the_last_seconds():
    made = timeline(*(frame(t, face()) for t in range(10)))
    assert list(made.to_frame(last_s=2.0)["t_s"]) == [7, 8, 9]


def test_the_table_can_be_read_while_it_grows():
    made = Timeline()
    stop = threading.Event()
    tables = []

    def read() -> None:
        while not stop.is_set():
            tables.append(len(made.to_frame(last_s=5.0)))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2000):
        # Eighths of a second are exact: the window holds the same number of frames everywhere.
        made.append(frame(number / 8, face()))
    stop.set()
    reader.join(10)
    assert len(made) == len(made.to_frame()) == 2000
    assert tables == sorted(tables)


def test_the_shares_are_of_time_not_of_frames():
    # Happy for one frame of a second and a half, sad for five frames of a tenth.
    happy, sad = face(Emotion.HAPPY), face(Emotion.SAD)
    sad_frames = [frame(1.5 + number / 10, sad) for number in range(6)]
    [summary] = summarize(timeline(frame(0.0, happy), *sad_frames).to_frame())
    assert summary.observed_s == pytest.approx(2.0)
    assert summary.shares[Emotion.HAPPY] == pytest.approx(0.75)
    assert summary.shares[Emotion.SAD] == pytest.approx(0.25)
    assert summary.longest_run.emotion is Emotion.HAPPY
    assert summary.longest_run.duration_s == pytest.approx(1.5)
    assert summary.switches == 1


def test_a_long_gap_counts_for_nothing_and_ends_a_run():
    happy = face()
    [summary] = summarize(
        timeline(
            frame(0.0, happy), frame(1.0, happy), frame(60.0, happy), frame(61.5, face(Emotion.SAD))
        ).to_frame()
    )
    assert summary.observed_s == pytest.approx(2.5)
    assert summary.longest_run.start_s == 60.0
    assert summary.longest_run.duration_s == pytest.approx(1.5)
    assert summary.switches == 1


def test_a_frame_without_the_face_counts_for_nothing():
    happy, other = face(track_id=1), face(Emotion.SAD, track_id=2)
    first, second = summarize(
        timeline(
            frame(0.0, happy), frame(1.0), frame(2.0, happy, other), frame(2.5, other), frame(3.0)
        ).to_frame()
    )
    assert [first.track_id, second.track_id] == [1, 2]
    assert first.observed_s == pytest.approx(1.5)
    assert first.longest_run.duration_s == pytest.approx(1.0)
    assert second.observed_s == pytest.approx(1.0)


def test_a_gap_is_an_empty_row_wherever_the_face_was_not():
    table = timeline(
        frame(0.0, face(track_id=1)),
        frame(0.1, face(track_id=2)),
        frame(0.2),
        frame(0.3, face(track_id=1)),
        frame(9.3, face(track_id=1)),
    ).to_frame()
    rows = with_gaps(table, 1)
    assert list(rows["t_s"]) == pytest.approx([0.0, 0.1, 0.2, 0.3, 4.8, 9.3])
    assert list(rows["happy"].isna()) == [False, True, True, False, True, False]


def test_csv_reads_back():
    made = timeline(frame(1 / 3, face()), frame(2 / 3))
    table = pd.read_csv(io.BytesIO(table_csv(made.to_frame())))
    assert list(table.columns) == columns()
    assert list(table["t_s"]) == [0.333, 0.667]
    assert table.loc[0, list(EMOTIONS)].sum() == pytest.approx(1.0, abs=1e-3)
    assert table.loc[1, "dominant":].isna().all()


def test_csv_has_no_negative_zero():
    shares = (0.00002, 0.0, 0.0, 0.0, 0.0, 0.0, 0.99998)  # a valence of -0.00001
    turned = replace(face(), probabilities=shares, pose=HeadPose(-0.04, -0.06, 0.04))
    table = timeline(frame(0.0, turned), frame(0.1)).to_frame()
    row = next(csv.DictReader(io.StringIO(table_csv(table).decode())))
    assert [row[name] for name in ("valence", "yaw_deg", "pitch_deg")] == ["0.0", "0.0", "-0.1"]


@st.composite
def streams(draw: st.DrawFn) -> list[FrameResult]:
    """Uneven frame times, some long gaps, none to three faces.

    Times are multiples of 1/64 s, which floats add and subtract without an error.
    """
    steps = draw(st.lists(st.integers(1, int(3 * MAX_GAP_S) * 64), min_size=1, max_size=40))
    emotions = st.sampled_from(EMOTIONS)
    frames = []
    for t_s in np.cumsum(steps) / 64:
        ids = draw(st.sets(st.integers(1, 3)))
        faces = [face(draw(emotions), track_id) for track_id in ids]
        frames.append(frame(float(t_s), *faces))
    return frames


@given(streams())
def test_every_frame_and_every_face_is_in_the_table(frames):
    made = timeline(*frames)
    table = made.to_frame()
    assert len(made) == len(frames) == table["t_s"].nunique()
    assert table["track_id"].notna().sum() == sum(len(each.faces) for each in frames)
    seen = table["track_id"].notna()
    assert table.loc[seen, "t_s":"arousal"].notna().all(axis=None)
    assert table.loc[~seen, "track_id":].isna().all(axis=None)


@given(streams())
def test_summary_by_brute_force(frames):
    summaries = {summary.track_id: summary for summary in summarize(timeline(*frames).to_frame())}
    held = {(each.track_id, each.dominant): 0.0 for result in frames for each in result.faces}
    for now, after in itertools.pairwise(frames):
        length = after.t_s - now.t_s
        for each in now.faces:
            held[each.track_id, each.dominant] += length if length <= MAX_GAP_S else 0.0
    assert {track_id for track_id, _ in held} == set(summaries)
    for summary in summaries.values():
        mine = {
            emotion: s for (track_id, emotion), s in held.items() if track_id == summary.track_id
        }
        assert summary.observed_s == pytest.approx(sum(mine.values()))
        for emotion, seconds in mine.items():
            assert summary.shares[emotion] * summary.observed_s == pytest.approx(seconds)
        if summary.observed_s:
            assert sum(summary.shares.values()) == pytest.approx(1.0)
        assert summary.longest_run.duration_s == max(run_lengths(frames, summary.track_id))
        assert summary.switches < summary.frames


def run_lengths(frames: list[FrameResult], track_id: int) -> list[float]:
    """The length of each run of one face, one frame at a time."""
    lengths = [0.0]
    before = None
    for now, after in zip(frames, [*frames[1:], None], strict=True):
        dominant = next((f.dominant for f in now.faces if f.track_id == track_id), None)
        step_s = after.t_s - now.t_s if after else 0.0
        if dominant is None or dominant is not before:
            lengths.append(0.0)
        if dominant is not None and step_s <= MAX_GAP_S:
            lengths[-1] += step_s
        before = dominant if step_s <= MAX_GAP_S else None
    return lengths


@settings(max_examples=40)
@given(streams(), st.integers(0, 10**6))
def test_the_summary_does_not_depend_on_when_the_stream_began(frames, shift_s):
    later = [frame(each.t_s + shift_s, *each.faces) for each in frames]
    for one, two in zip(
        summarize(timeline(*frames).to_frame()), summarize(timeline(*later).to_frame()), strict=True
    ):
        run = replace(one.longest_run, start_s=one.longest_run.start_s + shift_s)
        assert two == replace(
            one,
            start_s=one.start_s + shift_s,
            end_s=one.end_s + shift_s,
            longest_run=run,
            peaks={
                label: Peak(peak.share, peak.t_s + shift_s) for label, peak in one.peaks.items()
            },
            gaps=tuple(Gap(gap.start_s + shift_s, gap.end_s + shift_s) for gap in one.gaps),
        )


def test_means_peaks_and_gaps_of_a_face():
    happy, sad = face(Emotion.HAPPY, share=0.7), face(Emotion.SAD, share=0.4)
    [summary] = summarize(
        timeline(
            frame(0.0, happy), frame(1.5, sad), frame(2.0), frame(2.5, sad), frame(9.0, sad)
        ).to_frame()
    )
    assert summary.start_s == 0.0
    assert summary.end_s == 9.0
    # Happy for 1.5 s, sad for 0.5 s; the frame before the long gap stands for nothing.
    assert summary.means[Emotion.HAPPY] == pytest.approx(0.75 * 0.7 + 0.25 * 0.1)
    assert happy.valence is not None
    assert happy.arousal is not None
    assert sad.valence is not None
    assert sad.arousal is not None
    assert summary.valence_mean == pytest.approx(0.75 * happy.valence + 0.25 * sad.valence)
    assert summary.arousal_mean == pytest.approx(0.75 * happy.arousal + 0.25 * sad.arousal)
    assert summary.peaks[Emotion.SAD].share == pytest.approx(0.4)
    assert summary.peaks[Emotion.SAD].t_s == 1.5
    assert summary.gaps == (Gap(1.5, 2.5), Gap(2.5, 9.0))


def test_a_face_of_one_frame_has_means_and_no_time():
    [summary] = summarize(timeline(frame(3.0, face(Emotion.SAD))).to_frame())
    assert summary.observed_s == 0.0
    assert summary.means[Emotion.SAD] == pytest.approx(0.7)
    assert summary.peaks[Emotion.SAD].t_s == 3.0
    assert summary.gaps == ()


@given(streams())
def test_results_come_back_from_a_table(frames):
    back = list(results_of(timeline(*frames).to_frame(), 64, 48, "model", "detector"))
    steady = [
        replace(each, faces=tuple(replace(f, steady_label=f.dominant) for f in each.faces))
        for each in frames
    ]
    assert back == steady


def test_a_frame_stays_whole_where_its_rows_are_read_in_parts(monkeypatch):
    monkeypatch.setattr("fer_core.timeline.table._ROWS_AT_ONCE", 2)
    table = timeline(*(frame(t, face(), face(track_id=2), face(track_id=3)) for t in range(5)))
    results = list(results_of(table.to_frame(), 64, 48, "model", "detector"))
    assert [[seen.track_id for seen in each.faces] for each in results] == [[1, 2, 3]] * 5


def test_a_long_table_is_not_in_memory_twice():
    table = timeline(*(frame(t, face()) for t in range(20_000))).to_frame()
    tracemalloc.start()
    try:
        next(results_of(table, 64, 48, "model", "detector"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < table.memory_usage(deep=True).sum()


@pytest.mark.parametrize("labels", [EMOTIONS, ("serious", "smiling")])
def test_a_table_tells_its_labels(labels):
    assert labels_of(Timeline(labels).to_frame()) == labels


def test_a_network_with_other_expressions_fills_columns_of_its_own() -> None:
    labels = ("serious", "smiling")
    made = Timeline(labels)
    for i, shares in enumerate([(0.9, 0.1), (0.3, 0.7), (0.2, 0.8)]):
        seen = Face(Box(1, 2, 3, 4), 0.5, probabilities=shares, track_id=1, labels=labels)
        made.append(FrameResult(9, 9, (seen,), "own", "haar", float(i), labels=labels))
    assert list(made.to_frame().columns) == columns(labels)
    assert made.to_frame()["dominant"].tolist() == ["serious", "smiling", "smiling"]
    assert summarize(made.to_frame())[0].shares == {"serious": 0.5, "smiling": 0.5}
    assert summarize(made.to_frame())[0].longest_run.emotion == "serious"
    seven = Face(Box(1, 2, 3, 4), 0.5, probabilities=(1.0, *[0.0] * 6))
    with pytest.raises(ValueError, match="serious, smiling"):
        made.append(FrameResult(9, 9, (seven,), "compact", "haar", t_s=9.0))


def test_what_a_stream_tells_of_a_face_is_in_the_table():
    shares = (0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.2)
    seen = Face(
        Box(1, 2, 3, 4),
        0.5,
        probabilities=shares,
        track_id=3,
        presence=0.9,
        pose=HeadPose(10.0, -5.0, 2.0),
        eye_aspect_ratio=0.3,
        mouth_aspect_ratio=0.1,
        gaze=Gaze(4.0, -3.0, 14.0, -8.0),
        action_units={"AU12": 0.4, "AU12_left": 0.5, "AU12_right": 0.3},
        raw_probabilities=shares[::-1],
        steady_label=Emotion.NEUTRAL,
        blinks_per_minute=12.5,
        attentive=True,
        quality=FaceQuality(problems=("dark", "turned")),
    )
    unmeasured = replace(seen, attentive=None, pose=None, quality=None)
    made = timeline(
        frame(0.0, seen),
        frame(1.0, unmeasured),
        frame(1.5, replace(seen, quality=FaceQuality())),
        frame(2.0),
    )
    [row, other, good, nothing] = made.to_frame().to_dict("records")
    assert row["dominant"] == "neutral"  # the label that was held, not the largest share
    assert row["raw_angry"] == pytest.approx(0.2)
    assert (row["yaw_deg"], row["pitch_deg"], row["roll_deg"]) == (10.0, -5.0, 2.0)
    assert row["eye_aspect_ratio"] == pytest.approx(0.3)
    assert row["mouth_aspect_ratio"] == pytest.approx(0.1)
    assert (row["gaze_yaw_deg"], row["gaze_room_pitch_deg"]) == (4.0, -8.0)
    assert row["AU12"] == pytest.approx(0.4)
    assert pd.isna(row["AU01"])
    assert row["blinks_per_minute"] == 12.5
    assert row["presence"] == pytest.approx(0.9)
    assert row["attentive"] is True
    assert pd.isna(other["attentive"])
    assert (row["problems"], good["problems"]) == ("dark turned", "")
    assert pd.isna(other["problems"])
    assert pd.isna(nothing["problems"])
    assert pd.isna(other["yaw_deg"])
    assert row["valence"] == pytest.approx(seen.valence)
    assert row["arousal"] == pytest.approx(seen.arousal)
    assert pd.isna(nothing["dominant"])
    assert summarize(made.to_frame())[0].longest_run.emotion is Emotion.NEUTRAL
