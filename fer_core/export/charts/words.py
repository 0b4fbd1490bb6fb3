"""Describes the content of charts in words: for hover texts, captions and screen readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fer_core.analysis.quality import IN_WORDS
from fer_core.export.charts.axis import format_time
from fer_core.timeline.events import Event
from fer_core.timeline.summary import TrackSummary

MOST_PEAKS = 5
"""The largest number of peaks in a description."""


def problems_in_words(codes: str) -> str:
    """``small dark`` -> ``too small to read well, too dark to read well``; "" -> ""."""
    return ", ".join(IN_WORDS[code] for code in IN_WORDS if code in codes.split())


def in_words(dominant: str, rival: str, codes: str) -> str:
    """``between sad and neutral, too small to read well``: why a reading is uncertain, or ""."""
    problems = problems_in_words(codes)
    between = f"between {dominant} and {rival}" if rival else ""
    return ", ".join(part for part in (between, problems) if part)


def span_in_words(start_s: float, end_s: float) -> str:
    """``0:10.0 to 0:25.0``."""
    return f"{format_time(start_s)} to {format_time(end_s)}"


def shares_in_words(shares: Mapping[str, float]) -> str:
    """``neutral 70%, happy 30%``: the largest first, without shares below one percent."""
    shown = sorted((-share, str(label)) for label, share in shares.items() if share >= 0.01)
    return ", ".join(f"{label} {-share:.0%}" for share, label in shown)


def course_in_words(name: str, face: TrackSummary, events: Sequence[Event] = ()) -> str:
    """A description of a face over a session: time span, shares of time, and highest peaks."""
    sentences = [f"{name}: expressions from {span_in_words(face.start_s, face.end_s)}"]
    sentences.append(shares_in_words(face.shares if face.observed_s else face.means))
    peaks = [event for event in events if event.kind == "peak"]
    highest = sorted(peaks, key=lambda e: -e.share)[:MOST_PEAKS]
    if peaks:
        listed = ", ".join(
            f"{e.label} {e.share:.0%} at {format_time(e.t_s)}"
            for e in sorted(highest, key=lambda e: e.t_s)
        )
        title = "Peaks" if len(highest) == len(peaks) else f"{len(peaks)} peaks, highest"
        sentences.append(f"{title}: {listed}")
    return ". ".join(sentences) + "."
