"""What replaces parts of other packages at run time: one module a patch.

Each names the version it was written for and what is wrong there, with the public issue where there
is one. For each a test runs the original and fails once it is mended upstream: then the patch goes.
A second test fails when another version is installed, so that nobody raises one without looking.
"""

from __future__ import annotations

import sys
from types import ModuleType

from fer_core.ui.patches import (
    consent_retries,
    jitter_buffer,
    newest_relay,
    tcp_nodelay,
    video_track,
    vp8_encoder,
    webrtc_context,
)

PATCHES: tuple[ModuleType, ...] = (
    consent_retries,
    jitter_buffer,
    newest_relay,
    tcp_nodelay,
    video_track,
    vp8_encoder,
    webrtc_context,
)
"""Every patch; each has ``WRITTEN_FOR``, the package and its version."""

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
