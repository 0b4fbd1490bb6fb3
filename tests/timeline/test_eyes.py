"""For how long the eyes of a face were closed, and where it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.smoothing import ExponentialSmoother
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.export.text_summary import eyes_closed, summary_text
from fer_core.models.detectors.scout import ScoutDetector
from fer_core.models.landmarks.gaze import MAX_YAW_DEG
from fer_core.schema import Face, FrameResult, HeadPose
from fer_core.testing import FakeEmotionModel
from fer_core.timeline.eyes import LEAST_OPEN, EyeClosure, eye_closure
from fer_core.timeline.summary import summarize
from fer_core.timeline.table import Timeline
from tests.sessions import face, moving
from tools.demo_clip.expression import Expression
from tools.demo_clip.scene import draw

Lids = tuple[float, float | None]
"""A time in seconds, and AU45; None if the face is not in the picture."""


def table(frames: Sequence[Lids], yaw_deg: float | None = 0.0) -> pd.DataFrame:
    timeline = Timeline()
    pose = None if yaw_deg is None else HeadPose(yaw_deg, 0.0, 0.0)
    for t_s, blink in frames:
        faces: tuple[Face, ...] = ()
        if blink is not None:
            lids = {"eyeBlinkLeft": blink, "eyeBlinkRight": blink}
            faces = (replace(moving(face(0.5), lids), pose=pose),)
        timeline.append(FrameResult(64, 48, faces, "m", "d", t_s=t_s))
    return timeline.to_frame()


def closure(frames: Sequence[Lids], yaw_deg: float | None = 0.0) -> EyeClosure | None:
    whole = table(frames, yaw_deg)
    return eye_closure(whole[whole["track_id"] == 1], whole["t_s"].unique())


def frames(blink: Callable[[float], float | None], seconds: float = 10.0) -> list[Lids]:
    return [(t_s, blink(t_s)) for t_s in np.arange(0.0, seconds + 0.05, 0.1).round(3).tolist()]


def test_two_closures() -> None:
    found = closure(frames(lambda t: 0.6 if 2.0 <= t < 3.0 or 5.0 <= t < 7.0 else 0.1))
    assert found is not None
    assert found.share == pytest.approx(0.3)
    assert found.longest_s == pytest.approx(2.0)


def test_narrow_eyes_are_judged_by_themselves() -> None:
    # Open eyes of one person are as open as half closed ones of another.
    found = closure(frames(lambda t: 0.22 if t < 8.0 else 0.5))
    assert found is not None
    assert found.share == pytest.approx(0.2)
    assert closure(frames(lambda t: 0.22)) == EyeClosure(0.0, 0.0)


@pytest.mark.parametrize("until_s", [8.0, 10.0])
def test_eyes_closed_for_most_of_the_time_are_no_narrow_eyes(until_s: float) -> None:
    found = closure(frames(lambda t: 0.1 if t >= until_s else 0.6))
    assert found is not None
    assert found.share == pytest.approx(until_s / 10.0)


def test_a_closure_ends_where_the_face_is_not_seen() -> None:
    found = closure(frames(lambda t: None if 4.0 <= t < 4.05 else 0.9 if t < 8.0 else 0.1))
    assert found is not None
    assert found.longest_s == pytest.approx(4.0)
    # And at a gap between frames, of which nothing is known.
    found = closure([(0.0, 0.1), (1.0, 0.9), (2.0, 0.9), (60.0, 0.9), (61.0, 0.9), (62.0, 0.1)])
    assert found is not None
    assert found.longest_s == pytest.approx(2.0)
    assert found.share == pytest.approx(3.0 / 4.0)


def test_where_nothing_can_be_judged() -> None:
    assert closure([(0.0, 0.9)]) is None
    assert closure(frames(lambda t: 0.9), yaw_deg=None) is None
    assert closure(frames(lambda t: 0.9), yaw_deg=MAX_YAW_DEG + 1.0) is None
    assert closure(frames(lambda t: 0.9), yaw_deg=-MAX_YAW_DEG) is not None
    dark_glasses = table(frames(lambda t: 0.9)).assign(problems="dark eyes_covered")
    assert eye_closure(dark_glasses, dark_glasses["t_s"].unique()) is None
    blind = table(frames(lambda t: 0.9)).assign(AU45=np.nan)
    assert eye_closure(blind, blind["t_s"].unique()) is None


def smoothed(closed_s: float) -> list[Lids]:
    """Lids that close once for so long, as a stream of 25 frames a second shows them."""
    smoother = ExponentialSmoother()
    times = np.arange(0.0, 20.0, 0.04).round(3).tolist()
    lids = [0.65 if 10.0 <= t_s < 10.0 + closed_s else 0.1 for t_s in times]
    return [
        (t, float(smoother.update(np.array([b]), t)[0])) for t, b in zip(times, lids, strict=True)
    ]


def test_smoothing_takes_blinks_away_and_leaves_long_closures_as_long_as_they_are() -> None:
    assert closure(smoothed(0.2)) == EyeClosure(0.0, 0.0)
    found = closure(smoothed(2.0))
    assert found is not None
    assert found.longest_s == pytest.approx(2.0, abs=0.2)


@given(
    st.lists(
        st.tuples(st.floats(0.02, 3.0), st.none() | st.floats(0.0, 1.0)), min_size=2, max_size=40
    )
)
def test_a_part_is_at_most_the_whole(steps: list[tuple[float, float | None]]) -> None:
    times = np.cumsum([step for step, _ in steps]).tolist()
    lids = list(zip(times, [blink for _, blink in steps], strict=True))
    if all(blink is None for _, blink in lids):
        return
    [summary] = summarize(table(lids))
    found = summary.eye_closure
    if found is None:
        return
    assert 0.0 <= found.share <= 1.0 + 1e-9
    assert 0.0 <= found.longest_s <= found.share * summary.observed_s + 1e-9
    if all(blink is None or blink < 1.0 - 0.7 for _, blink in lids):
        assert found.share == 0.0
    if all(blink is None or blink > 1.0 - 0.7 * LEAST_OPEN for _, blink in lids):
        assert found.share == pytest.approx(1.0)


def test_closed_eyes_of_a_drawn_face_as_the_shipped_network_sees_them() -> None:
    stream = StreamAnalyzer(Analyzer(ScoutDetector(), FakeEmotionModel()))
    looks = [draw(replace(Expression(), blink=blink), 1.0) for blink in (0.0, 1.0)]
    timeline = Timeline()
    for t_s in np.arange(0.0, 6.0, 0.1).round(3).tolist():
        timeline.append(stream.update(looks[2.0 <= t_s < 3.5], t_s))
    [seen] = summarize(timeline.to_frame())
    assert seen.eye_closure is not None
    assert seen.eye_closure.longest_s == pytest.approx(1.5, abs=0.15)


def test_it_is_said() -> None:
    whole = table(frames(lambda t: 0.6 if 2.0 <= t < 3.0 else 0.1))
    sentence = "Eyes closed for 10% of the time, for 1.0 s at the longest."
    assert eyes_closed(summarize(whole)[0]) == sentence
    assert sentence in summary_text(whole)
    assert "Eyes closed" not in summary_text(table(frames(lambda t: 0.1)))
    assert "Eyes closed" not in summary_text(table([(0.0, 0.9)]))
