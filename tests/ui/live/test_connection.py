"""Tests of noticing that the camera's picture does not arrive."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.labels import EMOTIONS
from fer_core.live.session import LiveCamera
from fer_core.live.slots import CameraSlots
from fer_core.schema import FrameResult
from fer_core.ui.live.connection import FORM_S, LOOK_S, LOST_S, ConnectionWatch
from tests.waiting import until


class Empty:
    """Finds no face in any frame."""

    labels = EMOTIONS

    def update(self, frame_bgr, t_s):
        return FrameResult(64, 48, (), "m", "d", t_s=t_s)


def frame(session: LiveCamera, t_s: float) -> None:
    def frames() -> int:
        stats = session.stats()
        return stats.processed + stats.dropped

    before = frames()
    session.submit(np.zeros((48, 64, 3), np.uint8), t_s)
    until(lambda: frames() > before, "the frame is analysed")


@pytest.fixture
def session():
    session = LiveCamera(Empty())
    yield session
    session.close()


def test_a_connection_that_does_not_form_within_ten_seconds(session):
    watch = ConnectionWatch()
    assert watch.look(True, session, 100.0) == ""
    assert watch.look(True, session, 100.0 + FORM_S - 0.1) == ""
    assert watch.look(True, session, 100.0 + FORM_S) == "no_connection"
    # The late frame mends it.
    frame(session, 1.0)
    assert watch.look(True, session, 112.0) == ""
    assert FORM_S == 10.0


def test_frames_that_come_are_no_problem(session):
    watch = ConnectionWatch()
    for second in range(30):
        frame(session, float(second + 1))
        assert watch.look(True, session, float(second)) == ""
    # Stop was pressed.
    assert watch.look(False, session, 30.0) == ""
    assert watch.look(False, session, 300.0) == ""


def test_frames_that_no_longer_come(session):
    watch = ConnectionWatch()
    watch.look(True, session, 0.0)
    frame(session, 1.0)
    assert watch.look(True, session, 2.0) == ""
    assert watch.look(True, session, 2.0 + LOST_S - 0.1) == ""
    assert watch.look(True, session, 2.0 + LOST_S) == "connection_lost"
    # It stays when the browser gives up, until the next start.
    assert watch.look(False, session, 20.0) == "connection_lost"
    assert watch.look(True, LiveCamera(Empty()), 60.0) == ""


def test_a_picture_that_stood_still_before_it_ended_was_lost(session):
    watch = ConnectionWatch()
    watch.look(True, session, 0.0)
    frame(session, 1.0)
    assert watch.look(True, session, 2.0) == ""
    assert watch.look(False, session, 2.0 + LOOK_S) == "connection_lost"


def test_who_comes_back_to_the_page_is_not_told_of_a_lost_connection(session):
    """Leaving it ended the camera, which then had no further frame."""
    watch = ConnectionWatch()
    watch.look(True, session, 0.0)
    frame(session, 1.0)
    assert watch.look(True, session, 2.0) == ""
    assert watch.look(False, session, 12.0) == ""


def test_a_start_that_ends_by_itself_without_a_frame(session):
    """The page then has the session before it again, with all its frames."""
    last = LiveCamera(Empty())
    frame(last, 1.0)
    watch = ConnectionWatch()
    watch.look(True, session, 0.0)
    assert watch.look(False, last, LOST_S) == "no_connection"
    assert watch.look(False, last, LOST_S + 2.0) == "no_connection"
    last.close()


def test_a_start_that_is_taken_back(session):
    watch = ConnectionWatch()
    watch.look(True, session, 0.0)
    assert watch.look(False, None, 2.0) == ""


def test_frames_that_are_kept_waiting_for_a_place_do_come():
    places = CameraSlots(1)
    assert places.acquire() == ""
    session = LiveCamera(Empty(), places)
    watch = ConnectionWatch()
    watch.look(True, session, 0.0)
    session.submit(np.zeros((48, 64, 3), np.uint8), 1.0)
    assert session.error
    assert watch.look(True, session, 60.0) == ""
