"""Metrics of this process for Prometheus, shown by ``GET /metrics``.

Counters only grow; the client adds ``_total`` to their names. The client's default registry adds
memory, processor time and open files of the process (``process_resident_memory_bytes`` …). Each
process counts for itself: with several dynos or containers, Prometheus asks each and adds up.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from fer_core.schema import FrameResult

PICTURES = Counter("fer_pictures", "Pictures that were analysed.", ["source"])
"""``source``: ``api`` or ``page``."""

FRAMES = Counter("fer_frames", "Frames of live cameras and videos that were analysed.")

FRAMES_DROPPED = Counter(
    "fer_frames_dropped",
    "Frames of live cameras that a newer frame replaced before they were analysed.",
)

LIVE_STREAMS = Gauge("fer_live_streams", "Live cameras whose frames are being analysed.")

ANALYSIS_SECONDS = Histogram(
    "fer_analysis_seconds",
    "Duration of the analysis of one picture or frame.",
    ["kind"],
    # A frame of the live page takes some 10 ms, a photo of 64 million pixels some seconds.
    buckets=(0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0),
)
"""``kind``: ``picture`` or ``frame``."""

ERRORS = Counter("fer_errors", "Pictures, streams and requests that ended in an error.", ["where"])
"""``where``: ``api``, ``page`` or ``live``."""

API_REQUESTS = Counter("fer_api_requests", "Answers of the HTTP routes.", ["route", "status"])
"""``route`` is one of the API's own paths or ``other``; ``status`` is the HTTP status."""


def count_frame(result: FrameResult) -> None:
    """One more frame of a live camera or a video was analysed."""
    FRAMES.inc()
    ANALYSIS_SECONDS.labels("frame").observe(result.latency_ms / 1e3)
