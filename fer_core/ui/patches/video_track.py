"""streamlit-webrtc 0.79: the annotated picture is one frame late, or analysis blocks the event
loop.

``VideoProcessTrack`` calls the callback on the server's event loop, which is blocked meanwhile; its
asynchronous sibling sends what is ready when a frame comes in, which is the previous frame. There
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
    """Annotates each frame in a thread, and sends it as soon as it is ready.

    streamlit-webrtc can do that on the server's event loop, which would block, or send what is
    ready when a frame comes in: the previous frame or, after a hitch, always the one before it.

    A sent frame carries the time of sending, not the camera's. With the camera's time, a browser
    mistakes the varying analysis time for network jitter, and delays every picture by the longest.
    """

    def __init__(self, track: MediaStreamTrack, processor: Any) -> None:
        super().__init__(track, processor)
        self._pace = FRAME_RATE.camera()
        self._began_s = time.monotonic()

    async def recv(self) -> av.VideoFrame:
        """The next frame that is due, annotated."""
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
        """The annotated frame, and the processor time that it took, in seconds."""
        began_s = time.thread_time()
        return self.processor.recv(frame), time.thread_time() - began_s


def install() -> None:
    """Use ``LowLatencyTrack`` for new cameras."""
    streamlit_webrtc.webrtc.VideoProcessTrack = LowLatencyTrack  # type: ignore[attr-defined]
