"""Tests of the numbers that the live page sends to the browser for each face."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_core.analysis.baseline import RestingExpression
from fer_core.export.charts.basic import affect_figure
from fer_core.labels import EMOTIONS, Emotion
from fer_core.live.session import LiveCamera
from fer_core.schema import FrameResult, Gaze, HeadPose
from fer_core.timeline.table import Timeline
from fer_core.ui.live.face_numbers import MOST_FACES, face_charts
from fer_core.ui.live.view_state import LiveView, against_rest
from tests.sessions import mixed_face as face
from tests.sessions import mixed_table as table
from tests.sessions import moving


class Silent:
    labels: tuple[str, ...] = EMOTIONS

    def update(self, frame_bgr, t_s):
        raise AssertionError("nothing to analyse")


def new_view() -> LiveView:
    return LiveView(LiveCamera(Silent()))


def two_faces() -> pd.DataFrame:
    timeline = Timeline()
    for number in range(50):
        faces = [face(1)] if number < 30 else []
        faces.append(face(2, (0.7, 0.02, 0.03, 0.05, 0.1, 0.04, 0.06)))
        if number == 25:
            faces.append(face(3))
        timeline.append(FrameResult(64, 48, tuple(faces), "m", "d", t_s=number / 10))
    return timeline.to_frame()


def test_the_live_charts_of_each_face():
    two, one = face_charts(two_faces(), new_view())  # who is away comes last
    assert (one["id"], one["title"], one["now"], one["bars"]) == (1, "Face 1", None, None)
    assert two["id"] == 2
    assert two["now"]
    assert (two["now"]["reading"], two["now"]["share"]) == ("angry", "70%")
    assert two["bars"]
    assert two["bars"]["text"][0] == "70%"
    assert len(one["minute"]["y"]) == len(EMOTIONS)


def test_a_crowd_is_cut_to_those_seen_longest():
    timeline = Timeline()
    for number in range(40):
        faces = tuple(face(i) for i in range(1, 9) if number >= 2 * i)
        timeline.append(FrameResult(64, 48, faces, "m", "d", t_s=number / 10))
    assert [charts["id"] for charts in face_charts(timeline.to_frame(), new_view())] == [1, 2, 3, 4]
    assert MOST_FACES == 4


def test_an_update_is_small():
    # Sent twice a second for each face: a phone connection must bear it.
    [charts] = face_charts(table(60, 20), new_view(), affect=True)
    assert len(json.dumps(charts)) < 80_000


def test_happy_is_on_the_label_of_a_happy_face():
    [charts] = face_charts(table(3), new_view())
    assert charts["now"]
    assert (charts["now"]["reading"], charts["now"]["share"]) == (str(Emotion.HAPPY), "70%")


def test_faces_are_called_and_hidden_as_the_user_likes():
    view = new_view()
    view.names = {1: "Ada", 2: ""}
    assert [charts["title"] for charts in face_charts(two_faces(), view)] == ["Face 2", "Ada"]
    view.hidden.add(1)
    assert [charts["id"] for charts in face_charts(two_faces(), view)] == [2]


def turned(yaw_deg: float) -> pd.DataFrame:
    timeline = Timeline()
    seen = replace(face(), pose=HeadPose(yaw_deg, 0.0, 0.0), attentive=True, blinks_per_minute=14.2)
    for number in range(20):
        timeline.append(FrameResult(64, 48, (seen,), "m", "d", t_s=number / 10))
    return timeline.to_frame()


@pytest.mark.parametrize(
    ("yaw_deg", "words"),
    [
        (2.0, "facing the camera"),
        (20.4, "turned 20° to its left, still towards the camera"),
        (-20.4, "turned 20° to its right, still towards the camera"),
    ],
)
def test_what_is_known_of_a_head_is_said(yaw_deg, words):
    [charts] = face_charts(turned(yaw_deg), new_view())
    assert charts["facts"] == f"{words} · 14 blinks a minute"
    [unknown] = face_charts(table(3), new_view())
    assert unknown["facts"] == ""


def test_the_part_of_the_minute_with_closed_eyes_is_said():
    window = turned(2.0)
    window["AU45"] = np.where(window["t_s"] < 0.5, 0.6, 0.1)
    [charts] = face_charts(window, new_view())
    assert charts["facts"].endswith(" · 14 blinks a minute, eyes closed for 26% of it")


def winking(view: LiveView) -> pd.DataFrame:
    seen = replace(face(), raw_probabilities=face().probabilities)
    seen = moving(seen, {"eyeBlinkLeft": 0.8}, Gaze(0.0, 0.0, 0.0, 0.0))
    for number in range(20):
        result = FrameResult(64, 48, (seen,), "m", "d", t_s=number / 10)
        view.session.timeline.append(result)
    view.session._latest = result
    return view.session.timeline.to_frame()


def test_the_face_diagram_is_sent_where_it_is_asked_for():
    view = new_view()
    window = winking(view)
    [charts] = face_charts(window, view)
    assert charts["movements"] is None
    [charts] = face_charts(window, view, movements=True)
    assert charts["movements"]
    [wink] = charts["movements"]["units"]
    assert wink["name"] == "AU45 blink"
    assert wink["note"].startswith("more on its left")
    assert json.dumps(charts["movements"], allow_nan=False)
    [still] = face_charts(table(3), new_view(), movements=True)
    assert still["movements"] is None, "not measured"


def test_against_rest_the_face_diagram_is_that_of_the_table():
    view = new_view()
    window = winking(view)
    view.rests[1] = RestingExpression.measure(
        EMOTIONS, np.arange(0, 3, 0.1), np.tile(SAD_AT_REST, (30, 1))
    )
    [charts] = face_charts(window, view, movements=True)
    assert charts["movements"]
    assert charts["movements"]["units"][0]["note"] == ""


SAD_AT_REST = (0.05, 0.02, 0.03, 0.05, 0.6, 0.05, 0.2)


def rested(shares: tuple[float, ...]) -> tuple[pd.DataFrame, LiveView]:
    """A face that shows ``shares``, and is known to read as sad at rest."""
    timeline, view = Timeline(), new_view()
    times_s = np.arange(0, 3, 0.1)
    view.rests[1] = RestingExpression.measure(EMOTIONS, times_s, np.tile(SAD_AT_REST, (30, 1)))
    seen = replace(face(1, shares), raw_probabilities=shares)
    for number in range(20):
        timeline.append(FrameResult(64, 48, (seen,), "m", "d", t_s=number / 10))
    return timeline.to_frame(), view


def test_a_face_that_reads_as_sad_at_rest_is_shown_as_neutral():
    window, view = rested(SAD_AT_REST)
    [charts] = face_charts(window, view, affect=True)
    assert charts["now"]
    assert EMOTIONS[charts["now"]["dominant"]] == "neutral"
    assert charts["facts"] == "against rest, which reads as sad 59%"
    assert charts["bars"]
    assert set(charts["bars"]["text"]) == {"0"}
    corrected = against_rest(window, view)
    assert (corrected["dominant"] == "neutral").all()
    assert (corrected["valence"] > window["valence"]).all()
    assert (window["dominant"] == "sad").all(), "the table itself is left alone"


def test_what_changes_against_rest_is_shown():
    window, view = rested((0.02, 0.02, 0.03, 0.65, 0.1, 0.04, 0.14))
    [charts] = face_charts(window, view)
    assert charts["now"]
    assert EMOTIONS[charts["now"]["dominant"]] == "happy"
    assert charts["bars"]
    assert charts["bars"]["change"]
    text = dict(zip(map(str, EMOTIONS), charts["bars"]["text"], strict=True))
    assert text["happy"] == "+59"
    assert text["sad"] == "-49"


def test_valence_and_arousal_only_where_they_are_known_and_asked_for():
    [charts] = face_charts(table(3), new_view())
    assert charts["affect"] is None
    [charts] = face_charts(table(3), new_view(), affect=True)
    assert charts["affect"]
    assert charts["affect"]["x"] == [pytest.approx(face().valence, abs=1e-4)] * 30
    trail, now = affect_figure(table(3)).data
    assert len(trail.x) == 30
    assert (now.x[0], now.y[0]) == (trail.x[-1], trail.y[-1])
    assert now.x[0] == pytest.approx(face().valence)
