"""One run of a video job: analyses the rest of its video and saves results on the way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from fer_core import telemetry
from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.progress import Progress
from fer_core.analysis.video import analyze_video, step_s, too_far_apart
from fer_core.errors import HistoryUnavailable
from fer_core.history import History, JobInfo, JobState
from fer_core.jobs.limits import JobLimits
from fer_core.media.video import Selection, VideoFile
from fer_core.schema import FrameResult

SAVE_S = 0.5
"""How often a job saves its results: at most this much is lost if its process is killed."""

PATIENCE_S, PAUSE_S = 300.0, 2.0
"""How long a job waits for a database that cannot be used, and between two attempts."""

_log = logging.getLogger(__name__)


class EndedEarly(Exception):
    """A job stops before the end of its video, in this state."""

    def __init__(self, state: JobState, sentence: str = "") -> None:
        super().__init__(sentence)
        self.state, self.sentence = state, sentence


class JobWork:
    """Runs a job until it is done or cancelled, or its time is up.

    It also ends once ``closed`` is set. ``progress`` is None until the video is open.
    """

    def __init__(self, job: JobInfo, history: History, closed: threading.Event) -> None:
        self.progress: Progress | None = None
        self._job = job
        self._history = history
        self._closed = closed
        self._limits = JobLimits.now()
        self._began_s = self._saved_s = time.monotonic()
        self._batch: list[FrameResult] = []

    def analyze(self, analyzer: Analyzer) -> str:
        """Analyse the rest of the video; returns a sentence on what is missing, or empty.

        Raises ``EndedEarly``, ``JobUnknown`` if the job was removed, and what ``analyze_video`` and
        the history raise.
        """
        selection, first_id = self._rest()
        chosen = self._job.selection
        with VideoFile(Path(self._job.path)) as video:
            progress = self.progress = Progress(video.info, selection)
            # This also cancels a decoder that finds no frame, and ends it when its time is up.
            with closing(analyze_video(video, analyzer, selection, self._look_up)) as frames:
                for _, result in frames:
                    self._batch.append(_renumbered(result, first_id))
                    progress.update(result.t_s)
                    telemetry.count_frame(result)
                    if time.monotonic() - self._saved_s >= SAVE_S:
                        self._look_up()
                        self._limits.check_timestamp(result.t_s, chosen)
            patiently(self._save, self._closed)
            apart = too_far_apart(step_s(video.info, chosen))
            return " ".join(filter(None, (video.problem, video.note, apart)))

    def _look_up(self) -> None:
        """Save the results, and end the job if it is due."""
        patiently(self._save, self._closed)
        if self._closed.is_set():
            raise EndedEarly("interrupted", "The dashboard was stopped in the meantime.")
        if time.monotonic() - self._began_s > self._limits.work_s:
            raise EndedEarly("interrupted", self._limits.time_limit_message())

    def _save(self) -> None:
        """Save the results and a sign of life; raises ``EndedEarly`` if the job was cancelled."""
        assert self.progress is not None
        job, share = self._job, self.progress.share
        if self._history.job(job.id, job.owner).worker != job.worker:
            raise EndedEarly("cancelled")  # and resumed: another worker adds to the results
        self._history.append(job.results_session_id, self._batch)
        self._batch.clear()
        done_s = job.done_s if self.progress.t_s is None else self.progress.t_s
        if self._history.heartbeat(job.id, str(job.worker), done_s, share) != "running":
            raise EndedEarly("cancelled")
        self._saved_s = time.monotonic()

    def _rest(self) -> tuple[Selection, int]:
        """The part still to be analysed, and the last identity that was given."""
        selection = self._job.selection
        table = self._history.table(self._job.results_session_id, self._job.owner)
        if table.empty:
            return selection, 0
        known = table["track_id"].dropna()
        rest = replace(selection, after_s=float(table["t_s"].max()))
        return rest, 0 if known.empty else int(known.max())


def patiently(write: Callable[[], None], closed: threading.Event) -> None:
    """Call ``write`` until the database can be used: for ``PATIENCE_S``, or until ``closed`` is
    set; then raise its ``HistoryUnavailable``."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return write()
        except HistoryUnavailable as error:
            if time.monotonic() >= give_up_s or closed.is_set():
                raise
            _log.warning("tried again soon: %s", error)
            closed.wait(PAUSE_S)


def _renumbered(result: FrameResult, first_id: int) -> FrameResult:
    """Numbers the faces of a resumed job after the earlier ones, so that none is reused."""
    if not first_id:
        return result
    faces = tuple(
        replace(face, track_id=None if face.track_id is None else face.track_id + first_id)
        for face in result.faces
    )
    return replace(result, faces=faces)
