"""How much of a machine the videos of one user may take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from fer_core.analysis.progress import format_duration
from fer_core.errors import TooManyJobs, VideoTooLarge
from fer_core.history import JobInfo
from fer_core.media.demux import VideoInfo
from fer_core.media.video import Selection
from fer_core.settings import settings


@dataclass(frozen=True, slots=True)
class JobLimits:
    """``video_s``: the longest video, or chosen part of one; ``per_owner``: the videos an owner may
    have waiting or at work; ``work_s``: how long a job may work in one go."""

    video_s: float
    per_owner: int
    work_s: float

    @classmethod
    def now(cls) -> Self:
        """As the settings have them."""
        chosen = settings()
        return cls(
            video_s=60.0 * chosen.max_video_minutes,
            per_owner=chosen.max_user_jobs,
            work_s=60.0 * chosen.max_job_minutes,
        )

    def check_count(self, theirs: Iterable[JobInfo]) -> None:
        """Raise ``TooManyJobs`` if an owner with these jobs may not have another one at work."""
        active = sum(job.active for job in theirs)
        if active >= self.per_owner:
            raise TooManyJobs(
                f"{active} videos are waiting or being analysed, and the limit is "
                f"{self.per_owner}. Wait until one is done, cancel one, or raise FER_MAX_USER_JOBS."
            )

    def check_length(self, info: VideoInfo, selection: Selection) -> None:
        """Raise ``VideoTooLarge`` if what is chosen of a video is too long by the file's own
        account; a file that gives none is watched while it is worked on (``check_timestamp``)."""
        ends = [end for end in (selection.end_s, info.duration_s) if end is not None]
        # What is added up of frames may exceed a round number by a hair.
        if ends and min(ends) - selection.start_s > self.video_s + 1.0:
            raise self._too_long(min(ends) - selection.start_s)

    def check_timestamp(self, t_s: float, selection: Selection) -> None:
        """Raise ``VideoTooLarge`` at a frame that no video within the limit has."""
        if t_s - selection.start_s > self.video_s + 1.0:
            raise self._too_long(t_s - selection.start_s)

    def time_limit_message(self) -> str:
        """What to tell about a job that has worked for ``work_s``."""
        return (
            f"Interrupted after {format_duration(self.work_s)} of work, so that others have their "
            "turn. Resume it, choose fewer frames a second or a part of the video, or raise "
            "FER_MAX_JOB_MINUTES."
        )

    def _too_long(self, length_s: float) -> VideoTooLarge:
        return VideoTooLarge(
            f"This video is {format_duration(length_s)} long or longer, and the limit is "
            f"{format_duration(self.video_s)}. Choose a part of it, or raise FER_MAX_VIDEO_MINUTES."
        )
