"""The live charts: the numbers sent to the browser, put into the figures of every other page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.export.charts.basic import affect_figure, change_bars, share_bars, timeline_template
from fer_core.labels import EMOTIONS
from fer_core.live.session import LiveCamera
from fer_core.schema import Box, Face, FrameResult
from fer_core.timeline.table import Timeline, with_gaps
from fer_core.ui.live.charts import MOST_POINTS, WINDOW_S, face_charts, figure_templates
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
    return charts["timeline"]


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
        ("timeline", timeline_template(), set()),
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
    for name in ("share_bars", "change_bars", "affect_figure", "timeline_template"):
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
