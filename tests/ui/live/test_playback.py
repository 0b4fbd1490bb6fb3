"""Tests of the included clip, and of clips and uploads on the live page."""

from __future__ import annotations

import io
import os
from functools import partial

import cv2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.jobs.copies import VideoCopies, videos_folder
from fer_core.live.session import LiveCamera
from fer_core.media.video import Selection, VideoFile
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.paths import ROOT, SAMPLE_CLIP
from fer_core.ui import services
from fer_core.ui.live import webrtc
from fer_core.ui.live.playback import PlaybackCamera
from fer_core.ui.live.playback_pictures import ROUTES, TIME_HEADER
from fer_core.ui.live.webrtc import CameraView, Marks
from tests.waiting import until
from tools.demo_clip.poses import HOLDS, LENGTH_S


@pytest.fixture(params=["scout", "haar", pytest.param("yunet", marks=pytest.mark.shared)])
def analyzer(request, shared):
    if request.param != "yunet":
        return Analyzer(request.param, "compact")
    weights = shared / "weights" / "face_detection_yunet_2023mar.onnx"
    return Analyzer(YuNetDetector(weights), "compact")


def test_the_sample_clip_is_found_and_read_as_what_it_shows(analyzer):
    stream = StreamAnalyzer(analyzer)
    with VideoFile(SAMPLE_CLIP) as video:
        assert video.info.duration_s == pytest.approx(LENGTH_S, abs=0.1)
        frames = video.frames(Selection(fps=5.0))
        results = [stream.update(frame.bgr, frame.t_s) for frame in frames]
        assert video.problem == ""
    # One face all the time, and the same one.
    assert {tuple(face.track_id for face in result.faces) for result in results} == {(1,)}
    for name, start_s, end_s in HOLDS:
        # Smoothing follows half a second later.
        held = [r.faces[0].dominant for r in results if start_s + 0.5 <= r.t_s <= end_s]
        assert held.count(name) >= 0.8 * len(held), (name, held)


def upload(data: bytes) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = "clip.mp4"
    return file


@pytest.fixture
def camera():
    camera = PlaybackCamera()
    yield camera
    camera.stop()


@pytest.fixture
def start(camera):
    def new_session() -> LiveCamera:
        return LiveCamera(StreamAnalyzer(Analyzer("haar", "compact")))

    def run(file=None, loop=True):
        camera.start(file, loop, Marks(landmarks=True), new_session)

    return run


@pytest.fixture
def copies():
    """Where copies of uploads are put."""
    folder = videos_folder()
    folder.mkdir(parents=True)
    return folder


def test_a_copy_of_an_upload_is_deleted_when_it_stops(camera, start, copies):
    start(upload(SAMPLE_CLIP.read_bytes()))
    assert (camera.running, camera.problem) == (True, "")
    assert list(copies.iterdir())
    camera.stop()
    until(lambda: not list(copies.iterdir()), "the copy is gone")


def test_a_copy_of_an_upload_is_deleted_when_the_server_stops(start, copies):
    start(upload(SAMPLE_CLIP.read_bytes()))
    services.close()
    assert not list(copies.iterdir())


def test_a_copy_that_plays_for_hours_stays_until_it_stops(camera, start, copies):
    start(upload(SAMPLE_CLIP.read_bytes()))
    [copy] = copies.iterdir()
    os.utime(copy, (0, 0))
    VideoCopies(copies).delete_orphans(set())
    assert copy.exists()
    camera.stop()
    until(lambda: not copy.exists(), "the copy is gone")


def test_a_folder_without_room_for_a_copy_is_one_sentence(camera, start):
    videos_folder().parent.touch()  # no folder can be made in it, not even by root
    start(upload(SAMPLE_CLIP.read_bytes()))
    assert not camera.running
    assert "could not be copied" in camera.problem


@pytest.mark.parametrize("data", [b"", b"no video", SAMPLE_CLIP.read_bytes()[:2000]])
def test_a_file_that_is_no_video_is_one_sentence(camera, start, copies, data):
    start(upload(data))
    assert not camera.running
    assert camera.problem.endswith(".")
    assert not list(copies.iterdir())
    start()
    assert (camera.running, camera.problem) == (True, "")


def test_pictures_come_one_request_each_until_the_stop(camera, start):
    client = TestClient(Starlette(routes=ROUTES))
    start()
    assert camera.screen is not None
    address, last_s = f"/playback/{camera.screen.token}", -1.0

    def picture(after_s):
        answer = client.get(address, params={"after": after_s})
        return answer if answer.status_code == 200 else None

    for _ in range(3):
        answer = until(partial(picture, last_s), "a picture")
        assert answer.headers["cache-control"] == "no-store"
        assert float(answer.headers[TIME_HEADER]) > last_s
        last_s = float(answer.headers[TIME_HEADER])
    bgr = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    assert bgr.shape == (480, 640, 3)
    assert client.get(address, params={"after": 1e9}).status_code == 204
    assert client.get("/playback/another").status_code == 410
    camera.stop()
    assert client.get(address).status_code == 410


def playback_of(page: AppTest) -> PlaybackCamera:
    camera = page.session_state["live_playback:playback"]
    assert isinstance(camera, PlaybackCamera)
    return camera


def test_the_address_chooses_the_video_and_another_source_ends_it(monkeypatch):
    # streamlit-webrtc fails under AppTest.
    monkeypatch.setattr(webrtc, "camera", lambda *_: CameraView(running=False, session=None))
    live = AppTest.from_file(str(ROOT / "pages" / "live.py"), default_timeout=60)
    live.query_params["source"] = "video"
    live.run()
    assert not live.exception
    live.button(key="live_playback_start").click().run()
    assert playback_of(live).running
    live.button(key="live_playback_stop").click().run()
    assert not playback_of(live).running
    live.button(key="live_playback_start").click().run()
    assert playback_of(live).running
    live.segmented_control[0].set_value("camera").run()
    assert not playback_of(live).running
    assert live.query_params["source"] == "camera"
