"""The first part of the video page: videos in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import streamlit as st
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
    number = st.session_state.setdefault("video_upload", 0)
    with st.container(key="video_inputs", horizontal=True, vertical_alignment="center"):
        uploads = st.file_uploader(
            "Videos",
            type=None,  # what a file is, its content tells
            accept_multiple_files=True,
            max_upload_size=settings().max_video_mb,
            # A new key empties the widget.
            key=f"video_upload_{number}",
            label_visibility="collapsed",
        )
        sample = st.button(
            "Try the sample video", icon=":material/smart_display:", key="video_sample"
        )
    upload_problem()
    st.caption(
        "A copy stays on the computer that runs the dashboard while you work with it, "
        f"{copies_for()} at most. “Remove” deletes it at once."
    )
    if sample:
        with SAMPLE_CLIP.open("rb") as clip:
            _submit(jobs, in_use, [(SAMPLE_TITLE, clip)], Selection(), keep=False)
    # Only now, so that an empty page is no form.
    if not uploads:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="video_ready"):
        place = st.empty()
        keep = st.toggle(
            "Save to history",
            key="video_keep",
            help=what_is_saved(),
        )
        with st.popover("Which frames", icon=":material/tune:", key="video_frames"):
            selection = _selection()
    pressed = place.button(
        "Analyse",
        type="primary",
        icon=":material/play_arrow:",
        disabled=selection is None,
        key="video_analyse",
    )
    if pressed and selection:
        with st.spinner("Saving the videos…"):
            _submit(jobs, in_use, [(each.name, each) for each in uploads], selection, keep)


def what_is_saved() -> str:
    """What saving to the history means, and what happens without."""
    return (
        "Numbers and times only, no pictures. Otherwise they are deleted when you remove the "
        f"video, {copies_for()} after its analysis at the latest."
    )


def _submit(
    jobs: VideoJobs,
    in_use: ModelsInUse,
    videos: Sequence[tuple[str, IO[bytes]]],
    selection: Selection,
    keep: bool,
) -> None:
    """Queue these videos, each by its name, and draw the page anew with the last one opened."""
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
    st.rerun()


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


def _selection() -> Selection | None:
    """Which frames to analyse; None while the numbers make no sense."""
    how = st.selectbox("Frames", [EVERY, NTH, A_SECOND], key="video_how", persist_state="session")
    every, fps, apart = 1, None, ""
    if how == NTH:
        every = int(st.number_input("n", 2, 1000, 2, key="video_nth", persist_state="session"))
        apart = too_far_apart(every / 30.0, "With 30 frames a second, these frames")
    elif how == A_SECOND:
        fps = float(
            st.number_input("a second", 0.1, 60.0, 5.0, key="video_fps", persist_state="session")
        )
        apart = too_far_apart(1.0 / fps, "These frames")
    if apart:
        st.caption(apart)
    start_s = st.number_input("From second", 0.0, value=0.0, step=1.0, key="video_from")
    end_s = st.number_input(
        "To second", 0.0, value=None, step=1.0, key="video_to", placeholder="end"
    )
    try:
        return Selection(every=every, fps=fps, start_s=start_s, end_s=end_s)
    except ValueError:
        st.warning("The end must be after the start.", icon=":material/warning:")
        return None
