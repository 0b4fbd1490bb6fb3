"""Any streams of frames, for the tests of the history with Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from fer_core.labels import EMOTIONS
from fer_core.schema import PROBLEMS, Box, Face, FaceQuality, FrameResult, Gaze, HeadPose
from tests.history.frames import OWN, frame

_real = st.floats(allow_nan=False, allow_infinity=False)
_unit = st.floats(0.0, 1.0)
_qualities = st.builds(
    FaceQuality,
    problems=st.sets(st.sampled_from(PROBLEMS)).map(
        lambda found: tuple(problem for problem in PROBLEMS if problem in found)
    ),
)
_pixel = st.integers(-(2**20), 2**20)


def _shares(count: int) -> st.SearchStrategy[tuple[float, ...]]:
    weights = st.lists(st.floats(1e-9, 1.0), min_size=count, max_size=count)
    return weights.map(lambda found: tuple(weight / sum(found) for weight in found))


@st.composite
def faces(draw: st.DrawFn, labels: Sequence[str]) -> Face:
    size = st.integers(1, 2**20)
    return Face(
        Box(draw(_pixel), draw(_pixel), draw(size), draw(size)),
        draw(_unit),
        probabilities=draw(_shares(len(labels))),
        labels=tuple(labels),
        track_id=draw(st.none() | st.integers(0, 2**31 - 1)),
        presence=draw(st.none() | _unit),
        pose=draw(st.none() | st.builds(HeadPose, _real, _real, _real)),
        eye_aspect_ratio=draw(st.none() | _real),
        mouth_aspect_ratio=draw(st.none() | _real),
        gaze=draw(st.none() | st.builds(Gaze, _real, _real, _real, _real)),
        action_units=draw(st.just({}) | st.fixed_dictionaries({"AU01": _unit, "AU45": _unit})),
        raw_probabilities=draw(st.none() | _shares(len(labels))),
        steady_label=draw(st.none() | st.sampled_from(labels)),
        blinks_per_minute=draw(st.none() | _real),
        attentive=draw(st.none() | st.booleans()),
        quality=draw(st.none() | _qualities),
    )


@st.composite
def streams(draw: st.DrawFn) -> tuple[tuple[str, ...], list[FrameResult]]:
    """Labels, and frames in order with any faces."""
    labels: tuple[str, ...] = draw(st.sampled_from([EMOTIONS, OWN]))
    seen = st.lists(faces(labels), max_size=3)
    moments = sorted(draw(st.sets(st.floats(0.0, 1e6), max_size=8)))
    return labels, [frame(t_s, *draw(seen), labels=labels) for t_s in moments]
