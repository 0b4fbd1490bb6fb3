"""What all pages of this server share: the history and the video jobs, and whose they are."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import HistoryError
from fer_core.history import LOCAL, History, OwnedHistory, history, start_housekeeping
from fer_core.jobs.queue import VideoJobs
from fer_core.server.auth.mode import AuthMode
from fer_core.settings import settings
from fer_core.ui.auth import account, auth_mode
from fer_core.ui.shared.widgets import plain

_log = logging.getLogger(__name__)


def owner() -> str:
    """Whose sessions and jobs this browser sees."""
    match auth_mode():
        case AuthMode.SIGN_IN:
            return account()
        case AuthMode.PASSWORD:
            return "door"  # whoever has the password; the name is in databases of earlier versions
        case _:
            return LOCAL


@contextmanager
def database_sentence() -> Iterator[None]:
    """A database that goes away while a page is drawn is a sentence, where the drawing had come."""
    try:
        yield
    except HistoryError as error:
        st.error(plain(error), icon=":material/database:")


def page_history() -> OwnedHistory:
    """This browser's history. Where its database cannot be had, the page says so and ends."""
    try:
        return _history().of(owner())
    except HistoryError as error:
        st.error(plain(error), icon=":material/database:")
        st.stop()


def page_jobs() -> VideoJobs:
    """The video jobs. Where their database cannot be had, the page says so and ends."""
    page_history()
    return _jobs()


def tidy_at_start() -> None:
    """What earlier runs of the server left is tidied without waiting for a visitor.

    Copies of videos whose time is over go, interrupted jobs are shown as such, and sessions past
    their retention are deleted. A server that never stored anything does not begin to here.
    """
    if not (settings().data_dir / "videos").is_dir() and settings().retention_days is None:
        return
    try:
        _jobs()
    except HistoryError as error:
        _log.warning("%s", error)


@st.cache_resource(show_spinner=False)
def _history() -> History:
    store = history()
    store.count(LOCAL)  # opens it, and brings its tables up to date
    start_housekeeping()
    return store


@st.cache_resource(show_spinner=False, on_release=VideoJobs.close)
def _jobs() -> VideoJobs:
    folder = settings().data_dir / "videos"
    jobs = VideoJobs(
        _history(),
        folder,
        Analyzer,
        workers=settings().max_jobs,
        lifetime=timedelta(hours=settings().video_hours),
    )
    jobs.start()
    atexit.register(jobs.close)
    return jobs
