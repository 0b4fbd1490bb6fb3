"""Tests of saving a live session: earlier frames, new frames, and the end."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fer_core.errors import HistoryUnavailable, SessionUnknown
from fer_core.history import LOCAL, History, LiveRecording, database, tables
from fer_core.history.removal import UNCLAIMED_S
from fer_core.history.retention import tidy
from fer_core.labels import EMOTIONS
from fer_core.live.session import LiveCamera
from fer_core.schema import Box, Face, FrameResult
from fer_core.testing import FakeEmotionModel
from fer_core.timeline.table import results_of
from tests.waiting import DEADLINE_S, until


def result(number: int) -> FrameResult:
    shares = tuple(FakeEmotionModel().predict(np.zeros((1, 48, 48), np.uint8))[0].tolist())
    face = Face(Box(1, 2, 30, 40), 0.9, probabilities=shares, track_id=1)
    return FrameResult(64, 48, (face,), "compact", "haar", t_s=number / 10)


class Told:
    """Analyses a frame into what its time says."""

    labels = EMOTIONS

    def update(self, frame_bgr: object, t_s: float) -> FrameResult:
        return result(round(t_s * 10))


def begin(recording: LiveRecording, past: list[FrameResult]) -> None:
    recording.begin("Live", EMOTIONS, ("compact", "haar"), past)


def times(history: History, recording: LiveRecording) -> list[float]:
    assert recording.session_id is not None
    return [float(t) for t in history.table(recording.session_id, LOCAL)["t_s"]]


def test_past_early_and_later_frames_are_all_kept_in_order(history: History) -> None:
    recording = LiveRecording(history, LOCAL)
    recording.add(result(3))
    begin(recording, [result(1), result(2)])
    recording.add(result(4))
    recording.close()
    assert times(history, recording) == [0.1, 0.2, 0.3, 0.4]
    assert recording.session_id is not None
    session = history.session(recording.session_id, LOCAL)
    assert session.finished
    assert session.kind == "live"


def test_a_session_that_ended_before_it_was_begun(history: History) -> None:
    recording = LiveRecording(history, LOCAL)
    recording.close()
    begin(recording, [result(1)])
    assert times(history, recording) == [0.1]
    assert history.session(recording.session_id or 0, LOCAL).finished


def test_names_follow(history: History) -> None:
    recording = LiveRecording(history, LOCAL)
    recording.name_faces({1: "too early"})
    begin(recording, [result(1)])
    recording.name_faces({1: "Ada"})
    recording.name_faces({1: "Grace"})
    recording.close()
    assert history.face_names(recording.session_id or 0, LOCAL) == {1: "Grace"}


def test_forgotten_it_leaves_the_history(history: History) -> None:
    recording = LiveRecording(history, LOCAL)
    begin(recording, [result(1)])
    recording.add(result(2))
    recording.forget()
    recording.add(result(3))
    assert history.sessions(LOCAL) == []
    with pytest.raises(SessionUnknown):
        history.session(recording.session_id or 0, LOCAL)


def test_a_database_that_is_away_is_an_error_at_the_beginning() -> None:
    away = History("postgresql://nobody@127.0.0.1:9/nothing")
    recording = LiveRecording(away, LOCAL)
    with pytest.raises(HistoryUnavailable):
        begin(recording, [result(1)])
    recording.add(result(2))
    assert recording.session_id is None
    away.close()


def test_a_database_that_goes_away_at_the_beginning_keeps_no_half(
    sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program writes for longer than a save waits, after the first of two batches."""
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    store = History(f"sqlite:///{sqlite_file}")
    store.count(LOCAL)

    def past(other: sqlite3.Connection) -> Iterator[FrameResult]:
        yield from (result(number) for number in range(1, 950))
        other.execute("BEGIN IMMEDIATE")

    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as other:
        recording = LiveRecording(store, LOCAL)
        with pytest.raises(HistoryUnavailable):
            recording.begin("Live", EMOTIONS, ("compact", "haar"), past(other))
    assert store.sessions(LOCAL) == []
    with store.database.writing() as connection:  # an hour later
        earlier = datetime.now(UTC) - timedelta(seconds=2 * UNCLAIMED_S)
        connection.execute(sa.update(tables.sessions).values(started_at=earlier))
    assert tidy(store, None) == 1
    store.close()


def test_a_camera_that_ends_while_the_database_is_away_is_a_line_in_the_log(
    sqlite_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    store = History(f"sqlite:///{sqlite_file}")
    store.count(LOCAL)
    recording, camera = LiveRecording(store, LOCAL), LiveCamera(Told())
    begin(recording, [result(1)])
    camera.send_to(recording)
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        camera.submit(np.zeros((48, 64, 3), np.uint8), 5.0)
        until(lambda: camera.stats().processed == 1)
        camera.stop()  # pytest fails where a thread ends with an exception
        until(lambda: "not marked as finished" in caplog.text)
    assert recording.error.endswith("This session lost 1 frame.")
    store.close()


def test_a_camera_that_runs_is_kept_whole_from_its_first_frame(history: History) -> None:
    """Frames come all the time while the session is begun: none is lost, none comes twice."""
    camera = LiveCamera(Told())
    frame, going = np.zeros((48, 64, 3), np.uint8), threading.Event()
    going.set()

    def film() -> None:
        number = 0
        while going.is_set():
            number += 1
            camera.submit(frame, number / 10)
            while camera.stats().processed < number:
                time.sleep(0.0005)

    filming = threading.Thread(target=film)
    filming.start()
    try:
        until(lambda: camera.stats().processed >= 50)
        recording = LiveRecording(history, LOCAL)
        table = camera.send_to(recording)
        past = results_of(table, 64, 48, "compact", "haar")
        recording.begin("Live", EMOTIONS, ("compact", "haar"), past)
        seen = camera.stats().processed
        until(lambda: camera.stats().processed >= seen + 50)
    finally:
        going.clear()
        filming.join(DEADLINE_S)
    camera.stop()
    until(lambda: history.session(recording.session_id or 0, LOCAL).finished)
    expected = [float(t) for t in camera.timeline.to_frame()["t_s"]]
    until(lambda: times(history, recording) == expected)  # a busy machine writes for longer
    assert len(expected) >= 100
