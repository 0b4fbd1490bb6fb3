"""Tests of numbers from outside, and of settings that could overflow calculations."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import plotly.graph_objects as go
import pytest
import streamlit
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.datastructures import Headers

from fer_core.cli.main import main
from fer_core.errors import IceSettingsWrong
from fer_core.export.charts.axis import ms
from fer_core.live.turn_settings import turn_settings
from fer_core.media.video import Selection
from fer_core.server.upload_guard import announced_bytes
from fer_core.settings import Settings, settings
from fer_core.ui.live.snapshots import MOST_WHOLE, _run
from fer_core.ui.shared import session_chart
from fer_core.ui.shared.bounds import bounded


@pytest.mark.parametrize(
    "value",
    [None, "5", "", True, math.nan, math.inf, -math.inf, 10**400, -(10**400), 1e300, -1, 11, [5]],
)
def test_what_is_no_number_within_the_bounds_is_none(value):
    assert bounded(value, 0.0, 10.0) is None


def test_a_number_within_them_is_itself():
    assert [bounded(value, 0.0, 10.0) for value in (0, 10, 2.5)] == [0.0, 10.0, 2.5]


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400))
def test_whatever_a_browser_sends_as_its_run_is_one_or_none(value):
    assert 0 <= _run(value) <= MOST_WHOLE


@pytest.mark.parametrize(
    ("text", "size"),
    [("17", 17), ("", 0), ("-1", 0), ("1e3", 0), ("²", 0), ("9" * 5000, 10**20 - 1)],
)
def test_an_announced_size_is_a_number_or_nothing(text, size):
    assert announced_bytes(Headers({"content-length": text})) == size


def numeric() -> list[str]:
    fields = Settings.model_fields.items()
    return [name for name, field in fields if field.annotation in (int, float, int | None)]


@pytest.mark.parametrize("value", ["1" + "0" * 400, "inf", "nan", "1e12", "1"])
def test_nor_is_the_life_of_credentials(monkeypatch, value):
    monkeypatch.setenv("FER_TURN_TTL_S", value)
    with pytest.raises(IceSettingsWrong):
        turn_settings()


@pytest.mark.parametrize("name", numeric())
@pytest.mark.parametrize("value", ["1" + "0" * 400, "inf", "nan", "1e12"])
def test_no_setting_is_a_number_beyond_all_sense(monkeypatch, name, value):
    monkeypatch.setenv(f"FER_{name.upper()}", value)
    with pytest.raises(ValidationError):
        settings()


@pytest.mark.parametrize("option", ["--fps", "--start", "--end", "--every"])
@pytest.mark.parametrize("value", ["1" + "0" * 308, "1" + "0" * 400, "1e308", "inf", "nan", "-1"])
def test_no_option_is_one_either(option, value, tmp_path):
    path = tmp_path / "none.mp4"
    asked = CliRunner().invoke(main, ["video", str(path), option, value])
    assert asked.exit_code == 2, asked.output
    assert "Error: " in asked.stderr


def test_the_largest_selection_picks_without_overflow():
    picker = Selection(fps=1000, end_s=1e9).picker()
    assert [picker(t_s) for t_s in (0.0, 1e8, 9.9e8)] == [True, True, True]
    with pytest.raises(ValueError, match="more than 0"):
        Selection(fps=1e308)


def test_what_a_browser_tells_of_a_chart_is_a_moment_and_a_span_or_nothing(monkeypatch):
    clicked: list[float] = []
    spans: list[tuple[float, float] | None] = []
    shown: dict[str, Any] = {}
    monkeypatch.setattr(session_chart, "_component", lambda **given: shown.update(given))
    figure = go.Figure(layout={"height": 100})
    chosen = session_chart.Chosen(None, None, clicked.append, spans.append)
    session_chart.session_chart(figure, "label", key="x", chosen=chosen)
    for value in (ms(2.5), None, "5", math.nan, math.inf, 10**400, -1, [1]):
        state = SimpleNamespace(moment=value)
        monkeypatch.setattr(streamlit, "session_state", {"x": state})
        shown["on_moment_change"]()
    assert clicked == [2.5]
    wrong: tuple[object, ...] = (
        [],
        None,
        "12",
        [1],
        [1, math.nan],
        [ms(3), ms(2)],
        [-1, 5],
        [None, 10**400],
        [1, 2, 3],
    )
    for span in ([ms(1.5), ms(4)], *wrong):
        state = SimpleNamespace(span=span)
        monkeypatch.setattr(streamlit, "session_state", {"x": state})
        shown["on_span_change"]()
    assert spans == [(1.5, 4.0), *[None] * len(wrong)]
