"""The second part of the video page: jobs that go on by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import streamlit as st

from fer_core.analysis.progress import format_duration
from fer_core.errors import FerError, JobUnknown
from fer_core.history import JobInfo
from fer_core.history.jobs import RESULTS_DELETED, RESUMABLE
from fer_core.jobs.copies import is_here
from fer_core.jobs.queue import VideoJobs
from fer_core.ui.services import database_sentence, owner
from fer_core.ui.shared.widgets import plain

UPDATE_S = 1.0
"""How often the list is drawn anew while a job is at work."""

MOST_IN_SIGHT = 3
"""The largest number of videos in the list without a scroll bar."""

_SCROLLED_PX = 240

_GONE = "video_gone"

Gone = Mapping[int, str]
"""The names, by number, of the jobs that the last clicks have removed."""


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
    "interrupted": _State("Interrupted", ":material/pause_circle:"),
}


def job_list(jobs: VideoJobs) -> None:
    """Every job with its progress; drawn again each second while one is at work.

    The place of one that was just removed stays until the page is drawn for another reason: the
    second click of a double click would else remove the job that has moved there.
    """
    active = any(job.active for job in jobs.jobs(owner()))
    gone = st.session_state.pop(_GONE, {})
    st.fragment(_job_rows, run_every=UPDATE_S if active else None)(jobs, active, gone)


def has_timeline(job: JobInfo) -> bool:
    """Whether there is something to show of a job."""
    return job.session_id is not None and (job.done_s > 0.0 or job.state == "done")


def _job_rows(jobs: VideoJobs, were_active: bool, gone: Gone) -> None:
    # It is drawn again by itself, where the router does not look.
    with database_sentence():
        _draw_job_rows(jobs, were_active, gone)


def _draw_job_rows(jobs: VideoJobs, were_active: bool, gone: Gone) -> None:
    known = jobs.jobs(owner())
    if were_active and not any(job.active for job in known):
        st.rerun()  # the whole page: the timeline below is complete
    rows = {job.id: job for job in known}
    numbers = sorted(rows.keys() | gone.keys(), reverse=True)  # the newest first
    many = len(numbers) > MOST_IN_SIGHT
    with st.container(height=_SCROLLED_PX if many else "content", border=False, gap="small"):
        for number in numbers:
            with st.container(
                border=True, horizontal=True, vertical_alignment="center", key=f"video_row_{number}"
            ):
                if number in rows:
                    _job_row(jobs, rows[number], gone)
                else:
                    st.markdown(f":material/delete: **{plain(gone[number])}** :small[Removed]")


def _job_row(jobs: VideoJobs, job: JobInfo, gone: Gone) -> None:
    state = _STATES[job.state]
    with st.container(width="stretch", gap=None):
        if job.state == "running":
            st.markdown(f"{state.icon} **{plain(job.name)}**")
            st.progress(job.share or 0.0, plain(jobs.how_far(job)))
        else:
            words = " · ".join(map(plain, _sentences(job, state)))
            st.markdown(f"{state.icon} **{plain(job.name)}** :small[{words}]")
    for label, icon, action in _actions(job):
        # By a callback: a click must count also in the run that finds the jobs ended.
        st.button(
            label,
            icon=icon,
            key=f"video_{action}_{job.id}",
            on_click=_act,
            args=(jobs, job, action, gone),
            type="tertiary",
        )


def _sentences(job: JobInfo, state: _State) -> Iterator[str]:
    yield state.words
    if job.state == "interrupted" and _resumable(job):
        yield "It can resume where it stopped"
    if job.done_s:
        yield f"{format_duration(job.done_s)} analysed"
    if job.session_id is None:
        yield RESULTS_DELETED
    elif job.sentence:
        yield job.sentence
    if job.state in RESUMABLE and job.done_s and not is_here(job.path):
        yield "Its copy was deleted: to analyse the rest, add the video again."


def _resumable(job: JobInfo) -> bool:
    return job.state in RESUMABLE and job.session_id is not None and is_here(job.path)


def _actions(job: JobInfo) -> Iterator[tuple[str, str, str]]:
    shown = st.session_state.get("video_open") == job.id
    if has_timeline(job) and not shown:
        yield "Show timeline", ":material/timeline:", "open"
    if job.active:
        yield "Cancel", ":material/stop:", "cancel"
    elif _resumable(job):
        yield "Resume", ":material/resume:", "resume"
    yield "Remove", ":material/delete:", "remove"


def _act(jobs: VideoJobs, job: JobInfo, action: str, gone: Gone) -> None:
    with failure_is_said(job):
        if action == "remove" and any(other.id != job.id for other in jobs.jobs(owner())):
            st.session_state[_GONE] = {**gone, job.id: job.name}
        if action == "open":
            st.session_state["video_open"] = job.id
        else:
            getattr(jobs, action)(job.id, owner())
    st.rerun()  # the whole page: the timeline below may be another now


@contextmanager
def failure_is_said(job: JobInfo) -> Iterator[None]:
    """For what a click does to a job: what is wrong with it is said on the page that comes next."""
    st.session_state["video_failed"] = []
    try:
        # Removed in another tab: the page shows it.
        with suppress(JobUnknown):
            yield
    except FerError as error:
        st.session_state["video_failed"] = [(job.name, str(error))]
