"""The first part of the video page: videos in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer_core.analysis.video import too_far_apart
from fer_core.errors import FerError, unexpected_error_message
from fer_core.jobs.queue import VideoJobs
from fer_core.media.video import Selection
from fer_core.paths import SAMPLE_CLIP
from fer_core.settings import settings
from fer_core.ui.services import owner
from fer_core.ui.shared.models import ModelsInUse
from fer_core.ui.shared.storage_time import copies_for
from fer_core.ui.shared.upload_problem import upload_problem
from fer_core.ui.shared.widgets import plain
from fer_core.ui.uploads import forget

SAMPLE_TITLE = "Sample video.mp4"
"""What the clip that comes with the project is called in the list."""

EVERY, NTH, A_SECOND = "Every frame", "Every n-th frame", "Frames a second"

_HOW, _NTH, _FPS, _FROM, _TO = "video_how", "video_nth", "video_fps", "video_from", "video_to"
_FIRST_NTH, _FIRST_FPS = 2, 5.0


def upload_form(jobs: VideoJobs, in_use: ModelsInUse) -> None:
    """The widgets that take videos, and the button that queues them for these models.

    Collapsed once there are videos, so that their timelines are visible without scrolling.
    """
    if not jobs.jobs(owner()):
        _upload_form(jobs, in_use)
        return
    # Another key after each upload collapses it again.
    key = f"video_add_{st.session_state.get('video_upload', 0)}"
    with st.expander("Add videos", icon=":material/add:", key=key):
        _upload_form(jobs, in_use)


def _upload_form(jobs: VideoJobs, in_use: ModelsInUse) -> None:
    with st.container(key="video_inputs", horizontal=True, vertical_alignment="center"):
        uploads = st.file_uploader(
            "Videos",
            type=None,  # what a file is, its content tells
            accept_multiple_files=True,
            max_upload_size=settings().max_video_mb,
            key=_uploads_key(),
            label_visibility="collapsed",
        )
        st.button(
            "Try the sample video",
            icon=":material/smart_display:",
            key="video_sample",
            on_click=_submit_sample,
            args=(jobs, in_use),
        )
    upload_problem()
    st.caption(
        "A copy stays on the computer that runs the dashboard while you work with it, "
        f"{copies_for()} at most. “Remove” deletes it at once."
    )
    # Only now, so that an empty page is no form.
    if not uploads:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="video_ready"):
        place = st.empty()
        st.toggle("Save to history", key="video_keep", help=what_is_saved())
        with st.popover("Which frames", icon=":material/tune:", key="video_frames"):
            _choose_frames()
    place.button(
        "Analyse",
        type="primary",
        icon=":material/play_arrow:",
        disabled=_selection() is None,
        key="video_analyse",
        on_click=_submit_uploads,
        args=(jobs, in_use, place),
    )


def what_is_saved() -> str:
    """What saving to the history means, and what happens without."""
    return (
        "Numbers and times only, no pictures. Otherwise they are deleted when you remove the "
        f"video, {copies_for()} after its analysis at the latest."
    )


def _submit_sample(jobs: VideoJobs, in_use: ModelsInUse) -> None:
    with SAMPLE_CLIP.open("rb") as clip:
        _submit(jobs, in_use, [(SAMPLE_TITLE, clip)], Selection(), keep=False)


def _submit_uploads(jobs: VideoJobs, in_use: ModelsInUse, place: DeltaGenerator) -> None:
    """Queue what is chosen at the click: the page may not have been drawn anew since."""
    uploads = st.session_state.get(_uploads_key())  # none at the second of two quick clicks
    if uploads and (selection := _selection()):
        named = [(each.name, each) for each in uploads]
        with place, st.spinner("Saving the videos…"):
            _submit(jobs, in_use, named, selection, keep=st.session_state["video_keep"])


def _submit(
    jobs: VideoJobs,
    in_use: ModelsInUse,
    videos: Sequence[tuple[str, IO[bytes]]],
    selection: Selection,
    keep: bool,
) -> None:
    """Queue these videos, each by its name, and open the last one."""
    failed = []
    for name, data in videos:
        try:
            st.session_state["video_open"] = jobs.submit(
                name,
                data,
                selection,
                in_use.detector.model.name,
                in_use.emotion.model.name,
                owner=owner(),
                keep=keep,
            )
        except FerError as error:
            failed.append((name, str(error)))
        except Exception as error:  # whatever one file makes a library raise
            failed.append((name, unexpected_error_message(error)))
    st.session_state["video_failed"] = failed
    st.session_state["video_upload"] += 1
    forget(data for _, data in videos if isinstance(data, UploadedFile))


def what_to_expect() -> None:
    """What the page does, where there is no video yet."""
    with st.container(key="video_empty"):
        st.html(
            '<div class="fer-empty">'
            "<p><strong>Add one or more videos</strong> to see the expressions of every face over "
            "time, or try the sample.</p>"
            "<ul>"
            "<li>MP4, MOV, MKV, WebM, AVI and more, whole or in part.</li>"
            "<li>You get a timeline beside the video, its key moments, a table, and files to "
            "download.</li>"
            "<li>The analysis continues when you leave this page, and its results will be "
            "here.</li>"
            "</ul></div>"
        )


def failures() -> None:
    """The sentences of the videos that could not be taken.

    In a container that is always there: what is below keeps its place, and an open popover stays
    open.
    """
    with st.container():
        for name, sentence in st.session_state.get("video_failed", []):
            st.error(f"**{plain(name)}**: {plain(sentence)}", icon=":material/broken_image:")


def _uploads_key() -> str:
    """A new key after each upload empties the widget."""
    return f"video_upload_{st.session_state.setdefault('video_upload', 0)}"


def _choose_frames() -> None:
    """The widgets that say which frames to analyse; ``_selection`` reads them."""
    how = st.selectbox("Frames", [EVERY, NTH, A_SECOND], key=_HOW, persist_state="session")
    apart = ""
    if how == NTH:
        every = st.number_input(f"{NTH}: n", 2, 1000, _FIRST_NTH, key=_NTH, persist_state="session")
        apart = too_far_apart(every / 30.0, "With 30 frames a second, these frames")
    elif how == A_SECOND:
        fps = st.number_input(A_SECOND, 0.1, 60.0, _FIRST_FPS, key=_FPS, persist_state="session")
        apart = too_far_apart(1.0 / fps, "These frames")
    if apart:
        st.caption(apart)
    st.number_input("From second", 0.0, value=0.0, step=1.0, key=_FROM)
    st.number_input("To second", 0.0, value=None, step=1.0, key=_TO, placeholder="end")
    if _selection() is None:
        st.warning("The end must be after the start.", icon=":material/warning:")


def _selection() -> Selection | None:
    """Which frames to analyse; None while the numbers make no sense."""
    chosen = st.session_state
    how = chosen[_HOW]
    try:
        return Selection(
            every=chosen.get(_NTH, _FIRST_NTH) if how == NTH else 1,
            fps=chosen.get(_FPS, _FIRST_FPS) if how == A_SECOND else None,
            start_s=chosen[_FROM],
            end_s=chosen[_TO],
        )
    except ValueError:
        return None
