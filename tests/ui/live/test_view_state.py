"""Tests of the live page's settings: expressions relative to a measured rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.analysis.baseline import RestingExpression
from fer_core.labels import EMOTIONS, Emotion
from fer_core.live.session import LiveCamera
from fer_core.schema import Box, Face, FrameResult
from fer_core.schema.affect import COORDINATES
from fer_core.ui.live.view_state import LiveView, against_rest

SHARES = list(map(str, EMOTIONS))
SAD_AT_REST = tuple(0.7 if emotion is Emotion.SAD else 0.05 for emotion in EMOTIONS)


class Silent:
    labels: tuple[str, ...] = EMOTIONS

    def update(self, frame_bgr, t_s):
        raise AssertionError("nothing to analyse")


@pytest.fixture
def view() -> LiveView:
    """Two faces for two seconds; the first looks as it does at rest, the second looks the same."""
    found = LiveView(LiveCamera(Silent()))
    for number in range(20):
        faces = tuple(
            Face(Box(60 * i, 10, 40, 40), 0.9, probabilities=SAD_AT_REST, track_id=i)
            for i in (1, 2)
        )
        found.session.timeline.append(FrameResult(640, 480, faces, "m", "d", t_s=number / 10))
    found.rests[1] = RestingExpression(EMOTIONS, SAD_AT_REST)
    return found


def of(table: pd.DataFrame, track_id: int) -> pd.DataFrame:
    return table[table["track_id"] == track_id]


def test_shares_label_valence_and_arousal_are_all_those_against_rest(view):
    window = view.session.timeline.to_frame()
    shown = of(against_rest(window, view), 1)
    assert set(of(window, 1)["dominant"]) == {"sad"}
    assert set(shown["dominant"]) == {"neutral"}
    places = np.array([(COORDINATES[each].valence, COORDINATES[each].arousal) for each in EMOTIONS])
    expected = shown[SHARES].to_numpy(np.float64) @ places
    assert shown[["valence", "arousal"]].to_numpy(np.float64) == pytest.approx(expected)
    assert (shown["valence"] > of(window, 1)["valence"] + 0.1).all()


def test_a_face_whose_rest_is_not_known_and_the_session_stay_as_they_are(view):
    window = view.session.timeline.to_frame()
    before = window.copy()
    pd.testing.assert_frame_equal(of(against_rest(window, view), 2), of(before, 2))
    pd.testing.assert_frame_equal(window, before)


def test_a_fragment_sees_that_snapshots_were_switched_off():
    def script() -> None:
        import streamlit as st

        from fer_core.ui.live.view_state import snapshots_switched_off, snapshots_toggle

        snapshots_toggle()
        st.text(str(snapshots_switched_off()))

    page = AppTest.from_function(script, default_timeout=30).run()
    page.toggle[0].set_value(True).run()
    assert page.text[0].value == "False"
    page.toggle[0].set_value(False).run()
    assert page.text[0].value == "True"
