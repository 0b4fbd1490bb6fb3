"""The camera: all this project knows of streamlit-webrtc.

The callback runs at camera speed in a thread, each picture waits for it, and an exception in it
kills the picture. So it only hands the frame to a ``LiveCamera``, draws that one's latest result,
and returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import av
import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit_webrtc import WebRtcMode, webrtc_streamer
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer_core.export.draw import annotate
from fer_core.live.session import LiveCamera
from fer_core.ui.live.ice_providers import session_ice
from fer_core.ui.patches.camera import install_for_camera
from fer_core.ui.patches.webrtc_context import mend_context

install_for_camera()

CONSTRAINTS = {
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": 30, "max": 30},
        "facingMode": "user",
    },
    # streamlit-webrtc would ask for the microphone as well.
    "audio": False,
}

STALE_S = 1.0
"""Marks older than this are not drawn: the face has long been elsewhere."""


@dataclass(slots=True)
class Marks:
    """What is drawn into the camera's picture beside boxes and labels.

    The page writes, the camera's thread reads: each field is one word, and needs no lock.
    """

    landmarks: bool = False
    pose: bool = False


@dataclass(frozen=True, slots=True)
class CameraView:
    """What the page needs to know after the camera was rendered.

    ``running``: the user pressed Start and not yet Stop. ``session`` is the one that runs, or the
    last one that saw a frame; None before the first.
    """

    running: bool
    session: LiveCamera | None
    timed_out: bool = False


def camera(key: str, new_session: Callable[[], LiveCamera], marks: Marks) -> CameraView:
    """Render the camera with its Start and Stop buttons.

    Each start gets its own ``new_session()``, which receives every frame until the stop. ``marks``
    may be written to while the camera runs. Must stand outside fragments: a full rerun may wait for
    the callback, a fragment's never does.
    """
    mend_context(key)
    session, last = _sessions(key, new_session)
    # An empty list is taken at its word; without a list public servers would be asked.
    ice = session_ice(key)
    try:
        context = webrtc_streamer(
            key=key,
            mode=WebRtcMode.SENDRECV,
            frontend_rtc_configuration=ice.for_browser(),
            server_rtc_configuration=ice.for_server(),
            media_stream_constraints=CONSTRAINTS,
            video_frame_callback=partial(on_frame, session, marks),
            on_video_ended=session.stop,
            # Not on the event loop, as this says: see LowLatencyTrack.
            async_processing=False,
            video_html_attrs={
                "autoPlay": True,
                "controls": False,
                "muted": True,
                "style": {"width": "100%", "borderRadius": "0.5rem"},
            },
            translations={"start": "Start", "stop": "Stop", "select_device": "Choose camera"},
            media_toggle_controls=False,
        )
    except SignallingTimeoutError:
        return CameraView(running=False, session=last, timed_out=True)
    running = context.state.playing or context.state.signalling
    return CameraView(running, session if running or session.started else last)


def on_frame(session: LiveCamera, marks: Marks, frame: av.VideoFrame) -> av.VideoFrame:
    """Pass a frame on to the session, and mark it with the newest result. Never raises."""
    bgr = to_bgr(frame)
    t_s = frame.time
    session.submit(bgr, t_s)
    latest = session.latest
    if latest is None or t_s - latest.t_s > STALE_S:
        return frame
    try:
        marked = annotate(bgr, latest, marks.landmarks, marks.pose)
        return to_video_frame(marked)
    except Exception as error:
        session.report(error)
        return frame


def to_bgr(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The picture as ``(height, width, 3)`` uint8, BGR.

    From the format that decoders give, OpenCV takes a fifth of the time for this that PyAV does.
    """
    if frame.format.name != "yuv420p" or frame.width % 2 or frame.height % 2:
        return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    return np.asarray(cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2BGR_I420), np.uint8)


def to_video_frame(bgr: NDArray[np.uint8]) -> av.VideoFrame:
    """The picture in the format that encoders take, where its sides are even, else in BGR.

    OpenCV takes a third of the time for this that PyAV does.
    """
    if bgr.shape[0] % 2 or bgr.shape[1] % 2:
        return av.VideoFrame.from_ndarray(bgr, format="bgr24")
    yuv = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    return av.VideoFrame.from_ndarray(np.asarray(yuv, np.uint8), format="yuv420p")


def _sessions(
    key: str, new_session: Callable[[], LiveCamera]
) -> tuple[LiveCamera, LiveCamera | None]:
    """The session for the worker that runs or comes next, and the one before it.

    A session belongs to one worker of streamlit-webrtc for life. So a worker that lingers after
    its browser is gone ends its own session, and never the one that was started since.
    """
    session: LiveCamera | None = st.session_state.get(f"{key}:session")
    if session is None or (session.started and not _has_worker(key)):
        if session is not None:
            session.stop()
            st.session_state[f"{key}:last"] = session
        session = st.session_state[f"{key}:session"] = new_session()
    return session, st.session_state.get(f"{key}:last")


def _has_worker(key: str) -> bool:
    context = st.session_state.get(key)
    return context is not None and context._get_worker() is not None
