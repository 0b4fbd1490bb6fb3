"""The third part of the video page: the timeline of one video, and its files."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.analysis.progress import format_duration
from fer_core.errors import JobUnknown, SessionUnknown, VideoError
from fer_core.export.files import to_jpeg
from fer_core.history import JobInfo, SessionInfo
from fer_core.jobs.copies import is_here
from fer_core.jobs.queue import VideoJobs
from fer_core.media.resize import shrink
from fer_core.models.registry import title_of
from fer_core.ui.services import database_sentence, owner, page_history, shared_history
from fer_core.ui.shared.file_names import file_stem
from fer_core.ui.shared.session_view import session_view, written
from fer_core.ui.shared.widgets import plain
from fer_core.ui.video.film import Film
from fer_core.ui.video.job_list import UPDATE_S, failure_is_said, has_timeline
from fer_core.ui.video.page import what_is_saved
from fer_core.wording import count_of

THUMBNAIL_PX = 320
"""The longer side of a thumbnail."""


def open_newest(jobs: VideoJobs) -> None:
    """Open the newest job that has something to show, if none is open or the open one was removed.

    Most visits are for it.
    """
    listed = jobs.jobs(owner())
    if st.session_state.get("video_open") in {job.id for job in listed}:
        return
    st.session_state["video_open"] = next((job.id for job in listed if has_timeline(job)), None)


def shown(jobs: VideoJobs) -> object:
    """What the page shows of the videos that may be changed elsewhere, but for progress: only that
    there are first results, and then twice as many each time."""
    listed, open_id = jobs.jobs(owner()), st.session_state.get("video_open")
    states = [(job.id, job.state, job.session_id) for job in listed]
    return states, [_results(jobs, job) for job in listed if job.id == open_id]


def _results(jobs: VideoJobs, job: JobInfo) -> object:
    annotated = jobs.annotated_videos.path(job).is_file()
    rendering = jobs.annotated_videos.rendering(job)
    making = rendering is not None and not rendering.done
    try:
        session = jobs.session(job)
    except SessionUnknown:
        return None
    store = shared_history().of(owner())
    there = session.frames.bit_length(), session.kept, session.has_thumbnail
    return annotated, making, there, written(store, session)


def open_job(jobs: VideoJobs) -> None:
    """The timeline of the job that was opened, with its files."""
    job_id = st.session_state.get("video_open")
    if job_id is None:
        return
    try:
        job = jobs.job(job_id, owner())
        session = jobs.session(job)
    except JobUnknown:
        del st.session_state["video_open"]
        return
    except SessionUnknown as error:
        st.info(f"**{plain(job.name)}**: {plain(error)}", icon=":material/info:")
        return
    if not session.frames:
        st.info(
            f"**{plain(job.name)}**: nothing has been analysed yet.",
            icon=":material/hourglass_top:",
        )
        return
    st.caption(f"**{plain(job.name)}** · {plain(_facts(session, job))}")
    session_view(
        page_history(),
        session,
        f"job_{job.id}",
        partial(_frame, jobs, job),
        partial(Film, Path(job.path), job.name),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        # First, and so always in one place: its popover stays open when the others change.
        _marked_video(jobs, job)
        _keep_button(jobs, job, session)
        if session.kept and not job.active and (session.has_thumbnail or is_here(job.path)):
            _thumbnail_switch(jobs, job, session)


def _frame(jobs: VideoJobs, job: JobInfo, t_s: float) -> NDArray[np.uint8] | None:
    """The picture of a moment; None once the copy of the video is gone, or all of the job."""
    with suppress(VideoError, JobUnknown, SessionUnknown):
        return jobs.annotated_videos.frame(job.id, owner(), t_s)
    return None


def _facts(session: SessionInfo, job: JobInfo) -> str:
    parts = [
        count_of(session.frames, "frame"),
        f"{format_duration(session.duration_s)} long",
        f"faces: {title_of(session.detector)}",
        f"expressions: {title_of(session.model)}",
    ]
    if job.active:
        parts.append("still being analysed: this is what is known so far")
    return " · ".join(parts)


def _keep_button(jobs: VideoJobs, job: JobInfo, session: SessionInfo) -> None:
    if session.kept:
        st.caption(":material/bookmark_added: Saved to history", width="content")
    else:
        st.button(
            "Save to history",
            icon=":material/bookmark_add:",
            key=f"video_keep_{job.id}",
            help=what_is_saved(),
            on_click=_keep,
            args=(jobs, job),
        )


def _keep(jobs: VideoJobs, job: JobInfo) -> None:
    with failure_is_said(job):
        jobs.keep(job.id, owner())


def _thumbnail_switch(jobs: VideoJobs, job: JobInfo, session: SessionInfo) -> None:
    """The one picture that can be stored: small, of the middle of the video, and only if asked."""
    key = f"video_thumbnail_{job.id}"
    st.session_state[key] = session.has_thumbnail  # it may have been changed in another tab
    st.toggle(
        "Small picture",
        key=key,
        help="Saves with the session a small picture from the middle of the analysed part.",
        # Only a click writes: a tab that is merely drawn anew would undo the choice of another.
        on_change=_set_thumbnail,
        args=(jobs, job, key),
    )


def _set_thumbnail(jobs: VideoJobs, job: JobInfo, key: str) -> None:
    with failure_is_said(job):
        jpeg = _middle(jobs, job) if st.session_state[key] else None
        page_history().set_thumbnail(job.results_session_id, jpeg)


def _middle(jobs: VideoJobs, job: JobInfo) -> bytes | None:
    frame = jobs.annotated_videos.frame(job.id, owner(), (job.start_s + job.done_s) / 2.0)
    return None if frame is None else to_jpeg(shrink(frame, THUMBNAIL_PX)[0])


def _marked_video(jobs: VideoJobs, job: JobInfo) -> None:
    """The video with its faces marked: made on demand, shown and downloaded when it is there."""
    if job.active or not is_here(job.path):
        return
    rendering = jobs.annotated_videos.rendering(job)
    making = rendering is not None and not rendering.done
    # By itself only while there is progress to show.
    st.fragment(_annotated, run_every=UPDATE_S if making else None)(jobs, job, making)


@database_sentence()
def _annotated(jobs: VideoJobs, job: JobInfo, making: bool) -> None:
    """``making`` is whether it was being made when the page was drawn."""
    path, rendering = jobs.annotated_videos.path(job), jobs.annotated_videos.rendering(job)
    if making and (rendering is None or rendering.done):
        st.rerun()  # the whole page, which ends the fragment's own runs
    if path.is_file():
        with st.popover("Annotated video", icon=":material/movie:", width="content"):
            st.video(str(path))
            with path.open("rb") as annotated:
                st.download_button(
                    "Annotated video (MP4)",
                    data=annotated,
                    file_name=f"{file_stem(job.name)}-expressions.mp4",
                    mime="video/mp4",
                    on_click="ignore",
                    icon=":material/download:",
                    key=f"video_film_{job.id}",
                )
    elif rendering is not None and not rendering.done:
        st.progress(rendering.share, "Making the annotated video…")
    else:
        if rendering is not None and rendering.error:
            st.error(plain(rendering.error), icon=":material/error:")
        st.button(
            "Make the annotated video",
            icon=":material/movie_edit:",
            key=f"video_render_{job.id}",
            on_click=_render,
            args=(jobs, job),
        )


def _render(jobs: VideoJobs, job: JobInfo) -> None:
    with failure_is_said(job):
        jobs.annotated_videos.render(job.id, owner())
    st.rerun()  # the whole page, not only the fragment
