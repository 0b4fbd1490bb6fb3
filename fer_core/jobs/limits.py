"""The limits for the videos of one user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fer_core.analysis.progress import format_duration
from fer_core.errors import TooManyJobs, VideoTooLarge
from fer_core.media.demux import VideoInfo
from fer_core.media.video import Selection
from fer_core.settings import settings
from fer_core.wording import count_of


@dataclass(frozen=True, slots=True)
class JobLimits:
    """``video_s``: the longest video, or selected part of one; ``per_owner``: the videos an owner
    may have waiting or running; ``work_s``: how long a job may run at a time."""

    video_s: float
    per_owner: int
    work_s: float

    @classmethod
    def now(cls) -> Self:
        """From the settings."""
        chosen = settings()
        return cls(
            video_s=60.0 * chosen.max_video_minutes,
            per_owner=chosen.max_user_jobs,
            work_s=60.0 * chosen.max_job_minutes,
        )

    def check_count(self, active: int) -> None:
        """Raise ``TooManyJobs`` if an owner with so many active jobs may not have another."""
        if active >= self.per_owner:
            raise TooManyJobs(
                f"Waiting or being analysed: {count_of(active, 'video')}. The limit is "
                f"{self.per_owner}. Wait until one is done, cancel one, or raise FER_MAX_USER_JOBS."
            )

    def check_length(self, info: VideoInfo, selection: Selection) -> None:
        """Raise ``VideoTooLarge`` if the selected part is too long according to the file's header;
        without a length there, ``check_timestamp`` checks during the analysis."""
        ends = [end for end in (selection.end_s, info.duration_s) if end is not None]
        # A sum of frame times may slightly exceed a round number.
        if ends and min(ends) - selection.start_s > self.video_s + 1.0:
            raise self._too_long(min(ends) - selection.start_s)

    def check_timestamp(self, t_s: float, selection: Selection) -> None:
        """Raise ``VideoTooLarge`` at a frame beyond the limit."""
        if t_s - selection.start_s > self.video_s + 1.0:
            raise self._too_long(t_s - selection.start_s)

    def time_limit_message(self) -> str:
        """The sentence for a job that has run for ``work_s``."""
        return (
            f"Interrupted after {format_duration(self.work_s)} to let other videos run. Resume "
            "it, choose fewer frames per second or a part of the video, or raise "
            "FER_MAX_JOB_MINUTES."
        )

    def _too_long(self, length_s: float) -> VideoTooLarge:
        return VideoTooLarge(
            f"This video is {format_duration(length_s)} long or longer, and the limit is "
            f"{format_duration(self.video_s)}. Choose a part of it, or raise FER_MAX_VIDEO_MINUTES."
        )
