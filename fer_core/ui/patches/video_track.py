"""streamlit-webrtc 0.79: the annotated picture is one frame late, or analysis stops the event loop.

``VideoProcessTrack`` calls the callback on the server's event loop, which stands still meanwhile;
its asynchronous sibling sends what is ready when a frame comes in, which is the last frame. There
is no public issue.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import av
import streamlit_webrtc.webrtc
from aiortc import MediaStreamTrack
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, MediaStreamError
from streamlit_webrtc.process import VideoProcessTrack

from fer_core.live.frame_rate import FRAME_RATE

WRITTEN_FOR = "streamlit-webrtc", "0.79.0"


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


def install() -> None:
    """Use ``LowLatencyTrack`` for cameras that start from now on."""
    streamlit_webrtc.webrtc.VideoProcessTrack = LowLatencyTrack  # type: ignore[attr-defined]
