"""A photo and live sessions on a dyno: peak memory, and the end after SIGTERM."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from deploy.dyno import STOP_S, Dyno
from deploy.visit import visit
from tests.browser.test_live import frames_analysed, start, until
from tests.servers import free_port, running


@pytest.fixture
def dyno(tmp_path, monkeypatch) -> Iterator[Dyno]:
    monkeypatch.delenv("FER_DATA_DIR")
    # A dyno has the weights in its slug. Here there are none, and looking for them takes a second
    # process, whose memory would be counted.
    monkeypatch.setenv("FER_DETECTOR", "haar")
    monkeypatch.setenv("FER_EMOTION", "compact")
    with running(Dyno(tmp_path, free_port())) as dyno:
        yield dyno
    print(f"peak memory: {dyno.peak_mb:.0f} MB")


@pytest.fixture
def dashboard(dyno: Dyno) -> str:
    """Where ``open_page`` goes in this module."""
    return dyno.url


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_a_visit_fits_into_a_dyno(dyno, open_page):
    visit(open_page(camera="thirty"), dyno.url)
    assert dyno.stop() < STOP_S
    # What a dyno has. What it takes on a quiet machine is measured by hand: make dyno VISIT=1.
    assert not dyno.too_large
    assert dyno.written() == []


def kept_frames(dyno: Dyno) -> int:
    with closing(sqlite3.connect(dyno.app / "data" / "history.sqlite3")) as database:
        (row,) = database.execute("SELECT coalesce(sum(frames), 0) FROM sessions")
    return int(row[0])


def test_sigterm_in_mid_session_keeps_what_was_seen(dyno, open_page):
    page = open_page("/live")
    start(page)
    page.get_by_text("Save to history").click()
    until(page, lambda: kept_frames(dyno) >= 20, "20 frames are kept")
    seen = frames_analysed(page)
    dyno.stop()
    # Half a second of 30 frames may be lost, as the recorder promises; nothing older.
    assert kept_frames(dyno) >= seen - 15
