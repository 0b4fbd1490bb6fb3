"""Tests of the camera without a browser: a peer connection in this process replaces it."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Coroutine, Iterator
from fractions import Fraction
from functools import partial
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from streamlit_webrtc import component as webrtc_component
from streamlit_webrtc.component import WebRtcStreamerContext, WebRtcStreamerState
from streamlit_webrtc.webrtc import SignallingTimeoutError, WebRtcMode, WebRtcWorker

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.labels import COLORS, EMOTIONS, Emotion
from fer_core.live.session import LiveCamera
from fer_core.schema import Box
from fer_core.testing import FakeDetector, FakeEmotionModel
from fer_core.ui.live import webrtc
from fer_core.ui.patches import webrtc_context
from fer_core.ui.patches.newest_relay import NewestRelay
from tests.waiting import DEADLINE_S, until

Worker = WebRtcWorker[Any, Any]

KEY = "camera"
FACE = Box(40, 60, 120, 120)


def new_session() -> LiveCamera:
    return LiveCamera(StreamAnalyzer(Analyzer(FakeDetector([FACE]), FakeEmotionModel(), None)))


def camera_frame(t_s: float, shade: int = 60) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), shade, np.uint8), format="bgr24")
    frame.pts, frame.time_base = round(t_s * 90_000), Fraction(1, 90_000)
    return frame


class GreyCamera(VideoStreamTrack):
    """Thirty grey frames a second."""

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = camera_frame(0.0)
        frame.pts, frame.time_base = pts, time_base
        return frame


class Browser:
    """The other end: sends a camera picture, and keeps the last picture that comes back."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.pc = self.call(self._connection())
        self.received = 0
        self.picture: np.ndarray | None = None

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE_S)

    def start(self, worker: Worker) -> None:
        offer = self.call(self._offer())
        answer = worker.process_offer(offer.sdp, offer.type, timeout=DEADLINE_S)
        self.call(self.pc.setRemoteDescription(RTCSessionDescription(answer.sdp, answer.type)))

    def close(self) -> None:
        self.call(self.pc.close())

    async def _connection(self) -> RTCPeerConnection:
        return RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def _offer(self) -> Any:
        self.pc.on("track", lambda track: asyncio.ensure_future(self._watch(track)))
        self.pc.addTrack(GreyCamera())
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription

    async def _watch(self, track) -> None:
        while self.pc.connectionState != "closed":
            try:
                frame = await track.recv()
            except Exception:  # aiortc's sign that the track has ended
                return
            self.picture = frame.to_ndarray(format="bgr24")
            self.received += 1


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    # streamlit-webrtc asks for the thread's loop, which Python 3.12 no longer makes by itself.
    asyncio.set_event_loop(loop)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()
    asyncio.set_event_loop(None)
    # Collect what the next tests would be blamed for.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def make_worker(loop: asyncio.AbstractEventLoop, session: LiveCamera) -> Worker:
    nothing = dict.fromkeys(
        (
            *("source_video_track", "source_audio_track", "sink_video_track", "sink_audio_track"),
            *("player_factory", "in_recorder_factory", "out_recorder_factory"),
            *("audio_frame_callback", "queued_video_frames_callback", "on_audio_ended"),
            *("queued_audio_frames_callback", "video_processor_factory", "audio_processor_factory"),
        )
    )
    return WebRtcWorker(
        mode=WebRtcMode.SENDRECV,
        rtc_configuration=RTCConfiguration(iceServers=[]),
        video_frame_callback=partial(webrtc.on_frame, session, webrtc.Marks()),
        on_video_ended=session.stop,
        async_processing=False,
        video_receiver_size=4,
        audio_receiver_size=4,
        sendback_video=True,
        sendback_audio=True,
        loop=loop,
        relay=NewestRelay(),
        **nothing,
    )


@pytest.fixture
def streamlit_session(monkeypatch):
    """``st.session_state`` and the run count, without a Streamlit server."""
    state: dict[str, object] = {}
    info = SimpleNamespace(script_run_count=0)
    monkeypatch.setattr("fer_core.ui.live.webrtc.st.session_state", state)
    monkeypatch.setattr(webrtc_component, "get_this_session_info", lambda: info)
    return SimpleNamespace(state=state, info=info)


def frontend_says(session, value: object) -> None:
    session.state[webrtc_component.generate_frontend_component_key(KEY)] = value


def test_real_frames_through_the_real_callback(loop):
    session = new_session()
    worker = make_worker(loop, session)
    browser = Browser(loop)
    try:
        browser.start(worker)
        until(lambda: len(session.timeline) >= 15, "frames are analysed")
        gold = np.array(COLORS[Emotion.HAPPY].as_bgr())

        def marked() -> bool:
            if browser.picture is None:
                return False
            # Along the left edge of the box; grey where nothing is drawn.
            edge = browser.picture[100:150, FACE.x - 2 : FACE.x + 3].reshape(-1, 3)
            return bool((np.abs(edge.astype(int) - gold).sum(axis=1) < 120).any())

        until(marked, "the picture that comes back is marked")
        table = session.timeline.to_frame()
        assert set(table["track_id"]) == {1}
        assert set(table["dominant"]) == {"happy"}
        # The time of a frame is its presentation time: it begins at 0, in steps of 1/30 s.
        assert table["t_s"].iloc[0] < 5.0
        steps = np.diff(table["t_s"]) * 30
        assert np.allclose(steps, steps.round(), atol=0.02)
        assert (steps > 0.5).all()
    finally:
        worker.stop()
        browser.close()
    until(lambda: session.stopped, "the session ends with the stream")


def test_the_callback_does_no_inference_and_returns_while_the_analyzer_is_stuck():
    go_on, done = threading.Event(), threading.Event()

    class Stuck:
        labels: tuple[str, ...] = EMOTIONS

        def update(self, frame_bgr, t_s):
            go_on.wait(DEADLINE_S)
            done.set()

    session = LiveCamera(Stuck())
    for number in range(10):
        frame = camera_frame(number / 10)
        assert webrtc.on_frame(session, webrtc.Marks(), frame) is frame
    assert not done.is_set()
    session.stop()
    go_on.set()


@pytest.mark.parametrize("size", [(240, 320), (239, 321)])
def test_a_marked_picture_keeps_its_size_and_colours(size):
    session = new_session()
    webrtc.on_frame(session, webrtc.Marks(), camera_frame(0.0))
    until(lambda: session.latest is not None, "a result")
    session.stop()
    colours = np.zeros((*size, 3), np.uint8)
    colours[:] = (200, 120, 40)
    frame = av.VideoFrame.from_ndarray(colours, format="bgr24")
    frame.pts, frame.time_base = 1, Fraction(1, 30)
    marked = webrtc.on_frame(session, webrtc.Marks(), frame)
    assert marked is not frame
    corner = marked.to_ndarray(format="bgr24")[-20:, -20:].reshape(-1, 3)
    assert marked.to_ndarray(format="bgr24").shape == colours.shape
    assert np.abs(corner.mean(axis=0) - (200, 120, 40)).max() < 4


def test_marks_that_are_out_of_date_are_not_drawn():
    session = new_session()
    webrtc.on_frame(session, webrtc.Marks(), camera_frame(0.0))
    until(lambda: session.latest is not None, "a result")
    session.stop()
    soon = camera_frame(webrtc.STALE_S / 2)
    assert webrtc.on_frame(session, webrtc.Marks(), soon) is not soon
    late = camera_frame(webrtc.STALE_S * 2)
    assert webrtc.on_frame(session, webrtc.Marks(), late) is late


def test_an_error_while_drawing_does_not_kill_the_picture(monkeypatch):
    def fail(bgr, result, landmarks, pose):
        raise RuntimeError("no ink")

    session = new_session()
    webrtc.on_frame(session, webrtc.Marks(), camera_frame(0.0))
    until(lambda: session.latest is not None, "a result")
    session.stop()
    monkeypatch.setattr(webrtc, "annotate", fail)
    frame = camera_frame(0.1)
    assert webrtc.on_frame(session, webrtc.Marks(), frame) is frame
    assert session.error is not None
    assert "no ink" in session.error


def render(session: SimpleNamespace, jump: int = 1) -> Any:
    """What ``camera`` does first in each rerun, after ``jump`` counted runs."""
    session.info.script_run_count += jump
    webrtc_context.mend_context(KEY)
    return webrtc_component._get_or_create_context(KEY)


def test_the_race_that_kills_starts(loop, streamlit_session):
    """A jump of the run count in mid-stream, which streamlit-webrtc takes for a left page."""
    live = new_session()
    worker = make_worker(loop, live)
    browser = Browser(loop)
    try:
        context = render(streamlit_session)
        context._set_worker(worker)
        context._set_state(WebRtcStreamerState(playing=True, signalling=False))
        frontend_says(streamlit_session, {"playing": True})
        browser.start(worker)
        until(lambda: len(live.timeline) >= 5, "frames are analysed")
        for _ in range(3):
            assert render(streamlit_session, jump=2) is context
        assert context._get_worker() is worker
        assert context.state.playing
        seen = len(live.timeline)
        until(lambda: len(live.timeline) >= seen + 5, "the stream goes on")

        # Without the cure the same jump ends it. Once this fails, streamlit-webrtc has mended it
        # and the cure can go.
        streamlit_session.info.script_run_count += 2
        webrtc_component._get_or_create_context(KEY)
        assert context._get_worker() is None
        assert not context.state.playing
    finally:
        worker.stop()
        browser.close()


def test_a_jump_before_the_worker_is_made_does_not_lose_the_start(streamlit_session):
    context = render(streamlit_session)
    context._set_state(WebRtcStreamerState(playing=False, signalling=True))
    frontend_says(streamlit_session, {"playing": False, "sdpOffer": {"sdp": "first"}})
    render(streamlit_session, jump=2)
    assert context.state.signalling


def test_a_start_right_after_a_stop_gets_a_worker_of_its_own(loop, streamlit_session):
    """Stop and Start within one rerun: the server learns of the new offer only."""
    live = new_session()
    worker = make_worker(loop, live)
    browser = Browser(loop)
    try:
        context = render(streamlit_session)
        frontend_says(streamlit_session, {"playing": False, "sdpOffer": {"sdp": "first"}})
        render(streamlit_session)
        context._set_worker(worker)
        context._sdp_answer_json = "the answer to the first"
        browser.start(worker)
        until(lambda: len(live.timeline) >= 5, "frames are analysed")
        # More candidates with the same offer are no reason to begin anew.
        assert render(streamlit_session)._get_worker() is worker

        frontend_says(streamlit_session, {"playing": False, "sdpOffer": {"sdp": "second"}})
        render(streamlit_session)
        assert context._get_worker() is None
        assert context._sdp_answer_json is None
        assert not context._is_sdp_answer_sent
        assert context.state.signalling
        until(lambda: live.stopped, "the first session ends")
    finally:
        worker.stop()
        browser.close()


def test_overlapping_reruns_clear_a_restart_away_once(streamlit_session, monkeypatch):
    """Quick reruns of one session overlap: the second must not go on with what the first clears."""
    entered, go_on = threading.Event(), threading.Event()
    resets = []

    def slow_reset(context: Any) -> None:
        resets.append(context)
        entered.set()
        assert go_on.wait(DEADLINE_S)

    context = render(streamlit_session)
    monkeypatch.setattr(webrtc_component, "_reset_context", slow_reset)
    frontend_says(streamlit_session, {"playing": False, "sdpOffer": {"sdp": "second"}})
    reruns = [threading.Thread(target=webrtc_context.mend_context, args=(KEY,)) for _ in range(2)]
    reruns[0].start()
    assert entered.wait(DEADLINE_S)
    reruns[1].start()
    reruns[1].join(0.2)
    assert reruns[1].is_alive(), "the second rerun did not wait"
    go_on.set()
    for rerun in reruns:
        rerun.join(DEADLINE_S)
    assert len(resets) == 1
    assert context.state.signalling


def test_a_stop_that_ends_late_does_not_wipe_out_the_next_start(streamlit_session):
    context = render(streamlit_session)
    frontend_says(streamlit_session, {"playing": False, "sdpOffer": {"sdp": "second"}})
    render(streamlit_session)
    webrtc_component._reset_context(context)
    assert not context.state.signalling
    render(streamlit_session)
    assert context.state.signalling


def test_coming_back_to_the_page_still_begins_anew(streamlit_session):
    """Streamlit has forgotten the component's value, so that what is left is truly stale."""
    context = render(streamlit_session)
    context._set_state(WebRtcStreamerState(playing=True, signalling=False))
    render(streamlit_session, jump=2)
    assert not context.state.playing


class FakeStreamer:
    """Stands in for ``webrtc_streamer``: the test says what the browser and the worker do."""

    def __init__(self, state: dict[str, object]) -> None:
        self.context: Any = WebRtcStreamerContext(None, WebRtcStreamerState(False, False))
        self.state = state
        self.worker: object | None = None
        self.arguments: dict[str, Any] = {}

    def __call__(self, key: str, **arguments):
        self.state[key] = self.context
        self.arguments = arguments
        return self.context

    def begin(self) -> None:
        self.worker = SimpleNamespace()
        self.context._get_worker = lambda: self.worker
        self.context._set_state(WebRtcStreamerState(playing=True, signalling=False))

    def end(self) -> None:
        self.worker = None
        self.context._set_state(WebRtcStreamerState(playing=False, signalling=False))


@pytest.fixture
def streamer(monkeypatch, streamlit_session):
    streamer = FakeStreamer(streamlit_session.state)
    monkeypatch.setattr(webrtc, "webrtc_streamer", streamer)
    return streamer


def test_only_video_is_asked_for_and_nobody_else_is_contacted(streamer):
    webrtc.camera(KEY, new_session, webrtc.Marks())
    constraints = streamer.arguments["media_stream_constraints"]
    assert constraints["audio"] is False
    assert constraints["video"]
    assert streamer.arguments["server_rtc_configuration"] == {"iceServers": []}
    assert streamer.arguments["frontend_rtc_configuration"] == {"iceServers": []}


def test_the_context_is_mended_in_each_rerun(streamer, streamlit_session):
    webrtc.camera(KEY, new_session, webrtc.Marks())
    streamer.context._last_rendered_run_count = 5
    frontend_says(streamlit_session, {"playing": True})
    webrtc.camera(KEY, new_session, webrtc.Marks())
    assert streamer.context._last_rendered_run_count is None


def test_each_start_is_a_session_and_the_last_one_is_kept(streamer):
    before = webrtc.camera(KEY, new_session, webrtc.Marks())
    assert not before.running
    assert before.session is None

    streamer.begin()
    first = webrtc.camera(KEY, new_session, webrtc.Marks()).session
    assert first is not None
    streamer.arguments["video_frame_callback"](camera_frame(0.0))
    assert webrtc.camera(KEY, new_session, webrtc.Marks()).session is first

    streamer.end()
    after = webrtc.camera(KEY, new_session, webrtc.Marks())
    assert not after.running
    assert after.session is first
    assert first.stopped
    assert webrtc.camera(KEY, new_session, webrtc.Marks()).session is first

    streamer.begin()
    again = webrtc.camera(KEY, new_session, webrtc.Marks())
    assert again.running
    assert again.session is not first

    # A start without a single frame does not push out the session before it.
    streamer.end()
    assert webrtc.camera(KEY, new_session, webrtc.Marks()).session is first


def test_a_late_worker_ends_its_own_session_only(streamer):
    streamer.begin()
    old = webrtc.camera(KEY, new_session, webrtc.Marks()).session
    ended = streamer.arguments["on_video_ended"]
    streamer.arguments["video_frame_callback"](camera_frame(0.0))
    streamer.end()
    webrtc.camera(KEY, new_session, webrtc.Marks())
    streamer.begin()
    new = webrtc.camera(KEY, new_session, webrtc.Marks()).session
    ended()
    assert old is not None
    assert new is not None
    assert old.stopped
    assert not new.stopped


def test_a_signalling_time_out_is_reported(streamer, monkeypatch):
    def time_out(**_arguments):
        raise SignallingTimeoutError

    monkeypatch.setattr(webrtc, "webrtc_streamer", time_out)
    view = webrtc.camera(KEY, new_session, webrtc.Marks())
    assert view.timed_out
    assert not view.running
