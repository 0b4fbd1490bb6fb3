"""All that makes the camera's pictures come back promptly, put in place together."""

from __future__ import annotations

import sys

from fer_core.ui.patches import (
    consent_retries,
    jitter_buffer,
    newest_relay,
    video_track,
    vp8_encoder,
)

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter from one that waits for it.

All packets of all cameras go through one event loop, in one thread, which gives the interpreter
away with each packet it reads or sends, and has to wait for it again. With Python's own 5 ms and
three busy threads it handled 15 to 25 packets a second; with this, 150 to 180, and the threads
got as much done.
"""


def install_for_camera() -> None:
    """Put low-latency parts in the place of those of aiortc, aioice and streamlit-webrtc, for this
    process, and let its threads take turns every ``SWITCH_S``.

    Connections that are there already stay as they are.
    """
    sys.setswitchinterval(SWITCH_S)
    for patch in (consent_retries, jitter_buffer, newest_relay, video_track, vp8_encoder):
        patch.install()
