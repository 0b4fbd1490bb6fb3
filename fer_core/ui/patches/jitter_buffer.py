"""aiortc 1.16: a video frame waits for the first packet of the next one, a thirtieth of a second.

Its last packet carries a marker (RFC 7741 for VP8, 6184 for H.264), which aiortc ignores. There is
no public issue.
"""

from __future__ import annotations

import aiortc.rtcrtpreceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame

WRITTEN_FOR = "aiortc", "1.16.0"


class LowLatencyJitterBuffer(JitterBuffer):
    """Returns a video frame with its last packet, which carries a marker (RFC 7741, 6184).

    aiortc's buffer waits for the first packet of the next frame, a thirtieth of a second.
    """

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        frame = super()._remove_frame(sequence_number)
        # Packets without data may follow the last one of a frame; they belong to no frame.
        if frame is not None and (frame.data or not self._is_video):
            return frame
        return self._marked_frame() if self._is_video else None

    def _marked_frame(self) -> JitterFrame | None:
        """The oldest frame, if it is complete."""
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


def install() -> None:
    """Use ``LowLatencyJitterBuffer`` for new cameras."""
    aiortc.rtcrtpreceiver.JitterBuffer = LowLatencyJitterBuffer  # type: ignore[attr-defined]
