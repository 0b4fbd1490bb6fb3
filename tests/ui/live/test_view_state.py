"""Tests of the live page's settings: expressions relative to a measured rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fer_core.analysis.baseline import GIVE_UP_S, RestingExpression
from fer_core.labels import EMOTIONS, Emotion
from fer_core.live.session import LiveCamera
from fer_core.schema import Box, Face, FrameResult, Gaze
from fer_core.schema.action_units import MOVEMENTS, derive_action_units
from fer_core.schema.affect import COORDINATES
from fer_core.ui.live.view_state import LiveView, _measure, _seen_at_rest, against_rest
from tests.waiting import until

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


def frowning(t_s: float, left: float, right: float, yaw_deg: float) -> FrameResult:
    """Face 1 at ``t_s`` with its brows as low as that, looking aside by ``yaw_deg``."""
    shown = {"browDownLeft": left, "browDownRight": right, "jawOpen": 0.25}
    movements = dict.fromkeys(MOVEMENTS, 0.0) | shown
    face = Face(
        *(Box(60, 10, 40, 40), 0.9),
        probabilities=SAD_AT_REST,
        raw_probabilities=SAD_AT_REST,
        track_id=1,
        coefficients=tuple(movements.values()),
        raw_coefficients=tuple(movements.values()),
        action_units=derive_action_units(movements),
        gaze=Gaze(yaw_deg, -4.0, 2.0, 3.0),
    )
    return FrameResult(640, 480, (face,), "m", "d", t_s=t_s)


def submit(camera: LiveCamera, t_s: float) -> None:
    """A frame, once it is analysed."""
    before = len(camera.timeline)
    camera.submit(np.zeros((480, 640, 3), np.uint8), t_s)
    until(lambda: len(camera.timeline) > before)


def test_action_units_and_gaze_are_those_against_rest():
    """From frames that pass through the camera's worker, as on the page."""
    results = [frowning(n / 10, 0.6, 0.2, 5.0) for n in range(30)]
    results += [frowning(n / 10, 0.8, 0.8, -15.0) for n in range(30, 32)]

    class Known(Silent):
        def update(self, frame_bgr, t_s):
            return results[round(t_s * 10)]

    camera = LiveCamera(Known())
    view = LiveView(camera)
    for number, result in enumerate(results):
        if number == 30:
            _measure(view, _seen_at_rest(view, 0.0))
        submit(camera, result.t_s)
    camera.close()
    assert view.problem == ""
    window = camera.timeline.to_frame(last_s=GIVE_UP_S)
    shown = against_rest(window, view)
    assert shown["AU04"].tolist()[:30] == pytest.approx([0.0] * 30, abs=1e-6)
    assert shown["AU04"].iloc[-1] == pytest.approx((0.8 - 0.4) / (1.0 - 0.4))
    assert shown["AU26"].iloc[-1] == pytest.approx(0.0, abs=1e-6)
    gazes = shown[["gaze_yaw_deg", "gaze_pitch_deg", "gaze_room_yaw_deg", "gaze_room_pitch_deg"]]
    assert gazes.iloc[-1].tolist() == pytest.approx([-20.0, 0.0, 0.0, 0.0])
    assert set(window["AU04"].round(6)) == {0.4, 0.8}, "the table itself is left alone"
    assert view.rests[1].action_units["AU04_left"] == pytest.approx(0.6)


def test_a_rest_without_movements_leaves_them_as_they_are(view):
    view.session.timeline.append(frowning(3.0, 0.6, 0.2, 5.0))
    window = view.session.timeline.to_frame()
    shown = against_rest(window, view)
    columns = list(window.loc[:, "gaze_yaw_deg":"AU45"])
    pd.testing.assert_frame_equal(shown[columns], window[columns])
    assert (shown["dominant"] == "neutral").any()
