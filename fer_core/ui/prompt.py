"""Pictures that come back promptly: what aiortc, aioice and streamlit-webrtc keep waiting.

On the way from the camera to the annotated picture, the libraries let frames wait where they need
not, and on a busy computer let them queue up without end. Each class here is a better-timed version
of one of theirs, and ``hurry`` puts it in that one's place.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aioice.ice
import aiortc.rtcrtpreceiver
import av
import streamlit_webrtc.relay
import streamlit_webrtc.webrtc
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from streamlit_webrtc.process import VideoProcessTrack

CONSENT_RETRIES = 5
"""Times a question for consent is sent again: with aioice's waits, an answer has 31.5 s."""

CONSENT_FAILURES = 1
"""Questions that nobody answers end a connection: after 35 s at most, as long as with aioice."""

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from one that waits for it.

All packets of all cameras go through one event loop, in one thread, which gives the interpreter
away with each packet it reads or sends, and has to wait for it again. With Python's own 5 ms and
three busy threads it handled 15 to 25 packets a second; with this, 150 to 180, and the threads
got as much done.
"""


class PromptTrack(VideoProcessTrack[Any]):
    """Each frame is marked in a thread, and goes out as soon as it is.

    streamlit-webrtc offers to do that on the server's event loop, which would stop for it, or to
    send out what is ready when a frame comes in: that is the last frame or, after a hitch, for good
    the one before it.
    """

    async def recv(self) -> av.VideoFrame:
        """The next frame, marked."""
        if self.readyState != "live":
            raise MediaStreamError
        frame = await self.track.recv()
        loop = asyncio.get_running_loop()
        marked: av.VideoFrame = await loop.run_in_executor(None, self.processor.recv, frame)
        marked.pts, marked.time_base = frame.pts, frame.time_base
        return marked


class NewestRelay(MediaRelay):
    """Hands on the newest frame only.

    aiortc's keeps every frame until it is asked for, so that wherever frames are encoded more
    slowly than the camera takes them, the picture falls behind further and further.
    """

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """See ``MediaRelay.subscribe``."""
        return super().subscribe(track, buffered)


class PromptJitterBuffer(JitterBuffer):
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


class PatientStun(aioice.ice.StunProtocol):  # type: ignore[misc]
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


def hurry() -> None:
    """Put the classes of this module in the place of those they improve on, for this process, and
    let its threads take turns every ``SWITCH_S``.

    Connections that are there already stay as they are.
    """
    sys.setswitchinterval(SWITCH_S)
    for module, name, better in (
        (streamlit_webrtc.webrtc, "VideoProcessTrack", PromptTrack),
        (streamlit_webrtc.relay, "MediaRelay", NewestRelay),
        (aiortc.rtcrtpreceiver, "JitterBuffer", PromptJitterBuffer),
        (aioice.ice, "StunProtocol", PatientStun),
        (aioice.ice, "CONSENT_FAILURES", CONSENT_FAILURES),
    ):
        setattr(module, name, better)
