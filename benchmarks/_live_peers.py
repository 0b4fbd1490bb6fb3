"""Live sessions without a browser: ``python -m benchmarks._live_peers ADDRESS COUNT``.

Each signs in (the password is in the environment), opens the live page, offers its video as the
page's component does, and shows a face at 640x480 and 30 frames a second. Every second a line of
JSON goes out; the process ends with its standard input.

A browser takes a core for encoding, decoding and drawing, and there are only two. So the clip is
encoded in advance, for each frame rate that the page may request, and returned frames are counted,
not decoded. Frame rate and charts follow the page's requests, as in a browser.
"""

from __future__ import annotations

import asyncio
import fractions
import itertools
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from queue import Queue
from typing import Any

import aioice.ice
import aiortc.rtcrtpreceiver
import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import VIDEO_CLOCK_RATE
from av.video.frame import PictureType
from streamlit.proto.Components_pb2 import ComponentInstance

from benchmarks._camera import FPS, at_camera_rate
from benchmarks._scenes import HEIGHT, ONE_FACE, SHARED, WIDTH, Clip, camera_clip, portrait
from benchmarks._visitor import PATIENCE_S, VisitFailed, Visitor
from fer_core.live.frame_rate import SLOWEST_FPS
from fer_core.ui.patches.consent_retries import CONSENT_FAILURES, RetryingStun
from fer_core.ui.patches.vp8_encoder import BITS_OF_A_PICTURE

PASSWORD = "FER_LOAD_PASSWORD"
"""The variable that holds the access password."""

CLIP_S = 4
"""How much of the clip is shown in a loop."""

Seconds = list[list[bytes]]
"""A clip as VP8, second by second; each begins with a key frame."""

_ANALYSED = re.compile(r"([\d,]+) frames analysed")


RATES = range(int(SLOWEST_FPS), FPS + 1)
"""The frame rates that a camera may be limited to."""


def encoded_clips(rates: Iterable[int] = RATES) -> dict[int, Seconds]:
    """The live page's clip at each of these frame rates."""
    clip = camera_clip() if (SHARED / "media" / ONE_FACE).is_file() else Clip([portrait()], [0.0])
    pictures = at_camera_rate(clip)
    shown = [pictures[number % len(pictures)] for number in range(CLIP_S * FPS)]
    frames = [av.VideoFrame.from_ndarray(picture, format="bgr24") for picture in shown]
    yuv = [frame.reformat(format="yuv420p") for frame in frames]
    return {fps: _encoded(yuv, fps) for fps in rates}


def _encoded(frames: list[av.VideoFrame], fps: int) -> Seconds:
    """Of the ``frames``, ``FPS`` a second, so many; each picture as it would be then."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.thread_count = 1  # several wait for each other in loops
    encoder.framerate, encoder.time_base = fractions.Fraction(fps), fractions.Fraction(1, fps)
    encoder.bit_rate, encoder.gop_size = fps * BITS_OF_A_PICTURE, fps
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    seconds: Seconds = [[] for _ in range(len(frames) // FPS)]
    for number in range(len(seconds) * fps):
        frame = frames[number * FPS // fps]
        frame.pts = number
        frame.pict_type = PictureType.NONE if number % fps else PictureType.I
        seconds[number // fps] += map(bytes, encoder.encode(frame))
    return seconds


class EncodedCamera(MediaStreamTrack):
    """A camera that sends a clip's packets in a loop.

    ``clips``: the clip by frame rate. ``asked``: the currently requested rate, which applies from
    the next second.
    """

    kind = "video"

    def __init__(self, clips: dict[int, Seconds], asked: Callable[[], int]) -> None:
        super().__init__()
        self._packets = self._in_time(clips, asked)
        self._began_s: float | None = None

    async def recv(self) -> Any:
        """The next packet, when it is due."""
        at_s, data = next(self._packets)
        if self._began_s is None:
            self._began_s = time.monotonic()
        await asyncio.sleep(self._began_s + at_s - time.monotonic())
        packet = av.Packet(data)
        packet.time_base = fractions.Fraction(1, VIDEO_CLOCK_RATE)
        packet.pts = round(at_s * VIDEO_CLOCK_RATE)
        return packet

    @staticmethod
    def _in_time(
        clips: dict[int, Seconds], asked: Callable[[], int]
    ) -> Iterator[tuple[float, bytes]]:
        """Each packet, with the second since the begin at which it is due."""
        for second in itertools.count():
            fps = min(max(asked(), min(clips)), max(clips))
            packets = clips[fps][second % len(clips[fps])]
            yield from ((second + i / fps, packet) for i, packet in enumerate(packets))


class LivePeer(Visitor):
    """One visitor whose camera runs."""

    def __init__(self, address: str, password: str, clips: dict[int, Seconds]) -> None:
        super().__init__(address, password)
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.addTrack(EncodedCamera(clips, self._asked_fps))

    async def start(self) -> None:
        """What the component does after Start, until the connection is established."""
        here = self._connection
        await here.setLocalDescription(await here.createOffer())
        offer = {"sdp": here.localDescription.sdp, "type": here.localDescription.type}
        await self._tell(playing=False, offer=offer)
        answer = await asyncio.wait_for(self._answer(), PATIENCE_S)
        await here.setRemoteDescription(RTCSessionDescription(**answer))
        await asyncio.wait_for(self._connected(), PATIENCE_S)
        await self._tell(playing=True, offer=None)

    async def stop(self) -> None:
        """End the connection, as a closed tab does."""
        await self._connection.close()

    def seen(self) -> dict[str, int]:
        """Frames so far: those that came back, and those the page says were analysed; whether the
        connection still stands (1) or not (0)."""
        (receiver,) = self._connection.getReceivers()
        returned = _came_back[id(receiver.track._queue)]  # type: ignore[attr-defined]
        counts = (_ANALYSED.search(text) for text in self.texts())
        analysed = [int(found[1].replace(",", "")) for found in counts if found]
        here = int(self._connection.connectionState == "connected")
        return {"returned": returned, "analysed": max(analysed, default=0), "connected": here}

    async def _tell(self, *, playing: bool, offer: dict[str, str] | None) -> None:
        value = {"playing": playing, "sdpOffer": offer or "", "iceCandidates": {}}
        await self.set_json(self._component().id, json.dumps(value))

    async def _answer(self) -> dict[str, str]:
        while True:
            if answer := json.loads(self._component().json_args).get("sdp_answer_json"):
                return dict(json.loads(answer))
            await asyncio.sleep(0.05)

    async def _connected(self) -> None:
        while self._connection.connectionState != "connected":
            if self._connection.connectionState in ("failed", "closed"):
                raise VisitFailed("no connection formed")
            await asyncio.sleep(0.05)

    def _asked_fps(self) -> int:
        """The frame rate that the page requests from the camera
        (fer_core/ui/live/camera_pace.js)."""
        for element in self.run.all("bidi_component"):
            told = element.bidi_component
            if told.component_name.endswith("fer_camera_pace"):
                return int(json.loads(told.json)["fps"])
        raise VisitFailed("the live page sends its camera no frame rate")

    def _component(self) -> ComponentInstance:
        found = [each.component_instance for each in self.run.all("component_instance")]
        found = [each for each in found if each.component_name.endswith("webrtc_streamer")]
        if not found:
            raise VisitFailed("the live page shows no camera")
        return found[0]


_came_back: Counter[int] = Counter()
"""Frames by the queue that decoded ones would go to."""


def _count_instead_of_decoding(
    _loop: object, frames: Queue[object], decoded: object, *_: object
) -> None:
    while frames.get() is not None:
        _came_back[id(decoded)] += 1


async def live(address: str, password: str, count: int) -> None:
    """Run this many sessions, started one after the other, until standard input ends."""
    setattr(aiortc.rtcrtpreceiver, "decoder_worker", _count_instead_of_decoding)  # noqa: B010
    # As long as browsers wait before they treat the other end as gone.
    aioice.ice.StunProtocol, aioice.ice.CONSENT_FAILURES = RetryingStun, CONSENT_FAILURES
    clips = encoded_clips()
    async with AsyncExitStack() as stack:
        peers = []
        for _ in range(count):
            peer = await stack.enter_async_context(LivePeer(address, password, clips))
            stack.push_async_callback(peer.stop)
            await peer.arrive("live")
            await peer.start()
            peers.append(peer)
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        while not ended.done():
            line = {"at_s": time.monotonic(), "peers": [peer.seen() for peer in peers]}
            print(json.dumps(line), flush=True)
            await asyncio.wait({ended}, timeout=1.0)


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], os.environ[PASSWORD], int(sys.argv[2])))
