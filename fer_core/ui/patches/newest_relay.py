"""aiortc 1.16: a relay keeps every frame until it is asked for, and the picture falls behind.

aiortc can leave frames out (``buffered=False``, https://github.com/aiortc/aiortc/pull/498), but
streamlit-webrtc 0.79 does not ask for it. What comes of it:
https://github.com/aiortc/aiortc/issues/1192.
"""

from __future__ import annotations

import streamlit_webrtc.relay
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay

WRITTEN_FOR = "streamlit-webrtc", "0.79.0"


class NewestRelay(MediaRelay):
    """Hands on the newest frame only.

    aiortc's keeps every frame until it is asked for, so that wherever frames are encoded more
    slowly than the camera takes them, the picture falls behind further and further.
    """

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """See ``MediaRelay.subscribe``."""
        return super().subscribe(track, buffered)


def install() -> None:
    """Use ``NewestRelay`` for cameras that start from now on."""
    streamlit_webrtc.relay.MediaRelay = NewestRelay  # type: ignore[attr-defined]
