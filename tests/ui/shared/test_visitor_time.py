"""Times in the visitor's time zone: on pages, in files, in filters and names."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import streamlit as st
from hypothesis import given, strategies

from fer_core.history import LOCAL
from fer_core.ui.history.archive import archive
from fer_core.ui.history.filters import _span
from fer_core.ui.live import save
from fer_core.ui.shared.visitor_time import (
    end_of,
    for_files,
    for_pages,
    start_of,
    zone_of,
)
from tests.ui.history.test_page import keep, page, select, store  # noqa: F401

BERLIN = ZoneInfo("Europe/Berlin")
WINTER = datetime(2026, 11, 26, 23, 40, 7, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


def test_a_zone_is_the_browser_s_by_name_or_by_offset():
    assert zone_of("Europe/Berlin", -60) is BERLIN
    assert zone_of("Nowhere/Land", -330).utcoffset(None) == timedelta(hours=5, minutes=30)
    assert zone_of(None, 300).utcoffset(None) == timedelta(hours=-5)
    assert zone_of(None, None) is UTC


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/localtime", "America", "a" * 5000, "a\0b", "", 5, "Ünïcode"]
)
@pytest.mark.parametrize("offset", [10**400, float("nan"), "60", 1e9, True, None, [1]])
def test_whatever_else_a_browser_says_is_utc(name, offset):
    assert zone_of(name, offset) is UTC


@given(strategies.text(), strategies.integers() | strategies.floats())
def test_any_zone_can_be_told_the_time(name, offset):
    assert for_pages(WINTER, zone_of(name, offset))


def test_pages_show_name_and_offset_and_files_the_offset():
    assert for_pages(WINTER, BERLIN) == "2026-11-27 00:40 (Europe/Berlin, UTC+01:00)"
    assert for_pages(SUMMER, BERLIN) == "2026-07-01 12:00 (Europe/Berlin, UTC+02:00)"
    assert for_pages(WINTER, timezone(timedelta(hours=-5))) == "2026-11-26 18:40 (UTC-05:00)"
    assert for_pages(WINTER, UTC) == "2026-11-26 23:40 (UTC)"
    assert for_files(WINTER, BERLIN) == "2026-11-27T00:40:07+01:00"
    assert for_files(WINTER, UTC) == "2026-11-26T23:40:07+00:00"
    assert datetime.fromisoformat(for_files(WINTER, BERLIN)) == WINTER


def test_a_day_is_a_day_where_the_visitor_is():
    since, until = _span((date(2026, 3, 29), date(2026, 3, 29)), BERLIN)  # the clocks go forward
    assert (since, until) == (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )


@given(strategies.dates(), strategies.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-12))]))
def test_every_day_that_can_be_typed_begins_and_ends(day, zone):
    assert start_of(day, zone) < end_of(day, zone)


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "timezone", property(lambda _self: "Europe/Berlin"))
    monkeypatch.setattr(type(st.context), "timezone_offset", property(lambda _self: -60))


def started_at(store: Any, number: int, moment: datetime) -> None:  # noqa: F811
    with store.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE sessions SET started_at = '{moment:%Y-%m-%d %H:%M:%S.%f}' WHERE id = {number}"
        )


def test_the_history_is_in_the_visitor_s_time(in_berlin, page, store):  # noqa: F811
    number = keep(store, "glad one")
    started_at(store, number, WINTER)
    assert store.session(number, LOCAL).started_at == WINTER
    select(page.run(), 0)
    assert not page.exception
    shown = page.dataframe[0]
    assert shown.value["started"][0] == WINTER
    assert str(shown.value["started"].dt.tz) == "Europe/Berlin"
    assert "Started (Europe/Berlin)" in shown.proto.columns
    captions = " ".join(each.value for each in page.caption)
    assert "Started: 2026-11-27 00:40 (Europe/Berlin, UTC+01:00)" in captions
    page.date_input[0].set_value((date(2026, 11, 27), date(2026, 11, 27))).run()
    assert list(page.dataframe[0].value["name"]) == ["glad one"]


def test_files_have_the_offset(store):  # noqa: F811
    number = keep(store, "glad one")
    started_at(store, number, WINTER)
    view = store.of(LOCAL)
    with zipfile.ZipFile(io.BytesIO(archive(view, view.sessions(), BERLIN))) as opened:
        table = pd.read_csv(io.BytesIO(opened.read("sessions.csv")))
    assert table["Started"][0] == "2026-11-27T00:40:07+01:00"


def test_a_live_session_is_named_by_the_visitor_s_clock(in_berlin, monkeypatch):
    class Frozen(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return WINTER.astimezone(tz)

    monkeypatch.setattr(save, "datetime", Frozen)
    assert save.default_name() == "Live 2026-11-27 00:40"
