"""Pictures that come back promptly: what aiortc, aioice and streamlit-webrtc keep waiting.

On the way from the camera to the annotated picture, the libraries let frames wait where they need
not, and on a busy computer let them queue up without end. Each class here is a better-timed version
of one of theirs, and ``install`` puts it in that one's place.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import aioice.ice
import aiortc.codecs
import aiortc.rtcrtpreceiver
import av
import streamlit_webrtc.relay
import streamlit_webrtc.webrtc
from aiortc import MediaStreamTrack
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, MediaStreamError
from streamlit_webrtc.process import VideoProcessTrack

from fer_core.live.frame_rate import FRAME_RATE

CONSENT_RETRIES = 5
"""Times a question for consent is sent again: with aioice's waits, an answer has 31.5 s."""

CONSENT_FAILURES = 1
"""Questions that nobody answers end a connection: after 35 s at most, as long as with aioice."""


BITS_OF_A_PICTURE = 40_000
"""At most, on average, each way between browser and server: 1.2 Mbit/s at 30 pictures a second."""

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from one that waits for it.

All packets of all cameras go through one event loop, in one thread, which gives the interpreter
away with each packet it reads or sends, and has to wait for it again. With Python's own 5 ms and
three busy threads it handled 15 to 25 packets a second; with this, 150 to 180, and the threads
got as much done.
"""


class LowLatencyTrack(VideoProcessTrack[Any]):
    """Each frame is marked in a thread, and goes out as soon as it is.

    streamlit-webrtc offers to do that on the server's event loop, which would stop for it, or to
    send out what is ready when a frame comes in: that is the last frame or, after a hitch, for good
    the one before it.

    A frame that goes out bears the time of that, not the camera's. A browser that is told when a
    picture was taken takes the time the analysis needed for a whim of the network, and holds every
    picture back for as long as the slowest of them needs.
    """

    def __init__(self, track: MediaStreamTrack, processor: Any) -> None:
        super().__init__(track, processor)
        self._pace = FRAME_RATE.camera()
        self._began_s = time.monotonic()

    async def recv(self) -> av.VideoFrame:
        """The next frame whose turn it is, marked."""
        if self.readyState != "live":
            raise MediaStreamError
        frame: Any = await self.track.recv()
        while not self._pace.due(frame.time):
            frame = await self.track.recv()
        loop = asyncio.get_running_loop()
        began_s = time.monotonic()
        marked, worked_s = await loop.run_in_executor(None, self._mark, frame)
        now_s = time.monotonic()
        self._pace.report_wait(now_s - began_s - worked_s)
        marked.pts = round((now_s - self._began_s) * VIDEO_CLOCK_RATE)
        marked.time_base = VIDEO_TIME_BASE
        return marked

    def _mark(self, frame: av.VideoFrame) -> tuple[av.VideoFrame, float]:
        """The marked frame, and the seconds of the processor's time that it took."""
        began_s = time.thread_time()
        return self.processor.recv(frame), time.thread_time() - began_s


class NewestRelay(MediaRelay):
    """Hands on the newest frame only.

    aiortc's keeps every frame until it is asked for, so that wherever frames are encoded more
    slowly than the camera takes them, the picture falls behind further and further.
    """

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """See ``MediaRelay.subscribe``."""
        return super().subscribe(track, buffered)


class LowLatencyJitterBuffer(JitterBuffer):
    """Gives out a video frame with its last packet, which is marked as such (RFC 7741, 6184).

    aiortc's waits for the first packet of the next frame, a thirtieth of a second.
    """

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        frame = super()._remove_frame(sequence_number)
        # Packets without data may follow the last one of a frame: they make up no other.
        if frame is not None and (frame.data or not self._is_video):
            return frame
        return self._marked_frame() if self._is_video else None

    def _marked_frame(self) -> JitterFrame | None:
        """The oldest frame, if all of it is here."""
        packets = []
        for place in range(self.capacity):
            packet = self._packets[((self._origin or 0) + place) % self.capacity]
            if packet is None:
                return None
            packets.append(packet)
            if packet.marker:
                self.remove(len(packets))
                data = b"".join(each._data for each in packets)  # type: ignore[attr-defined]
                return JitterFrame(data, packets[-1].timestamp)
        return None


class QuickEncoder(Vp8Encoder):
    """Encodes what goes back for the eye of one person, and no better than that.

    aiortc's cleans the camera's picture of noise first, which costs a third of the time; the
    browser that took it has done so already. With each change of the network's estimate it begins
    anew, with a picture that owes nothing to the one before and is many times as large; here a
    tenth more than the network bears, or less than half of it, is reason enough. And fewer pictures
    get fewer bits: each packet costs the event loop as much as the next.
    """

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """See ``Vp8Encoder.encode``."""
        if frame.format.name != "yuv420p":
            frame = frame.reformat(format="yuv420p")
        if self.codec is None or not self._suits(self.codec, frame):
            self.codec = quick_codec(frame.width, frame.height, self._rate())
        if force_keyframe:
            frame.pict_type = av.video.frame.PictureType.I
        return self.pack(_joined(self.codec.encode(frame), frame))

    def _rate(self) -> int:
        return min(self.target_bitrate, round(FRAME_RATE.fps * BITS_OF_A_PICTURE))

    def _suits(self, codec: Any, frame: av.VideoFrame) -> bool:
        same_size = (codec.width, codec.height) == (frame.width, frame.height)
        return same_size and 0.9 * codec.bit_rate <= self._rate() <= 2.0 * codec.bit_rate


def quick_codec(width: int, height: int, bits_per_s: int) -> Any:
    """libvpx as aiortc sets it up, without its denoiser, and at a higher speed."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.bit_rate = bits_per_s
    codec.gop_size = 3000
    codec.qmin, codec.qmax = 2, 56
    codec.thread_count = 1
    rate = str(bits_per_s)
    codec.options = {
        **{"bufsize": rate, "minrate": rate, "maxrate": rate},
        **{"overshoot-pct": "15", "undershoot-pct": "100"},
        **{"deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0"},
        **{"noise-sensitivity": "0", "partitions": "0", "static-thresh": "1"},
    }
    return codec


def _joined(packets: list[Any], frame: av.VideoFrame) -> Any:
    """What the codec made of one frame, as one packet at the frame's own time."""
    packet: Any = av.Packet(b"".join(map(bytes, packets)))
    packet.pts, packet.time_base = frame.pts, frame.time_base
    return packet


class RetryingStun(aioice.ice.StunProtocol):  # type: ignore[misc]
    """Waits as long as it should for an answer to whether the other end still wants to be sent to.

    RFC 7675 (section 5.1) lets a connection end when there was no answer for 30 s. aioice forgets
    each question after half a second, and ends it when six in a row came to nothing: on a busy
    computer answers take longer than that, and sessions ended by themselves. Here one question is
    repeated, and an answer to any of its repetitions will do.
    """

    async def request(
        self,
        request: object,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> object:
        """See ``StunProtocol.request``; only questions for consent ask for no retransmissions."""
        if retransmissions == 0:
            retransmissions = CONSENT_RETRIES
        return await super().request(request, addr, integrity_key, retransmissions)


def install() -> None:
    """Put the classes of this module in the place of those they improve on, for this process, and
    let its threads take turns every ``SWITCH_S``.

    Connections that are there already stay as they are.
    """
    sys.setswitchinterval(SWITCH_S)
    for module, name, better in (
        (streamlit_webrtc.webrtc, "VideoProcessTrack", LowLatencyTrack),
        (streamlit_webrtc.relay, "MediaRelay", NewestRelay),
        (aiortc.rtcrtpreceiver, "JitterBuffer", LowLatencyJitterBuffer),
        (aiortc.codecs, "Vp8Encoder", QuickEncoder),
        (aioice.ice, "StunProtocol", RetryingStun),
        (aioice.ice, "CONSENT_FAILURES", CONSENT_FAILURES),
    ):
        setattr(module, name, better)
