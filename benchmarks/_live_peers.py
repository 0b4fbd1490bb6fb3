"""Live sessions without a browser: ``python -m benchmarks._live_peers ADDRESS COUNT``.

Each signs in (the password is in the environment), opens the live page, offers its video as the
page's component does, and shows a face at 640x480 and 30 frames a second. Every second a line of
JSON goes out; the process ends with its standard input.

A browser takes a core for encoding, decoding and drawing, and two cores are all there is. So the
clip is encoded once, ahead, with a key frame a second, and of what comes back the frames are
counted, not decoded. The charts are asked for as often as the page asks.
"""

from __future__ import annotations

import asyncio
import fractions
import json
import os
import re
import sys
import time
from collections import Counter
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
from streamlit.proto.Components_pb2 import ComponentInstance

from benchmarks._camera import FPS, at_camera_rate
from benchmarks._scenes import HEIGHT, ONE_FACE, SHARED, WIDTH, Clip, camera_clip, portrait
from benchmarks._visitor import PATIENCE_S, VisitFailed, Visitor
from fer_core.ui.prompt import CONSENT_FAILURES, PatientStun

PASSWORD = "FER_LOAD_PASSWORD"
"""The variable that holds the password of the door."""

BITS_A_SECOND = 1_000_000

_ANALYSED = re.compile(r"(\d+) frames analysed")


def encoded_clip() -> list[bytes]:
    """Four seconds of the live page's benchmark as VP8, a key frame first and once a second."""
    clip = camera_clip() if (SHARED / "media" / ONE_FACE).is_file() else Clip([portrait()], [0.0])
    pictures = at_camera_rate(clip)
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate, encoder.time_base = fractions.Fraction(FPS), fractions.Fraction(1, FPS)
    encoder.bit_rate, encoder.gop_size = BITS_A_SECOND, FPS
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets: list[bytes] = []
    for number in range(4 * FPS):
        picture = pictures[number % len(pictures)]
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = number
        packets += map(bytes, encoder.encode(frame))
    return packets


class EncodedCamera(MediaStreamTrack):
    """A camera that gives out a clip's packets at the clip's pace, over and over."""

    kind = "video"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self._packets = packets
        self._number = 0
        self._began_s = time.monotonic()

    async def recv(self) -> Any:
        """The next packet, when it is time for it."""
        await asyncio.sleep(self._began_s + self._number / FPS - time.monotonic())
        packet = av.Packet(self._packets[self._number % len(self._packets)])
        packet.time_base = fractions.Fraction(1, VIDEO_CLOCK_RATE)
        packet.pts = self._number * VIDEO_CLOCK_RATE // FPS
        self._number += 1
        return packet


class LivePeer(Visitor):
    """One visitor whose camera runs."""

    def __init__(self, address: str, password: str, packets: list[bytes]) -> None:
        super().__init__(address, password)
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.addTrack(EncodedCamera(packets))

    async def start(self) -> None:
        """What the component does when Start is pressed, until the connection stands."""
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
        analysed = [int(found[1]) for found in counts if found]
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
    """Run so many sessions, one started after the other, until the standard input ends."""
    setattr(aiortc.rtcrtpreceiver, "decoder_worker", _count_instead_of_decoding)  # noqa: B010
    # As long as browsers wait before they take the other end for gone.
    aioice.ice.StunProtocol, aioice.ice.CONSENT_FAILURES = PatientStun, CONSENT_FAILURES
    packets = encoded_clip()
    async with AsyncExitStack() as stack:
        peers = []
        for _ in range(count):
            peer = await stack.enter_async_context(LivePeer(address, password, packets))
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
