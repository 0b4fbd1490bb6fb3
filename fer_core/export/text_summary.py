"""Writes the results of a video for readers: a text summary, and an HTML report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fer_core.analysis.quality import IN_WORDS
from fer_core.media.atomic_file import OutputFile
from fer_core.models.registry import title_of
from fer_core.schema import FrameResult
from fer_core.timeline.summary import TrackSummary, most_visible, part_in_words, summarize
from fer_core.timeline.table import Timeline
from fer_core.wording import count_of


def summary_text(table: pd.DataFrame) -> str:
    """The summary of a table of ``timeline.columns``, a few lines per face."""
    faces = summarize(table)
    return "\n".join(_face_text(face) for face in faces) if faces else "  No face was found."


def _face_text(face: TrackSummary) -> str:
    timed = face.observed_s > 0.0
    seen = f"for {face.observed_s:.1f} s" if timed else f"in {count_of(face.frames, 'frame')}"
    lines = [
        f"  Face {face.track_id}: seen {seen}, from {face.start_s:.1f} s to {face.end_s:.1f} s"
    ]
    for label in sorted(face.shares, key=lambda each: -face.means[each]):
        peak, dominant = face.peaks[label], f"dominant {face.shares[label]:4.0%}   "
        lines.append(
            f"    {label:<9} {dominant if timed else ''}mean {face.means[label]:4.0%}   "
            f"peak {peak.share:4.0%} at {peak.t_s:.1f} s"
        )
    affect = ""
    if face.valence_mean is not None and face.arousal_mean is not None:
        affect = f"valence {face.valence_mean:+z.2f}, arousal {face.arousal_mean:+z.2f}, "
    lines.append(f"    {affect}switches {face.switches}, gaps {len(face.gaps)}")
    lines += [f"    {sentence}" for sentence in sentences(face)]
    return "\n".join(lines)


def sentences(face: TrackSummary) -> list[str]:
    """What is said of a face below its key figures."""
    every = moved_most(face), eyes_closed(face), hard_to_read(face)
    return [sentence for sentence in every if sentence]


def hard_to_read(face: TrackSummary) -> str:
    """A sentence on how long a face could not be read well, and why; "" if it always could."""
    if not face.poor_share:
        return ""
    reasons = "; ".join(
        f"{IN_WORDS[why]} {part_in_words(part)}" for why, part in face.problems.items()
    )
    return f"Hard to read for {part_in_words(face.poor_share)} of {_whole(face)}: {reasons}."


def moved_most(face: TrackSummary) -> str:
    """A sentence on the action units that were visible for longest; "" if none was."""
    listed = ", ".join(
        f"{unit.name} (AU{unit.number}) {part_in_words(face.action_units[unit.column].share)}"
        for unit in most_visible(face)
    )
    return f"Most visible movements: {listed} of {_whole(face)}." if listed else ""


def eyes_closed(face: TrackSummary) -> str:
    """A sentence on how long the eyes were closed; "" if hardly ever."""
    closed = face.eye_closure
    if closed is None or closed.share <= 0.005:
        return ""
    part, longest = part_in_words(closed.share), f"{closed.longest_s:.1f} s"
    return f"Eyes closed for {part} of the time, for {longest} at the longest."


def _whole(face: TrackSummary) -> str:
    """What its parts are parts of: frames that are far apart take no time."""
    return "the time" if face.observed_s else "the frames"


class ReportSink(OutputFile):
    """An HTML file with charts and a summary, written at the end of the video.

    Until then it holds the numbers in memory, 40 MB per hour of one face.
    """

    def __init__(self, path: Path, labels: Sequence[str], title: str) -> None:
        super().__init__(path)
        self._timeline = Timeline(labels)
        self._title = title
        self._last: FrameResult | None = None

    def write(self, result: FrameResult) -> None:
        """Add the next frame."""
        self._timeline.append(result)
        self._last = result

    def _open(self) -> None:
        # At once, so that an unwritable folder is noticed before the analysis.
        self.part.write_bytes(b"")

    def _finish(self, whole: bool) -> None:
        # The charts take half a second to import, and only a report needs them.
        from fer_core.export.report import html_report

        facts = {"Frames": str(len(self._timeline))}
        if self._last is not None:
            facts |= {
                "Face detector": title_of(self._last.detector),
                "Expression network": title_of(self._last.model),
                "Until": f"{self._last.t_s:.1f} s",
            }
        if not whole:
            facts["Stopped"] = "The analysis was stopped before the end."
        table = self._timeline.to_frame()
        html = html_report(table, self._title, facts, names={}, marks=())
        self.part.write_text(html, encoding="utf-8")

    def _abandon(self) -> None:
        pass
