"""Tests of tables without faces that cannot be read well."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from fer_core.schema import FaceQuality, FrameResult
from fer_core.timeline.readings import readable
from fer_core.timeline.table import Timeline
from tests.sessions import mixed_face

QUALITIES = st.sampled_from(
    [None, FaceQuality(problems=()), FaceQuality(problems=("dark", "turned"))]
)


@given(st.lists(st.lists(QUALITIES, max_size=3), min_size=1, max_size=6))
def test_a_table_is_filtered_as_its_frames_are(frames):
    every, filtered = Timeline(), Timeline()
    for t_s, qualities in enumerate(frames):
        faces = (replace(mixed_face(i), quality=each) for i, each in enumerate(qualities, start=1))
        result = FrameResult(64, 48, tuple(faces), "m", "d", t_s=float(t_s))
        every.append(result)
        filtered.append(result.readable())
    assert_frame_equal(readable(every.to_frame()), filtered.to_frame())
