"""Draws the results of a video job into its video: into one frame, or all of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.progress import Progress
from fer_core.errors import FerError
from fer_core.export.annotated_video import AnnotatedVideo
from fer_core.export.draw import annotate
from fer_core.history import History, JobInfo
from fer_core.jobs.copies import delete_file
from fer_core.media.video import VideoFile, read_frame
from fer_core.timeline.table import MAX_GAP_S, results_of


@dataclass(slots=True)
class Rendering:
    """An annotated video in progress: its progress, 0..1, and its error.

    ``unwanted`` ends it without a file.
    """

    share: float = 0.0
    error: str = ""
    done: bool = False
    unwanted: bool = False


class _MarkedCopy(AnnotatedVideo):
    """An annotated video in the dashboard's folder, which no visitor can choose."""

    remedy = (
        "Allow the dashboard's account to write to its data folder, or set FER_DATA_DIR to a "
        "folder that it can write."
    )


class AnnotatedVideos:
    """Annotated videos of jobs, made on demand, one at a time. Thread-safe."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._renderings: dict[int, Rendering] = {}

    def frame(self, job_id: int, owner: str, t_s: float) -> NDArray[np.uint8] | None:
        """The frame at ``t_s`` seconds with its faces marked, BGR; None past the end.

        Faces are those of the last analysed frame, if that is no more than ``MAX_GAP_S`` before.
        Raises ``JobUnknown``, and ``VideoError`` if the copy of the video is gone.
        """
        job = self._history.job(job_id, owner)
        bgr = read_frame(Path(job.path), t_s)
        if bgr is None:
            return None
        table = self._history.table(job.results_session_id, owner)
        before = table[table["t_s"].between(t_s - MAX_GAP_S, t_s + 1e-6)]
        if before.empty:
            return bgr
        shown = before[before["t_s"] == before["t_s"].max()]
        height, width = bgr.shape[:2]
        result = next(results_of(shown, width, height, job.emotion, job.detector))
        return annotate(bgr, result)

    def path(self, job: JobInfo) -> Path:
        """The path of a job's annotated video, once it was made."""
        return Path(job.path).with_suffix(".marked.mp4")

    def rendering(self, job: JobInfo) -> Rendering | None:
        """The annotated video of a job that this process made or is making."""
        with self._lock:
            return self._renderings.get(job.id)

    def render(self, job_id: int, owner: str) -> Rendering:
        """Start making the annotated video of a job from its results, without analysing again.

        Raises ``JobUnknown``.
        """
        job = self._history.job(job_id, owner)
        with self._lock:
            before = self._renderings.get(job_id)
            if before is not None and not before.error and self._stands(job, before):
                return before
            rendering = self._renderings[job_id] = Rendering()
        threading.Thread(
            target=self._render, args=(job, rendering), name="annotated video", daemon=True
        ).start()
        return rendering

    def delete(self, job: JobInfo) -> None:
        """Delete the annotated video of a job, also one that is being made."""
        with self._lock:
            rendering = self._renderings.pop(job.id, None)
        if rendering is not None:
            # Before the files: it deletes what it writes after this.
            rendering.unwanted = True
        self._delete_files(job)

    def _stands(self, job: JobInfo, rendering: Rendering) -> bool:
        """Whether it is being made or there; another process may have deleted it."""
        return not rendering.done or self.path(job).is_file()

    def _delete_files(self, job: JobInfo) -> None:
        path = self.path(job)
        delete_file(path)
        for part in path.parent.glob(f"{path.name}.*"):  # half done, of a process that was killed
            delete_file(part)

    def _render(self, job: JobInfo, rendering: Rendering) -> None:
        try:
            with self._turn:
                self._draw_wanted(job, rendering)
        except FerError as error:
            rendering.error = str(error)
        except Exception as error:
            rendering.error = f"The annotated video failed ({type(error).__name__}: {error})."
        rendering.done = True

    def _draw_wanted(self, job: JobInfo, rendering: Rendering) -> None:
        """Draw it, or nothing if it is unwanted by the end."""
        try:
            if not rendering.unwanted:
                self._draw(job, rendering)
        finally:
            if rendering.unwanted:
                self._delete_files(job)

    def _draw(self, job: JobInfo, rendering: Rendering) -> None:
        source, selection = Path(job.path), job.selection
        table = self._history.table(job.results_session_id, job.owner)
        with VideoFile(source) as video:
            info = video.info
            progress = Progress(info, selection)
            results = results_of(table, info.width, info.height, job.emotion, job.detector)
            found = next(results, None)
            shown = f"{job.name} with marked faces"
            with _MarkedCopy(self.path(job), source, info, selection, shown) as annotated:
                for frame in video.frames(selection):
                    while found is not None and found.t_s < frame.t_s - 1e-6:
                        found = next(results, None)
                    if found is None or rendering.unwanted:
                        break
                    if abs(found.t_s - frame.t_s) < 1e-6:
                        annotated.write(frame, found)
                    progress.update(frame.t_s)
                    rendering.share = progress.share or 0.0
