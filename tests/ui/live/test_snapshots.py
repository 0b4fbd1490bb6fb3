"""Tests of snapshots without a browser: accepted and refused messages, and their results."""

from __future__ import annotations

import base64
import io
from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.errors import PictureError, PictureTooLarge, UnreadablePicture
from fer_core.live.session import LiveCamera
from fer_core.live.slots import CameraSlots
from fer_core.schema import Box
from fer_core.testing import FakeDetector, FakeEmotionModel
from fer_core.ui.live import snapshots
from fer_core.ui.live.snapshots import SnapshotCamera, read_snapshot
from fer_core.ui.live.webrtc import Marks
from tests.waiting import until

FACE = Box(100, 100, 120, 120)
RUN = 1_800_000_000_000


def new_session(places: CameraSlots | None = None) -> LiveCamera:
    analyzer = Analyzer(FakeDetector([FACE]), FakeEmotionModel(), None)
    return LiveCamera(StreamAnalyzer(analyzer), places)


def jpeg(width: int = 640, height: int = 480, **how: Any) -> str:
    file = io.BytesIO()
    Image.new(how.pop("mode", "RGB"), (width, height), "grey").save(file, "JPEG", **how)
    return base64.b64encode(file.getvalue()).decode()


def sent(number: Any = 1, t_s: Any = 0.5, run: Any = RUN, **other: Any) -> dict[str, Any]:
    return {"run": run, "number": number, "t_s": t_s, "jpeg": jpeg(), **other}


def picture(camera: SnapshotCamera) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(camera.picture), np.uint8)
    found = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert found is not None
    return found


@pytest.fixture
def camera():
    camera = SnapshotCamera()
    yield camera
    camera.turn(0, new_session)


def test_a_snapshot_is_read():
    snapshot = read_snapshot(sent(3, 1.25))
    assert (snapshot.run, snapshot.number, snapshot.t_s) == (RUN, 3, 1.25)
    assert snapshot.bgr.shape == (480, 640, 3)
    assert snapshot.bgr.dtype == np.uint8
    assert snapshot.bgr.flags.c_contiguous


def test_colours_are_in_opencv_s_order():
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (250, 20, 20)).save(file, "JPEG")
    red = read_snapshot(sent(jpeg=base64.b64encode(file.getvalue()).decode()))
    blue, green, strong = red.bgr[32, 32].astype(int)
    assert strong > 200 > 60 > max(blue, green)


def test_a_grey_camera():
    assert read_snapshot(sent(jpeg=jpeg(mode="L"))).bgr.shape == (480, 640, 3)


def header_of(width: int, height: int) -> str:
    """A JPEG that says it has so many pixels."""
    data = bytearray(base64.b64decode(jpeg(16, 16)))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return base64.b64encode(bytes(data)).decode()


def png() -> str:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("hostile", "error"),
    [
        (None, UnreadablePicture),
        ([], UnreadablePicture),
        ("jpeg", UnreadablePicture),
        ({}, UnreadablePicture),
        (sent(run="now"), UnreadablePicture),
        (sent(run=float("inf")), UnreadablePicture),
        (sent(number=None), UnreadablePicture),
        (sent(t_s=float("nan")), UnreadablePicture),
        (sent(t_s=-1.0), UnreadablePicture),
        (sent(t_s=1e300), UnreadablePicture),
        (sent(t_s=10**400), UnreadablePicture),
        (sent(run=10**400), UnreadablePicture),
        (sent(number=10**400), UnreadablePicture),
        (sent(jpeg=""), UnreadablePicture),
        (sent(jpeg=7), UnreadablePicture),
        (sent(jpeg="not base64 ü"), UnreadablePicture),
        (sent(jpeg=png()), UnreadablePicture),
        (sent(jpeg=jpeg()[:600]), UnreadablePicture),
        (sent(jpeg="A" * 700_000), PictureTooLarge),
        (sent(jpeg=jpeg(1300, 20)), PictureTooLarge),
        (sent(jpeg=header_of(12_000, 9_000)), PictureTooLarge),
        (sent(jpeg=header_of(65_000, 65_000)), PictureTooLarge),
    ],
)
def test_whatever_else_comes_is_one_sentence(camera, hostile, error):
    with pytest.raises(error):
        read_snapshot(hostile)
    camera.turn(RUN, new_session)
    camera.take(hostile, Marks(), new_session)
    assert camera.problem.endswith("Press Stop, then Start.")
    # The browser waits for this number.
    assert camera.answered == 1
    camera.take(sent(2), Marks(), new_session)
    assert (camera.problem, camera.answered) == ("", 2)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(
    st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    | st.fixed_dictionaries(
        {"run": plain, "number": plain, "t_s": plain, "jpeg": plain | st.just(jpeg(16, 16))}
    )
)
def test_anything_is_a_snapshot_or_a_sentence(anything):
    try:
        snapshot = read_snapshot(anything)
    except PictureError:
        return
    assert snapshot.bgr.shape == (16, 16, 3)


def test_a_session_from_start_to_stop(camera):
    assert not camera.running
    assert camera.turn(RUN, new_session)
    assert not camera.turn(RUN, new_session)
    session = camera.session
    assert camera.running
    assert session is not None
    for number in range(1, 6):
        camera.take(sent(number, number * 0.2), Marks(), new_session)
        assert camera.answered == number
    assert session.stats().processed == 5
    assert session.latest is not None
    assert session.latest.t_s == 1.0
    assert camera.turn(0, new_session)
    assert session.stopped
    assert camera.session is session  # for the summary
    assert (camera.running, camera.picture) == (False, "")


def test_the_picture_that_comes_back_is_marked(camera):
    camera.turn(RUN, new_session)
    camera.take(sent(), Marks(), new_session)
    marked = picture(camera)
    assert marked.shape == (480, 640, 3)
    box, beside = marked[100:220, 100].astype(int), marked[300:400, 400].astype(int)
    assert np.ptp(box, axis=1).max() > 60
    assert np.ptp(beside, axis=1).max() < 20


def test_what_arrives_after_the_stop_is_not_analysed(camera):
    camera.turn(RUN, new_session)
    camera.turn(0, new_session)
    camera.take(sent(), Marks(), new_session)
    assert camera.session is not None
    assert not camera.session.started
    camera.turn(RUN + 1, new_session)
    camera.take(sent(run=RUN), Marks(), new_session)
    assert camera.answered == 0


def test_without_a_place_the_picture_comes_back_at_once(camera, monkeypatch):
    monkeypatch.setattr(snapshots, "RESULT_S", 3600.0)
    places = CameraSlots(1)
    assert places.acquire() == ""
    camera.turn(RUN, lambda: LiveCamera(StreamAnalyzer(Analyzer()), places))
    camera.take(sent(), Marks(), new_session)
    assert camera.answered == 1
    assert picture(camera).shape == (480, 640, 3)
    assert camera.session is not None
    assert "This server runs at most" in (camera.session.error or "")


def test_a_browser_that_went_silent_gives_its_place_back(camera, monkeypatch):
    monkeypatch.setattr(snapshots, "IDLE_S", 0.3)
    places = CameraSlots(1)
    with_place = partial(new_session, places)
    camera.turn(RUN, with_place)
    camera.take(sent(), Marks(), with_place)
    first = camera.session
    assert first is not None
    assert places.acquire()
    until(lambda: first.stopped, "the session ends by itself")
    assert places.acquire() == ""
    places.release()
    monkeypatch.setattr(snapshots, "IDLE_S", 600.0)
    # A tab that was hidden meanwhile goes on, with a session of its own, and says so.
    for number in (2, 3):
        camera.take(sent(number, 60.0 * number), Marks(), with_place)
        assert camera.problem == snapshots.AGAIN
    assert camera.session is not first
    second = camera.session
    assert second is not None
    until(lambda: second.stats().processed == 2, "both snapshots are analysed")
    camera.turn(0, with_place)
    assert camera.problem == ""


def test_a_tab_that_was_hidden_for_a_while_goes_on(camera, monkeypatch):
    monkeypatch.setattr("fer_core.live.session.SILENT_S", 0.05)
    places = CameraSlots(1)
    with_place = partial(new_session, places)
    camera.turn(RUN, with_place)
    camera.take(sent(), Marks(), with_place)
    session = camera.session
    assert session is not None
    until(lambda: not places.acquire(), "its place is free for somebody else")
    places.release()
    camera.take(sent(2, 60.0), Marks(), with_place)
    assert camera.session is session
    until(lambda: session.stats().processed == 2, "both snapshots are analysed")
    assert camera.problem == ""
