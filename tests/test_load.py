"""The load test can be run: its users and live sessions speak what the server speaks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks._live_peers import encoded_clip
from benchmarks._visitor import VisitFailed, Visitor
from fer_core.doors.password import hash_password
from tests.browser.conftest import Dashboard

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    here = Dashboard(tmp_path_factory.mktemp("load"), FER_PASSWORD_HASH=hash_password(PASSWORD))
    try:
        here.wait_until_ready()
        yield here
    finally:
        here.stop()


def test_users_and_live_sessions_at_once(server: Dashboard, monkeypatch: pytest.MonkeyPatch):
    for name, value in {"SETTLE_S": 0.5, "ALONE_S": 3.0, "COME_S": 3.0}.items():
        monkeypatch.setattr(load, name, value)
    monkeypatch.setattr(load, "THINKING_S", (0.1, 0.2))
    report = asyncio.run(load.measure(server, PASSWORD, count=2, streams=1, seconds=6.0))
    figures = json.loads(json.dumps(report.figures))
    assert figures["errors"] == {}
    assert figures["log_errors"] == 0
    assert figures["still_live"] == 1
    assert figures["photos"] > 0
    assert figures["pages"] > 0
    assert figures["first_pages"] == 2
    assert min(figures["photo_s_p50_p95_max"]) > 0.0
    for rates in figures["analysed_fps_alone_coming_beside"]:
        assert len(rates) == 1
        assert rates[0] > 0.0
    assert "2 users beside 1 live session" in report.as_markdown()


def test_nobody_gets_in_without_the_password(server: Dashboard):
    async def try_it() -> None:
        async with Visitor(server.url, "a wrong password"):
            pass

    with pytest.raises(VisitFailed, match="the door answered 401"):
        asyncio.run(try_it())


def test_a_picture_that_is_none_is_counted_as_an_error(server: Dashboard, tmp_path: Path):
    seen = load.Seen()

    async def hand_over() -> None:
        async with Visitor(server.url, PASSWORD) as visitor:
            await visitor.arrive()
            user = load.User(visitor, [b"no picture"], seen)
            await user._timed(seen.photos_s, user._hand_over(b"no picture"))

    asyncio.run(hand_over())
    assert seen.photos_s == []
    assert dict(seen.errors) == {"VisitFailed: the page shows no result": 1}


def test_the_clip_begins_with_a_key_frame_and_has_one_a_second():
    packets = encoded_clip()
    # RFC 6386, 9.1: the lowest bit of the first byte of a key frame is 0.
    keys = [number for number, packet in enumerate(packets) if not packet[0] & 1]
    assert keys[0] == 0
    assert max(b - a for a, b in zip(keys, [*keys[1:], len(packets)], strict=True)) <= 30


def test_the_memory_of_each_third():
    assert load.thirds_and_peak([1.0, 3.0, 5.0, 5.0, 8.0, 2.0]) == [2.0, 5.0, 5.0, 8.0]
