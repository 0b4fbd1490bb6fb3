"""Installs all patches that make the camera's pictures come back promptly."""

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
"""How long a thread may hold the interpreter while another waits for it.

All packets of all cameras go through one event loop in one thread, which releases the interpreter
for each packet it reads or sends, and has to wait for it again. With Python's default of 5 ms and
three busy threads it handled 15 to 25 packets per second; with this, 150 to 180, and the threads
did as much work.
"""


def install_for_camera() -> None:
    """Replace parts of aiortc, aioice and streamlit-webrtc in this process with low-latency ones,
    and let its threads take turns every ``SWITCH_S``.

    Existing connections stay as they are.
    """
    sys.setswitchinterval(SWITCH_S)
    for patch in (consent_retries, jitter_buffer, newest_relay, video_track, vp8_encoder):
        patch.install()
