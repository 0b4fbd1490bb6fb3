"""The load test runs: its users and live sessions speak the server's protocol."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks._live_peers import RATES, EncodedCamera, encoded_clips
from benchmarks._visitor import VisitFailed, Visitor
from fer_core.server.auth.password import hash_password
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


@pytest.mark.soak
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


@pytest.mark.soak
def test_nobody_gets_in_without_the_password(server: Dashboard):
    async def try_it() -> None:
        async with Visitor(server.url, "a wrong password"):
            pass

    with pytest.raises(VisitFailed, match="the login answered 401"):
        asyncio.run(try_it())


@pytest.mark.soak
def test_a_picture_that_is_none_is_counted_as_an_error(server: Dashboard, tmp_path: Path):
    seen = load.Seen()

    async def hand_over() -> None:
        async with Visitor(server.url, PASSWORD) as visitor:
            await visitor.arrive("photo")
            user = load.User(visitor, [b"no picture"], seen)
            await user._timed(seen.photos_s, user._hand_over(b"no picture"))

    asyncio.run(hand_over())
    assert seen.photos_s == []
    assert dict(seen.errors) == {"VisitFailed: the page shows no result": 1}


def test_each_second_of_a_clip_begins_with_a_key_frame():
    assert list(RATES) == list(range(8, 31))
    clips = encoded_clips((8, 13, 30))  # the slowest, one in between, the fastest
    assert list(clips) == [8, 13, 30]
    for fps, seconds in clips.items():
        for packets in seconds:
            # RFC 6386, 9.1: the lowest bit of the first byte of a key frame is 0.
            assert [packet[0] & 1 for packet in packets] == [0] + [1] * (fps - 1)


def test_a_camera_keeps_to_the_pace_it_is_asked_for():
    clips = {fps: [[bytes([fps])] * fps] for fps in (10, 20)}
    asked = iter([20, 30, 3])
    packets = EncodedCamera._in_time(clips, lambda: next(asked))
    told = [next(packets) for _ in range(50)]
    assert [data[0] for _, data in told] == [20] * 40 + [10] * 10
    assert [at_s for at_s, _ in told] == pytest.approx(
        [i / 20 for i in range(40)] + [2 + i / 10 for i in range(10)]
    )


def test_the_memory_of_each_third():
    assert load.thirds_and_peak([1.0, 3.0, 5.0, 5.0, 8.0, 2.0]) == [2.0, 5.0, 5.0, 8.0]
