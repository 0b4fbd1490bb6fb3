"""The live charts: the numbers sent to the browser, put into the figures of every other page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.export.charts.basic import affect_figure, change_bars, share_bars, timeline_figure
from fer_core.labels import EMOTIONS
from fer_core.live.session import LiveCamera
from fer_core.schema import Box, Face, FrameResult
from fer_core.timeline.table import Timeline
from fer_core.ui.live.charts import WINDOW_S, face_charts, figure_templates
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


@pytest.mark.parametrize("fps", [2.0, 30.0])
def test_the_numbers_are_those_of_the_figure_that_other_pages_draw(fps):
    window = table(np.arange(0, 70, 1 / fps), gone=frozenset(range(40, 90)))
    window = window[window["t_s"] >= window["t_s"].iloc[-1] - WINDOW_S]
    [charts] = face_charts(window, view())
    figure, lines = timeline_figure(window, 1, WINDOW_S), charts["timeline"]
    assert len(figure.data) == len(lines["y"])
    for line, y in zip(figure.data, lines["y"], strict=True):
        np.testing.assert_allclose(numbers(lines["x"]), line.x, atol=1e-4)
        np.testing.assert_allclose(numbers(y), numbers(line.y), atol=1e-4)
    assert lines["range"] == pytest.approx(figure.layout.xaxis.range, abs=1e-4)
    title = figure_templates(EMOTIONS)["timeline"]["layout"]["xaxis"]["title"]["text"]
    assert title + lines["note"] == figure.layout.xaxis.title.text
    assert ("means" in lines["note"]) == (fps == 30.0)


def test_the_bars_are_those_of_the_figure_that_other_pages_draw():
    window = table(np.arange(0, 3, 0.1))
    [charts] = face_charts(window, view())
    shares = {str(label): window[str(label)].iloc[-1] for label in EMOTIONS}
    [bars] = share_bars(shares).data
    assert charts["bars"]
    assert charts["bars"]["figure"] == "shares"
    assert charts["bars"]["x"] == pytest.approx(list(bars.x), abs=1e-4)
    assert charts["bars"]["text"] == list(bars.text)


def test_the_templates_are_the_figures_of_other_pages_without_their_numbers():
    window = table(np.arange(0, 3, 0.1))
    shares = dict(zip(map(str, EMOTIONS), random_shares(1)[0].tolist(), strict=True))
    templates = figure_templates(EMOTIONS)
    for name, figure, missing in (
        ("shares", share_bars(shares), {"x", "text"}),
        ("changes", change_bars(shares), {"x", "text"}),
        ("affect", affect_figure(window), {"x", "y"}),
        ("timeline", timeline_figure(window, 1, WINDOW_S), {"x", "y"}),
    ):
        whole = plain(figure)
        for trace, whole_trace in zip(templates[name]["data"], whole["data"], strict=True):
            assert trace == {key: whole_trace[key] for key in whole_trace.keys() - missing}
        assert templates[name]["layout"] == whole["layout"], name


def test_a_network_of_other_classes_has_figures_of_its_own():
    own = figure_templates(("calm", "tense"))
    assert [line["name"] for line in own["timeline"]["data"]] == ["calm", "tense"]
    assert own["shares"]["data"][0]["y"] == ["calm", "tense"]
    assert figure_templates(("calm", "tense")) is own, "built once"


def test_an_update_builds_no_figure(monkeypatch):
    figure_templates(EMOTIONS)
    for name in ("share_bars", "change_bars", "affect_figure", "timeline_figure"):
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
        assert json.loads(text)["timeline"]["x"] == charts["timeline"]["x"]
        lines = charts["timeline"]
        assert all(len(y) == len(lines["x"]) for y in lines["y"])
        assert np.all(np.diff(numbers(lines["x"])) >= 0)
        shares = np.array([numbers(y) for y in lines["y"]])
        assert np.nanmin(shares) >= 0
        assert np.nanmax(shares) <= 1
