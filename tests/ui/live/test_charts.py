"""Tests of the live charts: the numbers sent to the browser, compared with the other figures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.analysis.baseline import RestingExpression
from fer_core.export.charts.basic import affect_figure, timeline_template
from fer_core.labels import EMOTIONS, Emotion
from fer_core.live.session import LiveCamera
from fer_core.schema import Box, Face, FrameResult
from fer_core.timeline.table import Timeline, with_gaps
from fer_core.ui.live.charts import figure_templates
from fer_core.ui.live.face_numbers import (
    MOST_POINTS,
    NOBODY,
    WINDOW_S,
    face_charts,
    problem_in_words,
)
from fer_core.ui.live.view_state import LiveView


class Silent:
    labels: tuple[str, ...] = EMOTIONS

    def update(self, frame_bgr, t_s):
        raise AssertionError("nothing to analyse")


def view() -> LiveView:
    return LiveView(LiveCamera(Silent()))


def random_shares(frames: int) -> np.ndarray:
    return np.random.default_rng(3).dirichlet(np.ones(7), frames)


def table(times_s: np.ndarray, gone: frozenset[int] = frozenset()) -> pd.DataFrame:
    """One face with random shares, except in the frames numbered ``gone``."""
    timeline = Timeline()
    for number, (t_s, row) in enumerate(zip(times_s, random_shares(len(times_s)), strict=True)):
        seen = Face(Box(1, 2, 30, 40), 0.9, probabilities=tuple(row), track_id=1)
        faces = () if number in gone else (seen,)
        timeline.append(FrameResult(64, 48, faces, "m", "d", t_s=float(t_s)))
    return timeline.to_frame()


def numbers(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def plain(figure: Any) -> Any:
    """A figure as the browser has it, without Plotly's own look."""
    found = json.loads(figure.to_json())
    found["layout"].pop("template", None)
    return found


def last_minute(fps: float, seconds: float = 70.0, gone: frozenset[int] = frozenset()) -> Any:
    window = table(np.arange(0, seconds, 1 / fps), gone)
    return window[window["t_s"] >= window["t_s"].iloc[-1] - WINDOW_S]


def lines(window: pd.DataFrame) -> Any:
    [charts] = face_charts(window, view())
    return charts["minute"]


def test_a_short_line_has_every_frame_and_gaps_where_there_was_no_face():
    window = last_minute(2.0, gone=frozenset(range(40, 90)))
    found = lines(window)
    assert "means" not in found["note"]
    whole = with_gaps(window, 1)
    np.testing.assert_allclose(numbers(found["x"]), whole["t_s"], atol=1e-4)
    for label, y in zip(EMOTIONS, found["y"], strict=True):
        np.testing.assert_allclose(numbers(y), whole[str(label)], atol=1e-4)


def test_a_long_line_is_thinned_by_means_and_says_so():
    window = last_minute(30.0, gone=frozenset(range(600, 700)))
    found = lines(window)
    assert MOST_POINTS * 0.9 <= len(found["x"]) <= MOST_POINTS + 2
    assert found["note"] == " (means over 0.2 s)"
    rows = with_gaps(window, 1)
    means = rows.groupby(rows["t_s"] // (WINDOW_S / MOST_POINTS)).mean(numeric_only=True)
    np.testing.assert_allclose(numbers(found["x"]), means["t_s"], atol=1e-4)
    for label, y in zip(EMOTIONS, found["y"], strict=True):
        np.testing.assert_allclose(numbers(y), means[str(label)], atol=1e-4)


def test_a_thinned_point_keeps_its_value_while_the_window_moves():
    whole = table(np.arange(0, 130, 1 / 30))
    parts = [lines(whole[whole["t_s"].between(a, a + WINDOW_S)]) for a in (20.0, 21.3)]
    values = [dict(zip(part["x"], part["y"][0], strict=True)) for part in parts]
    shared = set(values[0]) & set(values[1])
    # Only the bins at the two ends of the window may differ.
    assert len(shared) >= min(map(len, values)) - 10
    assert all(values[0][x] == values[1][x] for x in shared)


def test_the_window_moves_on():
    assert lines(table(np.arange(0, 10, 0.1)))["range"] == (0.0, 60.0)
    assert lines(last_minute(5.0, seconds=100.0))["range"] == pytest.approx((39.8, 99.8))


HAPPY, SAD, NEUTRAL = (
    EMOTIONS.index(each) for each in (Emotion.HAPPY, Emotion.SAD, Emotion.NEUTRAL)
)


def showing(*spans: tuple[float, dict[Emotion, float] | None]) -> pd.DataFrame:
    """A face that shows these shares for so many seconds each, ten times a second; None: unseen."""
    timeline, number = Timeline(), 0
    for seconds, shares in spans:
        for _ in range(round(10 * seconds)):
            faces: tuple[Face, ...] = ()
            if shares is not None:
                row = tuple(shares.get(each, 0.0) for each in EMOTIONS)
                faces = (Face(Box(1, 2, 30, 40), 0.9, probabilities=row, track_id=1),)
            timeline.append(FrameResult(64, 48, faces, "m", "d", t_s=number / 10))
            number += 1
    return timeline.to_frame()


CLEAR = {Emotion.HAPPY: 0.83, Emotion.NEUTRAL: 0.17}
UNCLEAR = {Emotion.SAD: 0.5, Emotion.NEUTRAL: 0.4, Emotion.FEAR: 0.1}


def test_a_clear_reading_has_its_share_and_how_long_it_has_lasted():
    [face] = face_charts(showing((3.0, UNCLEAR), (12.0, CLEAR)), view())
    assert face["now"] == {
        "dominant": HAPPY,
        "rival": NOBODY,
        "reading": "happy",
        "share": "83%",
        "since": "for 12 s",
    }
    assert face["bars"]
    assert not face["bars"]["change"]
    assert face["bars"]["x"][HAPPY] == 0.83
    assert face["bars"]["text"][HAPPY] == "83%"


def test_a_reading_between_two_expressions_names_both():
    [face] = face_charts(showing((3.0, UNCLEAR)), view())
    assert face["now"]
    assert face["now"]["reading"] == "between sad and neutral"
    assert (face["now"]["dominant"], face["now"]["rival"]) == (SAD, NEUTRAL)


@pytest.mark.parametrize(
    ("spans", "since"),
    [
        ([(70.0, CLEAR)], "for a minute or longer"),
        ([(20.0, CLEAR)], "for 20 s"),
        ([(20.0, CLEAR), (5.0, None), (10.0, CLEAR)], "for 10 s"),
        ([(70.0, None), (10.0, CLEAR)], "for 10 s"),
    ],
)
def test_an_expression_lasts_since_it_began_or_the_face_came_back(spans, since):
    table = showing(*spans)
    window = table[table["t_s"] >= table["t_s"].iloc[-1] - WINDOW_S]
    [face] = face_charts(window, view())
    assert face["now"]
    assert face["now"]["since"] == since


def test_the_strip_has_the_largest_share_and_one_that_is_close():
    table = showing((2.0, CLEAR), (2.0, None), (2.0, UNCLEAR))
    [face] = face_charts(table, view())
    minute = face["minute"]
    assert minute["dominant"] == [HAPPY] * 20 + [NOBODY] * 20 + [SAD] * 20
    assert minute["rival"] == [NOBODY] * 40 + [NEUTRAL] * 20
    assert minute["summary"] == "happy 50%, sad 50%"


def test_who_left_the_picture_has_a_minute_and_nothing_now():
    [face] = face_charts(showing((5.0, CLEAR), (3.0, None)), view())
    assert (face["now"], face["bars"], face["facts"]) == (None, None, "")
    assert face["minute"]["dominant"][:50] == [HAPPY] * 50


def test_who_left_comes_after_who_is_there_however_long_they_stayed():
    timeline = Timeline()
    row = tuple(CLEAR.get(each, 0.0) for each in EMOTIONS)
    for number in range(200):
        # Five leave after 15 seconds, when the sixth comes.
        there = (1, 2, 3, 4, 5) if number < 150 else (6,)
        faces = tuple(Face(Box(1, 2, 30, 40), 0.9, probabilities=row, track_id=i) for i in there)
        timeline.append(FrameResult(64, 48, faces, "m", "d", t_s=number / 10))
    found = face_charts(timeline.to_frame(), view())
    assert [face["id"] for face in found] == [6, 1, 2, 3]
    assert [face["now"] is not None for face in found] == [True, False, False, False]


def test_bars_against_rest_are_changes():
    found = view()
    rest = tuple(0.94 if each is Emotion.HAPPY else 0.01 for each in EMOTIONS)
    found.rests[1] = RestingExpression(EMOTIONS, rest)
    window = showing((3.0, CLEAR))
    for label in EMOTIONS:
        window[f"raw_{label}"] = CLEAR.get(label, 0.0)
    [face] = face_charts(window, found)
    assert face["bars"]
    assert face["bars"]["change"]
    assert face["bars"]["x"][HAPPY] < 0 < face["bars"]["x"][NEUTRAL]
    assert face["bars"]["text"][HAPPY] == "-12"


def test_a_face_that_is_too_poor_to_read_says_why():
    window = showing((3.0, CLEAR))
    window["problems"] = ""
    window.loc[20:, "problems"] = "small dark"
    [face] = face_charts(window, view())
    assert face["problem"] == "too small to read well"
    assert face["minute"]["poor"] == [False] * 20 + [True] * 10


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", ""),
        (pd.NA, ""),
        (None, ""),
        (float("nan"), ""),
        ("turned", "turned too far to read well"),
    ],
)
def test_problems_in_words(cell, words):
    assert problem_in_words(cell) == words


def test_the_templates_are_the_figures_of_other_pages_without_their_numbers():
    window = table(np.arange(0, 3, 0.1))
    templates = figure_templates(EMOTIONS)
    for name, figure, missing in (
        ("affect", affect_figure(window), {"x", "y"}),
        ("lines", timeline_template(), set()),
    ):
        whole = plain(figure)
        for trace, whole_trace in zip(templates[name]["data"], whole["data"], strict=True):
            assert trace == {key: whole_trace[key] for key in whole_trace.keys() - missing}
    assert templates["affect"]["layout"] == plain(affect_figure(window))["layout"]


def test_a_network_of_other_classes_has_figures_of_its_own():
    own = figure_templates(("calm", "tense"))
    assert [line["name"] for line in own["lines"]["data"]] == ["calm", "tense"]
    assert figure_templates(("calm", "tense")) is own, "built once"


def test_an_update_builds_no_figure(monkeypatch):
    figure_templates(EMOTIONS)
    for name in ("affect_figure", "timeline_template"):
        monkeypatch.setattr(f"fer_core.ui.live.charts.{name}", lambda *_: pytest.fail("a figure"))
    figure_templates(EMOTIONS)
    assert face_charts(table(np.arange(0, 3, 0.1)), view(), affect=True)


@settings(max_examples=25)
@given(
    steps_s=st.lists(st.floats(0.001, 5.0), min_size=2, max_size=400),
    gone=st.frozensets(st.integers(1, 398), max_size=40),
)
def test_whatever_the_frame_times_the_browser_gets_json_and_shares(steps_s, gone):
    times_s = np.cumsum(steps_s)
    window = table(times_s, gone - {len(times_s) - 1})
    for charts in face_charts(window, view(), affect=True):
        text = json.dumps(charts, allow_nan=False)
        assert json.loads(text)["minute"]["x"] == charts["minute"]["x"]
        lines = charts["minute"]
        assert all(len(y) == len(lines["x"]) for y in lines["y"])
        assert np.all(np.diff(numbers(lines["x"])) >= 0)
        shares = np.array([numbers(y) for y in lines["y"]])
        assert np.nanmin(shares) >= 0
        assert np.nanmax(shares) <= 1
