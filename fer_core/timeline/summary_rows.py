"""The summary of a session as rows of a table, to compare many sessions in a statistics program."""

from __future__ import annotations

from typing import Any

from fer_core.timeline.summary import Peak, TrackSummary


def summary_row(face: TrackSummary) -> dict[str, Any]:
    """The summary of one face as a row: times in seconds, shares and values 0..1.

    Each expression and each measured action unit has four columns: ``happy_time`` is the part of
    the time in which it was dominant, or visible, ``happy_mean`` its mean, ``happy_peak`` its
    largest value and ``happy_peak_s`` when it first was. What does not apply is None: parts of the
    time of a face that was seen for a moment only, and what was not measured.
    """
    timed = face.observed_s > 0.0
    closed = face.eye_closure
    row = {
        "track_id": face.track_id,
        "frames": face.frames,
        "start_s": round(face.start_s, 3),
        "end_s": round(face.end_s, 3),
        "observed_s": round(face.observed_s, 3),
        "gaps": len(face.gaps),
        "switches": face.switches,
        "longest_run": face.longest_run.emotion if timed else None,
        "longest_run_s": round(face.longest_run.duration_s, 3) if timed else None,
        "valence_mean": _digits(face.valence_mean),
        "arousal_mean": _digits(face.arousal_mean),
        "poor_share": _digits(face.poor_share),
        "eyes_closed_share": None if closed is None else _digits(closed.share),
        "eyes_closed_longest_s": None if closed is None else round(closed.longest_s, 3),
    }
    for label, share in face.shares.items():
        row |= _columns(label, share if timed else None, face.means[label], face.peaks[label])
    for column, unit in face.action_units.items():
        row |= _columns(column, unit.share if timed else None, unit.mean, unit.peak)
    return row


def _columns(name: str, time: float | None, mean: float, peak: Peak) -> dict[str, float | None]:
    return {
        f"{name}_time": _digits(time),
        f"{name}_mean": _digits(mean),
        f"{name}_peak": _digits(peak.share),
        f"{name}_peak_s": round(peak.t_s, 3),
    }


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
