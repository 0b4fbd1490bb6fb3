"""Analyses videos in the background: a page may be reloaded or closed, and the work goes on.

The progress and the results so far are in the history's database, so they survive the process. The
copy of the video is in a folder until the job is removed or a day has passed since it was added.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.progress import format_duration
from fer_core.errors import (
    FerError,
    HistoryError,
    HistoryUnavailable,
    JobUnknown,
    SessionUnknown,
    VideoError,
)
from fer_core.history import History, JobInfo, JobState, SessionInfo
from fer_core.history.jobs import RESULTS_DELETED, RESUMABLE
from fer_core.jobs.copies import VideoCopies, delete_file, is_here
from fer_core.jobs.limits import JobLimits
from fer_core.jobs.renders import AnnotatedVideos
from fer_core.jobs.worker import EndedEarly, JobWork, patiently
from fer_core.media.video import Selection, VideoFile

STALE_S = 20.0
"""A running job without a sign of life for this long has lost its process."""

POLL_S = 2.0
"""How often an idle worker looks for jobs that another process left."""

TIDY_S = 60.0
"""How often expired copies of videos are looked for."""

CLOSE_S = 5.0
"""How long ``close`` waits for the workers to save what they have: hosts kill after 10 s."""

_WAITED = (
    "Its turn did not come before its copy had to be deleted. Add the video again when fewer "
    "videos wait, or raise FER_VIDEO_HOURS."
)

_log = logging.getLogger(__name__)


class VideoJobs:
    """The video jobs of this process: threads that process the queue. Thread-safe.

    ``make_analyzer`` gets the names of a detector and an emotion model. ``folder`` is for the
    copies of the videos; only this user gets access to it. They and the annotated videos are
    deleted ``lifetime`` after the video was added, or when its analysis ends if that is running
    then; the jobs themselves are removed this long after they ended.
    """

    def __init__(
        self,
        history: History,
        folder: Path,
        make_analyzer: Callable[[str, str], Analyzer],
        workers: int = 1,
        lifetime: timedelta = timedelta(days=1),
    ) -> None:
        self.annotated_videos = AnnotatedVideos(history)
        self._history = history
        self._copies = VideoCopies(folder)
        self._make_analyzer = make_analyzer
        self._workers = workers
        self._lifetime = lifetime
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._at_work: dict[str | None, JobWork] = {}  # by their claims

    def submit(
        self,
        name: str,
        data: IO[bytes],
        selection: Selection,
        detector: str,
        emotion: str,
        *,
        owner: str,
        keep: bool,
    ) -> int:
        """Add a video to the queue; returns the job's number.

        With ``keep``, its session is saved to the history.
        Raises ``VideoError`` if the file is no video, is too long or does not fit on the disk,
        ``TooManyJobs``, ``UnknownModel`` or ``WeightsError`` if a model is unavailable, and
        ``HistoryError``.
        """
        limits = JobLimits.now()
        # Before the copy is made; add_job checks it again.
        limits.check_count(sum(job.active for job in self._history.jobs(owner)))
        analyzer = self._make_analyzer(detector, emotion)
        path = self._copies.add(name, data)
        try:
            with VideoFile(path) as video:  # a file that is no video is refused at once
                limits.check_length(video.info, selection)
            session_id = self._history.begin(
                "video",
                name,
                analyzer.labels,
                analyzer.emotion.name,
                analyzer.detector.name,
                owner=owner,
                kept=False,
            )
            job_id = self._history.add_job(
                owner=owner,
                session_id=session_id,
                name=name,
                path=str(path),
                every=selection.every,
                fps=selection.fps,
                start_s=selection.start_s,
                end_s=selection.end_s,
                detector=analyzer.detector.name,
                emotion=analyzer.emotion.name,
                allow=limits.check_count,
            )
        except BaseException:
            delete_file(path)
            raise
        if keep:
            try:
                self._history.keep(session_id, owner)
            except HistoryError:
                with suppress(HistoryError, JobUnknown):
                    self.remove(job_id, owner)
                raise
        self.start()
        return job_id

    def start(self) -> None:
        """Start the threads, if they are not running, to process the queue."""
        with self._lock:
            if not self._threads and not self._closed.is_set():
                # Tidying has its own, because an analysis may take hours.
                targets = (self._keep_tidy, *[self._work] * self._workers)
                self._threads = [_started(target) for target in targets]
        self._wake.set()

    def jobs(self, owner: str) -> list[JobInfo]:
        """This owner's jobs, the newest first."""
        return self._history.jobs(owner)

    def job(self, job_id: int, owner: str) -> JobInfo:
        """One job. Raises ``JobUnknown``."""
        return self._history.job(job_id, owner)

    def how_far(self, job: JobInfo) -> str:
        """A sentence on a running job; only the process that runs it knows the time left."""
        work = self._at_work.get(job.worker)
        if work is None or work.progress is None:
            return f"{format_duration(job.done_s)} analysed"
        return work.progress.sentence

    def cancel(self, job_id: int, owner: str) -> None:
        """End a waiting or running job; its results so far stay."""
        self._history.cancel_job(job_id, owner)

    def resume(self, job_id: int, owner: str) -> None:
        """Resume a job that was cancelled, interrupted, or failed.

        Raises ``TooManyJobs``, ``VideoError`` if the copy of the video is gone, or
        ``SessionUnknown`` if the results are.
        """
        job = self._history.job(job_id, owner)
        if job.state in RESUMABLE:
            self.session(job)
            if not is_here(job.path):
                raise VideoError(
                    "The copy of this video is no longer on this machine. The results so far are "
                    "saved; to analyse the rest, add the video again."
                )
            self._history.resume_job(job_id, owner, JobLimits.now().check_count)
            self.annotated_videos.delete(job)  # it lacks the rest
            self.start()

    def session(self, job: JobInfo) -> SessionInfo:
        """The session with the results of a job. Raises ``SessionUnknown`` if it was deleted."""
        try:
            return self._history.session(job.results_session_id, job.owner)
        except SessionUnknown:
            raise SessionUnknown(RESULTS_DELETED) from None

    def keep(self, job_id: int, owner: str) -> None:
        """Save the session of a job to the history."""
        self._history.keep(self._history.job(job_id, owner).results_session_id, owner)

    def remove(self, job_id: int, owner: str) -> None:
        """Remove a job and its videos, and its session if that is not saved to the history."""
        job = self._history.job(job_id, owner)
        self._delete_files(job)  # first, because a full disk has no room for the change of a row
        self._history.remove_job(job_id, owner)

    def expire(self, after: timedelta) -> None:
        """Delete the videos of all owners that were added longer than ``after`` ago.

        A running job is let finish first; one that still waits ends with a sentence. Jobs that
        ended longer than ``after`` ago are removed.
        """
        before = self._history.now() - after
        jobs = self._history.all_jobs()
        # Files first, as in ``remove``: whether the database can be written or not, they go.
        for job in jobs:
            if job.created_at <= before and job.state != "running":
                self._delete_files(job)
        self._copies.delete_orphans({job.path for job in jobs})
        self._history.end_waiting(before, _WAITED)
        for job in self._history.ended_jobs(before):
            with suppress(JobUnknown):  # another process may do the same
                self.remove(job.id, job.owner)

    def close(self) -> None:
        """Stop the threads; running jobs can be resumed later."""
        self._closed.set()
        self._wake.set()
        deadline_s = time.monotonic() + CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _delete_files(self, job: JobInfo) -> None:
        delete_file(Path(job.path))
        self.annotated_videos.delete(job)

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                self._history.interrupt_stale(STALE_S)
                claim = f"{self._name}:{uuid.uuid4().hex[:8]}"
                job = self._history.claim_job(claim, is_here)
            except (HistoryError, OSError):
                job = None  # the database or the folder is unreachable: the queue waits for it
            if job is None:
                self._wake.wait(POLL_S)
                self._wake.clear()
            else:
                self._run(job)

    def _keep_tidy(self) -> None:
        while not self._closed.is_set():
            try:
                self.expire(self._lifetime)
            except HistoryError as error:
                _log.warning("%s", error)
            except Exception:  # it must not be the last round
                _log.exception("tidying the videos")
            self._closed.wait(TIDY_S)

    def _run(self, job: JobInfo) -> None:
        """Run one job to its end, and store how it ended."""
        state: JobState
        try:
            work = self._at_work[job.worker] = JobWork(job, self._history, self._closed)
            state, sentence = "done", work.analyze(self._make_analyzer(job.detector, job.emotion))
        except EndedEarly as end:
            state, sentence = end.state, end.sentence
        except JobUnknown:
            state, sentence = "cancelled", ""  # it was removed, or resumed by another worker
        except SessionUnknown:
            state, sentence = "failed", RESULTS_DELETED
        except HistoryUnavailable as error:
            state, sentence = "interrupted", str(error)
        except FerError as error:
            state, sentence = "failed", str(error)
        # Whatever a model throws at one video must not end the queue.
        except Exception as error:
            state = "failed"
            sentence = f"This video could not be analysed ({type(error).__name__}: {error})."
        self._at_work.pop(job.worker, None)
        self._end(job, state, sentence)

    def _end(self, job: JobInfo, state: JobState, sentence: str) -> None:
        def store() -> None:
            if job.session_id is not None:
                self._history.finish(job.session_id)
            self._history.end_job(job.id, str(job.worker), state, sentence)

        with suppress(HistoryError):  # the database is unreachable: the job is found stale later
            patiently(store, self._closed)


def _started(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name="video job", daemon=True)
    thread.start()
    return thread
