"""aiortc 1.16: a relay keeps every frame until it is requested, and the picture falls behind.

aiortc can drop frames (``buffered=False``, https://github.com/aiortc/aiortc/pull/498), but
streamlit-webrtc 0.79 does not use that. The consequence:
https://github.com/aiortc/aiortc/issues/1192.
"""

from __future__ import annotations

import streamlit_webrtc.relay
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay

WRITTEN_FOR = "streamlit-webrtc", "0.79.0"


class NewestRelay(MediaRelay):
    """Passes on only the newest frame.

    aiortc's relay keeps every frame until it is requested. If frames are encoded more slowly than
    the camera records them, the picture falls further and further behind.
    """

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:
        """See ``MediaRelay.subscribe``."""
        return super().subscribe(track, buffered)


def install() -> None:
    """Use ``NewestRelay`` for new cameras."""
    streamlit_webrtc.relay.MediaRelay = NewestRelay  # type: ignore[attr-defined]
