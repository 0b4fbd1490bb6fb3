"""Each patch of another package, compared with the original, which must still need it."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from importlib import metadata
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any

import aioice.ice
import aioice.stun
import aiortc.codecs
import aiortc.rtcrtpreceiver
import av
import numpy as np
import pytest
import streamlit_webrtc.relay
import streamlit_webrtc.webrtc
from aiortc import MediaStreamTrack
from aiortc.codecs.vpx import Vp8Decoder, Vp8Encoder, vp8_depayload
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest, DeferredFileRequestPayload
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg, ForwardMsgMetadata
from streamlit.runtime import backend_operation_handler, forward_msg_queue, media_file_manager
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.web.server.starlette import starlette_server
from streamlit_webrtc.models import CallbackAttachableProcessor
from streamlit_webrtc.process import VideoProcessTrack

from fer_core.errors import SessionUnknown
from fer_core.live.frame_rate import FairFrameRate
from fer_core.paths import ROOT
from fer_core.ui import patches
from fer_core.ui.patches import downloads, ended_runs, pictures_in_memory, video_track, vp8_encoder
from fer_core.ui.patches.camera import SWITCH_S
from fer_core.ui.patches.consent_retries import CONSENT_FAILURES, CONSENT_RETRIES, RetryingStun
from fer_core.ui.patches.jitter_buffer import LowLatencyJitterBuffer
from fer_core.ui.patches.newest_relay import NewestRelay
from fer_core.ui.patches.video_track import LowLatencyTrack
from fer_core.ui.patches.vp8_encoder import QuickEncoder
from tests.waiting import Clock


def test_the_camera_uses_all_of_it():
    importlib.import_module("fer_core.ui.live.webrtc")
    assert streamlit_webrtc.webrtc.VideoProcessTrack is LowLatencyTrack  # type: ignore[attr-defined]
    assert streamlit_webrtc.relay.MediaRelay is NewestRelay  # type: ignore[attr-defined]
    assert aiortc.rtcrtpreceiver.JitterBuffer is LowLatencyJitterBuffer  # type: ignore[attr-defined]
    assert aiortc.codecs.Vp8Encoder is QuickEncoder  # type: ignore[attr-defined]
    assert aioice.ice.StunProtocol is RetryingStun
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)


def test_a_server_starts_without_streamlit_webrtc():
    """A component that is declared before Streamlit's runtime is there is never found by pages."""
    code = "import sys, app; sys.exit('streamlit_webrtc' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


MODULES = (
    importlib.import_module(each.name)
    for each in iter_modules(patches.__path__, f"{patches.__name__}.")
)
PATCHES = [module for module in MODULES if hasattr(module, "WRITTEN_FOR")]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)
def test_a_patch_is_for_the_version_that_is_installed(patch):
    """Fails when one is raised: see whether the patch is still needed and still fits."""
    package, version = patch.WRITTEN_FOR
    assert metadata.version(package) == version


def test_streamlit_lets_a_server_wait_for_connections_without_end():
    # Once this fails, fer_core.ui.patches.shutdown can go, if the limit is short enough. What it
    # does is tested in test_services.py.
    assert "timeout_graceful_shutdown" not in starlette_server._get_uvicorn_config_kwargs()


def original(name: str) -> Any:
    """A module as it is installed, whatever was replaced in it."""
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def raising(error: Exception) -> Callable[[], bytes]:
    def make() -> bytes:
        raise error

    return make


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (raising(SessionUnknown("There is no session 7 any more.")), "There is no session 7 any"),
        (raising(ZeroDivisionError("a bug")), "Reload the page"),
        (lambda: b"t_s,track_id", ""),
    ],
)
def test_a_file_that_cannot_be_made_is_a_sentence(monkeypatch, make, sentence):
    monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: "somebody")
    files = media_file_manager.MediaFileManager(MemoryMediaFileStorage("/media"))
    handler = backend_operation_handler.DeferredFileHandler(lambda: files)

    def answer(handle):
        asked = DeferredFileRequestPayload(file_id=files.add_deferred(make, "text/csv", "here"))
        request = BackendOperationRequest(request_id="r1", deferred_file=asked)
        return asyncio.run(handle(handler, request, "somebody"))

    theirs = answer(original(backend_operation_handler.__name__).DeferredFileHandler.handle)
    mine = answer(downloads.handle)
    # Once this fails, fer_core.ui.patches.downloads may go.
    assert theirs.error_msg == ("Failed to generate file for download" if sentence else "")
    assert sentence in mine.error_msg
    assert bool(mine.error_msg) is bool(sentence)
    assert mine.request_id == "r1"
    assert mine.deferred_file.url == theirs.deferred_file.url


SUCCESS, FRAGMENT_SUCCESS, EARLY = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
    ForwardMsg.FINISHED_EARLY_FOR_RERUN,
)


def drawn(place: int, fragment_id: str) -> ForwardMsg:
    delta = Delta(fragment_id=fragment_id)
    delta.new_element.text.body = "…"
    return ForwardMsg(metadata=ForwardMsgMetadata(delta_path=[0, place]), delta=delta)


@pytest.mark.parametrize(
    ("waiting", "kept", "theirs"),
    [
        # Another fragment's run has ended: what it no longer draws is to go.
        (["timeline", FRAGMENT_SUCCESS], ["timeline", FRAGMENT_SUCCESS], ["timeline", EARLY]),
        # A run of the whole page has ended, and has drawn this fragment, too.
        (["", "clock", SUCCESS], ["", "clock", SUCCESS], ["", SUCCESS]),
        # A run of this fragment was stopped, after one that has ended.
        (["clock", FRAGMENT_SUCCESS, "clock"], ["clock", FRAGMENT_SUCCESS], [EARLY]),
    ],
)
def test_a_run_that_has_ended_is_left_whole_by_that_of_a_fragment(waiting, kept, theirs):
    def left(clear):
        queue = ForwardMsgQueue()
        for place, each in enumerate(waiting):
            end = isinstance(each, int)
            queue.enqueue(ForwardMsg(script_finished=each) if end else drawn(place, each))
        clear(queue, retain_lifecycle_msgs=True, fragment_ids_this_run=["clock"])
        return [
            each.delta.fragment_id if each.HasField("delta") else each.script_finished
            for each in queue._queue
        ]

    # Once this fails, fer_core.ui.patches.ended_runs may go.
    assert left(original(forward_msg_queue.__name__).ForwardMsgQueue.clear) == theirs
    assert left(ended_runs.clear) == kept


def test_a_run_of_the_page_throws_away_what_waits():
    queue = ForwardMsgQueue()
    for each in (drawn(0, ""), ForwardMsg(script_finished=SUCCESS)):
        queue.enqueue(each)
    ended_runs.clear(queue, retain_lifecycle_msgs=True)
    assert [each.script_finished for each in queue._queue] == [EARLY]
    ended_runs.clear(queue)
    assert queue._queue == []


def kept_in_memory(size: int) -> bool:
    """Whether a file of this many bytes stays off the disk while a form with it is read."""

    async def read(request: Request) -> Response:
        async with request.form() as form:
            return PlainTextResponse(str(form["file"].file._rolled))  # type: ignore[union-attr]

    client = TestClient(Starlette(routes=[Route("/", read, methods=["POST"])]))
    return client.post("/", files={"file": bytes(size)}).text == "False"


def test_pictures_are_not_written_to_disk_while_they_arrive(monkeypatch):
    limit = original("starlette.formparsers").MultiPartParser.spool_max_size
    monkeypatch.setattr(MultiPartParser, "spool_max_size", limit)
    # Once this fails, Starlette keeps more in memory by itself, or Streamlit says how much.
    assert not kept_in_memory((1 << 20) + 1)
    pictures_in_memory.install(limit_mb=3)
    assert kept_in_memory(3 << 20)
    assert not kept_in_memory((3 << 20) + 1)


def numbered(number: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="bgr24")
    frame.pts, frame.time_base = number, Fraction(1, 30)
    return frame


class Given(MediaStreamTrack):
    """Gives these frames one after the other, as soon as it is asked, and then ends."""

    kind = "video"

    def __init__(self, count: int) -> None:
        super().__init__()
        self._frames = [numbered(number) for number in range(count)]

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(0)
        if not self._frames:
            self.stop()
            raise MediaStreamError
        return self._frames.pop(0)


def track(source: MediaStreamTrack, callback: Any, ended: Any = None) -> LowLatencyTrack:
    return LowLatencyTrack(source, CallbackAttachableProcessor(callback, None, ended))


def test_each_frame_comes_back_marked_and_is_marked_in_another_thread():
    threads, seen, made = set(), [], []

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        threads.add(threading.get_ident())
        seen.append(frame.pts)
        made.append(numbered(-1))
        return made[-1]

    async def watch() -> list[tuple[bool, int | None]]:
        marked = track(Given(5), mark)
        # Whether what comes back is what was made last, and the frame that this was made of.
        return [((await marked.recv()) is made[-1], seen[-1]) for _ in range(5)]

    assert asyncio.run(watch()) == [(True, number) for number in range(5)]
    assert threading.get_ident() not in threads


def test_a_frame_bears_the_time_at_which_it_goes_out(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(
        video_track, "time", SimpleNamespace(monotonic=clock, thread_time=time.thread_time)
    )

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        clock.now_s += (0.25, 0.15, 0.0, 0.05)[frame.pts or 0]
        return frame

    async def watch() -> list[float]:
        marked = track(Given(4), mark)
        return [(await marked.recv()).time for _ in range(4)]

    assert asyncio.run(watch()) == pytest.approx([0.25, 0.4, 0.4, 0.45], abs=1e-4)


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> FairFrameRate:
    """The cameras' pace, as of a computer that nobody uses."""
    fresh = FairFrameRate(cores=4)
    for module in (video_track, vp8_encoder):
        monkeypatch.setattr(module, "FRAME_RATE", fresh)
    return fresh


def test_frames_beyond_the_pace_are_not_worked_on(pace):
    marked_pts = []

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        marked_pts.append(frame.pts)
        return frame

    async def watch() -> None:
        marked = track(Given(60), mark)
        for _ in range(20):
            await marked.recv()

    pace._fps = 10.0
    asyncio.run(watch())
    assert marked_pts == list(range(0, 60, 3))


class Noting(FairFrameRate):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.noted_s: list[float] = []

    def report_wait(self, wait_s: float) -> None:
        self.noted_s.append(wait_s)


def test_waiting_is_told_apart_from_working(monkeypatch):
    def wait(frame: av.VideoFrame) -> av.VideoFrame:
        time.sleep(0.05)
        return frame

    def work(frame: av.VideoFrame) -> av.VideoFrame:
        until_s = time.thread_time() + 0.05
        while time.thread_time() < until_s:
            pass
        return frame

    def noted(mark: Any) -> tuple[float, float]:
        """The seconds of which the pace hears, and those that passed."""
        noting = Noting()
        monkeypatch.setattr(video_track, "FRAME_RATE", noting)

        async def watch() -> float:
            marked = track(Given(1), mark)
            began_s = time.monotonic()
            await marked.recv()
            return time.monotonic() - began_s

        passed_s = asyncio.run(watch())
        return noting.noted_s[0], passed_s

    waited_s, _ = noted(wait)
    assert waited_s >= 0.045
    waited_s, passed_s = noted(work)
    assert waited_s <= passed_s - 0.045


def noise(number: int) -> av.VideoFrame:
    """Grey with a little noise, a new one each time: as large as it may be, and no larger."""
    pixels = np.random.default_rng(number).integers(110, 145, (360, 320), np.uint8)
    frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
    frame.pts, frame.time_base = 3000 * number, Fraction(1, 90_000)
    return frame


def encoded(encoder: Vp8Encoder, numbers: range, every: int = 1) -> list[bytes]:
    """The pictures of these numbers as the encoder sends them, those in between left out."""
    found = []
    for number in numbers[::every]:
        payloads, timestamp = encoder.encode(noise(number))
        assert abs(timestamp - 3000 * number) <= 1  # aiortc rounds down
        found.append(b"".join(map(vp8_depayload, payloads)))
    return found


def is_key(picture: bytes) -> bool:
    return not picture[0] & 1  # RFC 6386, section 9.1


def test_what_is_encoded_can_be_decoded(pace):
    decoder = Vp8Decoder()
    for picture in encoded(QuickEncoder(), range(10)):
        assert len(decoder.decode(JitterFrame(picture, 0))) == 1


def test_a_picture_on_its_own_is_sent_when_one_is_asked_for(pace):
    encoder = QuickEncoder()
    keys = [is_key(picture) for picture in encoded(encoder, range(5))]
    assert keys == [True, False, False, False, False]
    payloads, _ = encoder.encode(noise(5), force_keyframe=True)
    assert is_key(b"".join(map(vp8_depayload, payloads)))


def test_an_estimate_that_wavers_does_not_make_the_encoder_begin_anew(pace):
    def keys(encoder: Vp8Encoder) -> int:
        found = 0
        for number, rate in enumerate([500_000, 570_000, 640_000, 720_000, 650_000, 570_000]):
            encoder.target_bitrate = rate
            found += is_key(encoded(encoder, range(number, number + 1))[0])
        return found

    assert keys(QuickEncoder()) == 1
    assert keys(Vp8Encoder()) > 3  # aiortc's; once this fails, it no longer does, and ours may go


def test_the_encoder_follows_an_estimate_that_has_changed(pace):
    encoder = QuickEncoder()
    encoder.target_bitrate = 1_000_000
    rich = sum(map(len, encoded(encoder, range(30))))
    encoder.target_bitrate = 250_000
    # Its first picture on its own may be as large as it has to be.
    poor = sum(map(len, encoded(encoder, range(30, 90))[30:]))
    assert poor < 0.6 * rich


def test_fewer_pictures_get_fewer_bits(pace):
    encoder = QuickEncoder()
    encoder.target_bitrate = 1_500_000
    fast = sum(map(len, encoded(encoder, range(60))))
    pace._fps = 10.0
    slow = sum(map(len, encoded(encoder, range(60, 120), every=3)))
    assert slow < 0.6 * fast


def test_the_event_loop_goes_on_while_a_frame_is_marked():
    go_on = threading.Event()

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        assert go_on.wait(20)
        return frame

    async def watch() -> None:
        coming = asyncio.ensure_future(track(Given(1), mark).recv())
        await asyncio.sleep(0.05)
        assert not coming.done()
        go_on.set()
        await coming

    asyncio.run(watch())


def test_the_end_of_the_camera_is_the_end_of_the_track():
    ended = []

    async def watch() -> None:
        marked = track(Given(1), lambda frame: frame, lambda: ended.append(True))
        await marked.recv()
        with pytest.raises(MediaStreamError):
            await marked.recv()
        with pytest.raises(MediaStreamError):
            await marked.recv()

    asyncio.run(watch())
    assert ended == [True]


class Steered(MediaStreamTrack):
    """Gives what the test puts in; None ends it."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.frames: asyncio.Queue[av.VideoFrame | None] = asyncio.Queue()

    async def recv(self) -> av.VideoFrame:
        frame = await self.frames.get()
        if frame is None:
            raise MediaStreamError
        return frame


async def ended(track: MediaStreamTrack) -> None:
    """Take what is left of a track."""
    with suppress(MediaStreamError):
        while True:
            await track.recv()


def test_who_is_slow_gets_the_newest_frame_and_not_the_next_one():
    async def watch(relay: MediaRelay) -> tuple[int | None, int | None]:
        camera = Steered()
        slow = relay.subscribe(camera)
        waiting = asyncio.ensure_future(slow.recv())
        camera.frames.put_nowait(numbered(0))
        first = await waiting
        for number in range(1, 8):
            camera.frames.put_nowait(numbered(number))
        while not camera.frames.empty():
            await asyncio.sleep(0.01)
        newest = await slow.recv()
        camera.frames.put_nowait(None)
        await ended(slow)
        return first.pts, newest.pts

    assert asyncio.run(watch(NewestRelay())) == (0, 7)
    # What streamlit-webrtc gets by default. Once this fails it needs no patch any more.
    assert asyncio.run(watch(MediaRelay())) == (0, 1)


def test_the_track_that_is_replaced_still_stops_the_event_loop():
    """Once this fails, streamlit-webrtc's own may do."""
    there = threading.get_ident()
    threads = []

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        threads.append(threading.get_ident())
        return frame

    async def watch() -> None:
        await VideoProcessTrack(Given(1), CallbackAttachableProcessor(mark, None, None)).recv()

    asyncio.run(watch())
    assert threads == [there]


def packets(sizes: list[int], first: int = 0) -> list[RtpPacket]:
    """Frames of so many packets each, the last of each marked; every packet's data is its own."""
    found: list[RtpPacket] = []
    for number, size in enumerate(sizes):
        for place in range(size):
            packet = RtpPacket(
                marker=int(place == size - 1),
                sequence_number=(first + len(found)) % 65536,
                timestamp=3000 * number,
            )
            packet._data = b"%d:%d;" % (number, place)  # type: ignore[attr-defined]
            found.append(packet)
    return found


def whole(sizes: list[int]) -> list[tuple[int, bytes]]:
    return [
        (3000 * number, b"".join(b"%d:%d;" % (number, place) for place in range(size)))
        for number, size in enumerate(sizes)
    ]


def taken(buffer: JitterBuffer, arriving: list[RtpPacket]) -> list[JitterFrame | None]:
    return [buffer.add(packet)[1] for packet in arriving]


def test_a_frame_is_there_with_its_last_packet():
    arriving = packets([3, 1, 2])
    frames = taken(LowLatencyJitterBuffer(64, is_video=True), arriving)
    assert [frame is not None for frame in frames] == [bool(p.marker) for p in arriving]
    assert [(f.timestamp, f.data) for f in frames if f] == whole([3, 1, 2])
    # aiortc waits for the next frame. Once this fails it does no longer, and ours can go.
    late = taken(JitterBuffer(64, is_video=True), packets([3, 1, 2]))
    assert [frame is not None for frame in late] == [False, False, False, True, True, False]


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    first=st.sampled_from([0, 100, 65530]),
    swaps=st.lists(st.integers(1, 50), max_size=8),
)
def test_frames_are_whole_and_in_order_whatever_order_the_packets_take(sizes, first, swaps):
    arriving = packets(sizes, first)
    for place in swaps:
        # The very first packet says where the stream begins.
        if place + 1 < len(arriving):
            arriving[place], arriving[place + 1] = arriving[place + 1], arriving[place]
    frames = [f for f in taken(LowLatencyJitterBuffer(64, is_video=True), arriving) if f]
    expected = whole(sizes)
    assert [(f.timestamp, f.data) for f in frames] == expected[: len(frames)]
    # What came late may wait for the next packet, as it does in aiortc.
    late = [f for f in taken(JitterBuffer(64, is_video=True), arriving) if f]
    assert len(frames) >= len(late)


def test_packets_without_data_make_up_no_frame():
    arriving = packets([2, 2])
    padding = RtpPacket(sequence_number=2, timestamp=0)
    padding._data = b""  # type: ignore[attr-defined]
    for packet in arriving[2:]:
        packet.sequence_number += 1
    arriving.insert(2, padding)
    frames = [f for f in taken(LowLatencyJitterBuffer(64, is_video=True), arriving) if f]
    assert [(f.timestamp, f.data) for f in frames] == whole([2, 2])


def test_a_lost_packet_holds_its_frame_back():
    arriving = packets([2, 2])
    frames = taken(LowLatencyJitterBuffer(64, is_video=True), [*arriving[:2], arriving[3]])
    assert [frame is not None for frame in frames] == [False, True, False]


def test_sound_is_left_as_it_is():
    arriving = packets([1, 1, 1, 1, 1, 1])
    ours = taken(LowLatencyJitterBuffer(16, prefetch=4), arriving)
    theirs = taken(JitterBuffer(16, prefetch=4), packets([1, 1, 1, 1, 1, 1]))
    assert [f and f.data for f in ours] == [f and f.data for f in theirs]


class Unanswered:
    """Takes what a STUN protocol sends, and keeps when that was."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.sent_s: list[float] = []

    def sendto(self, data: bytes, address: object) -> None:
        self.sent_s.append(self.loop.time())


def ask(monkeypatch: pytest.MonkeyPatch, protocol_class: Any, answer_after_s: float | None) -> int:
    """Ask for consent as aioice does; how often that was sent. Times are a hundredth of the real.

    Raises aioice's ``TransactionTimeout`` where no answer comes in time.
    """
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.005)

    async def exchange() -> int:
        loop = asyncio.get_running_loop()
        wire = Unanswered(loop)
        protocol = protocol_class(SimpleNamespace())
        protocol.transport = wire
        message = aioice.stun.Message(
            message_method=aioice.stun.Method.BINDING,
            message_class=aioice.stun.Class.REQUEST,
        )
        if answer_after_s is not None:
            answer = aioice.stun.Message(
                message_method=aioice.stun.Method.BINDING,
                message_class=aioice.stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
            )
            arrives = partial(protocol.datagram_received, bytes(answer), ("192.0.2.1", 1))
            loop.call_later(answer_after_s / 100, arrives)
        await protocol.request(message, ("192.0.2.1", 1), retransmissions=0)
        return len(wire.sent_s)

    return asyncio.run(exchange())


def test_an_answer_may_take_as_long_as_the_standard_says(monkeypatch):
    with pytest.raises(aioice.stun.TransactionTimeout):
        ask(monkeypatch, RetryingStun.__mro__[1], answer_after_s=8.0)
    assert ask(monkeypatch, RetryingStun, answer_after_s=8.0) > 1


def test_who_never_answers_is_given_up(monkeypatch):
    with pytest.raises(aioice.stun.TransactionTimeout):
        ask(monkeypatch, RetryingStun, answer_after_s=None)
    waits_s = 0.5 * sum(2**i for i in range(CONSENT_RETRIES + 1))
    longest_s = CONSENT_FAILURES * (1.2 * aioice.ice.CONSENT_INTERVAL + waits_s)
    assert 30 < longest_s < 40
    assert aioice.ice.CONSENT_FAILURES == CONSENT_FAILURES


def test_only_questions_for_consent_ask_for_no_retransmissions():
    # Else ours would repeat what must not be. As many in aioice 0.13 as when this was written.
    source = inspect.getsource(aioice.ice)
    assert source.count("retransmissions=0") == 1
    assert "retransmissions=0" in inspect.getsource(aioice.ice.Connection.query_consent)
