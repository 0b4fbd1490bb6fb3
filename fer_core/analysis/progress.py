"""The progress of a video's analysis, as numbers and as a sentence."""

from __future__ import annotations

import time

from fer_core.media.demux import VideoInfo
from fer_core.media.video import WHOLE, Selection


class Progress:
    """How much of a selection is analysed, and how long the rest will take.

    ``t_s`` is the time of the last analysed frame, None before the first. ``share`` is 0..1, or
    None if the file's length is unknown; ``left_s`` is None until there is enough to estimate it.
    What comes before the selection's ``after_s`` was done by an earlier run: it counts for the
    share, and not for the speed.
    """

    def __init__(self, info: VideoInfo, selection: Selection = WHOLE) -> None:
        self._start_s, self._from_s = selection.start_s, selection.from_s
        ends = [end for end in (selection.end_s, info.duration_s) if end is not None]
        self._end_s = min(ends, default=None)
        self._began_s = time.monotonic()
        self.t_s: float | None = None

    def update(self, t_s: float) -> None:
        """Note that the frame shown at ``t_s`` is done."""
        self.t_s = t_s

    @property
    def share(self) -> float | None:
        """The share that is done."""
        return self._share_at(self._from_s if self.t_s is None else self.t_s)

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take at the speed so far."""
        passed_s = time.monotonic() - self._began_s
        share, before = self.share, self._share_at(self._from_s)
        if share is None or before is None or share <= before or passed_s < _PACE_KNOWN_S:
            return None
        return passed_s * (1.0 - share) / (share - before)

    @property
    def sentence(self) -> str:
        """A sentence with the progress and the remaining time."""
        if self.share is None:
            return f"{format_duration(self.t_s or 0.0)} done"
        left = "" if self.left_s is None else f", {format_duration(self.left_s)} left"
        return f"{self.share:.0%} done{left}"

    def _share_at(self, t_s: float) -> float | None:
        """The share before a time of the video."""
        if self._end_s is None or self._end_s <= self._start_s:
            return None
        return min(1.0, max(0.0, (t_s - self._start_s) / (self._end_s - self._start_s)))


_PACE_KNOWN_S = 1.0
"""The first second is spent on starting up."""


def format_duration(seconds: float) -> str:
    """``2:05`` or ``1:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
