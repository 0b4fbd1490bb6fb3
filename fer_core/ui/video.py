"""The video page: videos in, jobs that go on by themselves, timelines and files out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from fer_core.detectors.scaling import shrink
from fer_core.engines import title
from fer_core.errors import FerError, JobUnknown, SessionUnknown, VideoError
from fer_core.export import to_jpeg
from fer_core.films import session_of
from fer_core.history import JobInfo, SessionInfo
from fer_core.jobs import VideoJobs
from fer_core.settings import settings
from fer_core.ui.engines import detector_choice, emotion_choice
from fer_core.ui.session_view import session_view
from fer_core.ui.stores import database_sentence, owner, page_history
from fer_core.ui.upload_problem import upload_problem
from fer_core.ui.uploads import forget
from fer_core.ui.widgets import plain
from fer_core.video.analysis import clock
from fer_core.video.reader import Selection

SUFFIXES = ("mp4", "m4v", "mov", "webm", "mkv", "avi", "gif")
"""What file choosers offer. What a file is, its first bytes decide."""

UPDATE_S = 1.0
"""How often the list is drawn anew while a job is at work."""

ACTIVE = ("waiting", "running")

THUMBNAIL_PX = 320
"""The longer side of a thumbnail."""

EVERY, NTH, A_SECOND = "Every frame", "Every n-th frame", "Frames a second"


@dataclass(frozen=True, slots=True)
class _State:
    """How a job's state reads, and its icon."""

    words: str
    icon: str


_STATES = {
    "waiting": _State("Waiting for its turn", ":material/hourglass_top:"),
    "running": _State("Being analysed", ":material/play_circle:"),
    "done": _State("Done", ":material/check_circle:"),
    "cancelled": _State("Cancelled; what was analysed is kept here", ":material/cancel:"),
    "failed": _State("Failed", ":material/error:"),
    "interrupted": _State("Interrupted; it can go on where it ended", ":material/pause_circle:"),
}


def upload_form(jobs: VideoJobs) -> None:
    """The widgets that take videos, and the button that puts them into the queue."""
    number = st.session_state.setdefault("video_upload", 0)
    uploads = st.file_uploader(
        "Videos",
        type=list(SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=settings().max_video_mb,
        # A new key empties the widget.
        key=f"video_upload_{number}",
        help="One or many. A copy stays on this computer while you work with it, "
        f"{settings().video_hours} hours at most; Remove deletes it at once.",
    )
    upload_problem()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        selection = _selection()
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Analyse",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not uploads or selection is None,
            key="video_analyse",
        )
        keep = st.toggle(
            "Keep in the history",
            key="video_keep",
            help="Numbers and times only, no pictures. Otherwise they go with the video.",
        )
    if not (pressed and selection):
        return
    failed = []
    with st.spinner("Taking in the videos…"):
        for upload in uploads:
            try:
                job_id = jobs.submit(
                    upload.name,
                    upload,
                    selection,
                    detector_choice().name,
                    emotion_choice().name,
                    owner=owner(),
                    keep=keep,
                )
                st.session_state["video_open"] = job_id
            except FerError as error:
                failed.append((upload.name, str(error)))
    st.session_state["video_failed"] = failed
    st.session_state["video_upload"] = number + 1
    forget(uploads)
    st.rerun()


def failures() -> None:
    """The sentences of the videos that could not be taken."""
    for name, sentence in st.session_state.get("video_failed", []):
        st.error(f"**{plain(name)}**: {sentence}", icon=":material/broken_image:")


def job_list(jobs: VideoJobs) -> None:
    """Every job with its progress; drawn again each second while one is at work."""
    known = jobs.jobs(owner())
    if not known:
        st.info(
            "Add one or more videos above. The work goes on when you leave or reload this page, "
            "and its results are found here again.",
            icon=":material/movie:",
        )
        return
    st.subheader("Videos")
    active = any(job.state in ACTIVE for job in known)
    st.fragment(_job_rows, run_every=UPDATE_S if active else None)(jobs, active)


def open_job(jobs: VideoJobs) -> None:
    """The timeline of the job that was opened, with its files."""
    job_id = st.session_state.get("video_open")
    if job_id is None:
        return
    store = page_history()
    try:
        job = jobs.job(job_id, owner())
        session = store.session(session_of(job), owner())
    except (JobUnknown, SessionUnknown):
        del st.session_state["video_open"]
        return
    st.subheader(plain(job.name))
    st.caption(_facts(session, job))
    if not session.frames:
        st.info("Nothing has been analysed yet.", icon=":material/hourglass_top:")
        return
    session_view(
        store, session, f"job_{job.id}", lambda t_s: jobs.films.frame(job.id, owner(), t_s)
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        _keep_button(jobs, job, session)
        if session.kept and job.state not in ACTIVE:
            _thumbnail_switch(jobs, job, session)
        _marked_video(jobs, job)


def _selection() -> Selection | None:
    """Which frames to analyse; None while the numbers make no sense."""
    how = st.selectbox("Frames", [EVERY, NTH, A_SECOND], key="video_how", width=200)
    every, fps = 1, None
    if how == NTH:
        every = int(st.number_input("n", 2, 1000, 2, key="video_nth", width=110))
    elif how == A_SECOND:
        fps = float(st.number_input("a second", 0.1, 60.0, 5.0, key="video_fps", width=110))
    start_s = st.number_input("From second", 0.0, value=0.0, step=1.0, key="video_from", width=140)
    end_s = st.number_input(
        "To second", 0.0, value=None, step=1.0, key="video_to", width=140, placeholder="end"
    )
    try:
        return Selection(every=every, fps=fps, start_s=start_s, end_s=end_s)
    except ValueError:
        st.warning("The end must lie after the start.", icon=":material/warning:")
        return None


def _job_rows(jobs: VideoJobs, were_active: bool) -> None:
    # It is drawn again by itself, where the router does not look.
    with database_sentence():
        _draw_job_rows(jobs, were_active)


def _draw_job_rows(jobs: VideoJobs, were_active: bool) -> None:
    known = jobs.jobs(owner())
    acted = st.session_state.pop("video_acted", False)
    if acted or (were_active and not any(job.state in ACTIVE for job in known)):
        st.rerun()  # the whole page: the timeline below is another now, or complete
    for job in known:
        _job_row(jobs, job)


def _job_row(jobs: VideoJobs, job: JobInfo) -> None:
    state = _STATES[job.state]
    with st.container(border=True):
        words, buttons = st.columns([3, 2], vertical_alignment="center")
        with words:
            st.markdown(f"{state.icon} **{plain(job.name)}**")
            if job.state == "running":
                st.progress(job.share or 0.0, jobs.how_far(job))
            else:
                st.caption(" · ".join(_sentences(job, state)))
        with buttons.container(horizontal=True, horizontal_alignment="right"):
            for label, icon, action in _actions(job):
                # By a callback: a click must count also in the run that finds the jobs ended.
                st.button(
                    label,
                    icon=icon,
                    key=f"video_{action}_{job.id}",
                    on_click=_act,
                    args=(jobs, job, action),
                )


def _sentences(job: JobInfo, state: _State) -> Iterator[str]:
    yield state.words
    if job.done_s:
        yield f"{clock(job.done_s)} analysed"
    if job.sentence:
        yield job.sentence


def _actions(job: JobInfo) -> Iterator[tuple[str, str, str]]:
    if job.done_s or job.state == "done":
        yield "Show timeline", ":material/timeline:", "open"
    if job.state in ACTIVE:
        yield "Cancel", ":material/stop:", "cancel"
    elif job.state != "done":
        yield "Go on", ":material/resume:", "resume"
    yield "Remove", ":material/delete:", "remove"


def _act(jobs: VideoJobs, job: JobInfo, action: str) -> None:
    st.session_state["video_failed"] = []
    try:
        if action == "open":
            st.session_state["video_open"] = job.id
        else:
            getattr(jobs, action)(job.id, owner())
    except JobUnknown:
        pass  # removed in another tab: the list shows it
    except FerError as error:
        st.session_state["video_failed"] = [(job.name, str(error))]
    st.session_state["video_acted"] = True


def _facts(session: SessionInfo, job: JobInfo) -> str:
    parts = [
        f"{session.frames} frames",
        f"{clock(session.duration_s)} long",
        f"faces: {title(session.detector)}",
        f"expressions: {title(session.model)}",
    ]
    if job.state in ACTIVE:
        parts.append("still being analysed: this is what is known so far")
    return " · ".join(parts)


def _keep_button(jobs: VideoJobs, job: JobInfo, session: SessionInfo) -> None:
    if session.kept:
        st.caption(":material/bookmark_added: Kept in the history", width="content")
    elif st.button(
        "Keep in the history",
        icon=":material/bookmark_add:",
        key=f"video_keep_{job.id}",
        help="Numbers and times only, no pictures. Otherwise they go with the video.",
    ):
        jobs.keep(job.id, owner())
        st.rerun()


def _thumbnail_switch(jobs: VideoJobs, job: JobInfo, session: SessionInfo) -> None:
    """The one picture that can be stored: small, of the middle of the video, and only if asked."""
    store = page_history()
    wanted = st.toggle(
        "Small picture",
        value=session.has_thumbnail,
        key=f"video_thumbnail_{job.id}",
        help="Keeps a small picture from the middle of the video with the session.",
    )
    if wanted == session.has_thumbnail:
        return
    jpeg = None
    if wanted:
        try:
            frame = jobs.films.frame(job.id, owner(), job.done_s / 2.0)
        except VideoError as error:
            st.error(str(error), icon=":material/error:")
            return
        jpeg = None if frame is None else to_jpeg(shrink(frame, THUMBNAIL_PX)[0])
    store.set_thumbnail(session.id, owner(), jpeg)


@st.fragment(run_every=UPDATE_S)
def _marked_video(jobs: VideoJobs, job: JobInfo) -> None:
    """The video with its faces marked: made on demand, shown and downloaded when it is there."""
    if job.state in ACTIVE:
        return
    path, rendering = jobs.films.path(job), jobs.films.rendering(job.id)
    if path.is_file():
        with st.popover("Marked video", icon=":material/movie:", width="content"):
            st.video(str(path))
            with path.open("rb") as film:
                st.download_button(
                    "Marked video (MP4)",
                    data=film,
                    file_name=f"{job.name}-expressions.mp4",
                    mime="video/mp4",
                    on_click="ignore",
                    icon=":material/download:",
                    key=f"video_film_{job.id}",
                )
    elif rendering is not None and not rendering.done:
        st.progress(rendering.share, "Making the marked video…")
    else:
        if rendering is not None and rendering.error:
            st.error(rendering.error, icon=":material/error:")
        if st.button(
            "Make the marked video", icon=":material/movie_edit:", key=f"video_render_{job.id}"
        ):
            jobs.films.render(job.id, owner())
