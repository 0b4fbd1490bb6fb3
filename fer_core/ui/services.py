"""The history and the video jobs that all pages of this server share, and their owners."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import HistoryError
from fer_core.history import LOCAL, History, OwnedHistory, history, start_housekeeping
from fer_core.jobs.copies import delete_all_played, videos_folder
from fer_core.jobs.queue import VideoJobs
from fer_core.server.auth.mode import AuthMode
from fer_core.settings import settings
from fer_core.ui.auth import account, auth_mode
from fer_core.ui.shared.watch import watch
from fer_core.ui.shared.widgets import plain

AGAIN_S = 60.0
"""The pause between two attempts to tidy up at the start."""

_log = logging.getLogger(__name__)


def owner() -> str:
    """The owner of the sessions and jobs that this browser sees."""
    match auth_mode():
        case AuthMode.SIGN_IN:
            return account()
        case AuthMode.PASSWORD:
            return "door"  # with one password; the name is in databases of earlier versions
        case _:
            return LOCAL


@contextmanager
def database_sentence() -> Iterator[None]:
    """Show a sentence if the database becomes unreachable while the page is drawn."""
    try:
        yield
    except HistoryError as error:
        st.error(plain(error), icon=":material/database:")


@contextmanager
def page_database_sentence() -> Iterator[None]:
    """The same for a whole page, which is drawn again once the database is back."""
    try:
        yield
    except HistoryError as error:
        _say_until_back(error)


def _say_until_back(error: HistoryError) -> None:
    st.error(plain(error), icon=":material/database:")
    watch(_is_back, False)


def _is_back() -> bool:
    """Raises ``HistoryUnavailable`` until then."""
    shared_history().count(LOCAL)
    return True


def page_history() -> OwnedHistory:
    """This browser's history. If its database is unreachable, the page says so and ends."""
    try:
        return shared_history().of(owner())
    except HistoryError as error:
        _say_until_back(error)
        st.stop()


def page_jobs() -> VideoJobs:
    """The video jobs. If their database is unreachable, the page says so and ends."""
    page_history()
    return _jobs()


def tidy_at_start() -> None:
    """Tidy up after earlier runs of the server without waiting for a visitor.

    Deleted sessions and those past their retention are removed, also expired copies of videos, and
    interrupted jobs are marked. If nothing was ever stored, no file is created here. While the
    database cannot be used, it is tried again: perhaps no visitor comes for days.
    """
    if problem := _start_tidying():
        _log.warning("%s", problem)
        threading.Thread(target=_tidy_later, name="tidying", daemon=True).start()


def _tidy_later() -> None:
    while _start_tidying():
        time.sleep(AGAIN_S)


def _start_tidying() -> str:
    """Tidy from now on; a sentence if that is impossible."""
    try:
        if history().exists:
            shared_history()
        if videos_folder().is_dir():
            _jobs()
    except (HistoryError, OSError) as error:  # OSError: a folder above may not be entered
        return str(error)
    return ""


def shared_history() -> History:
    """The history of all owners. Raises ``HistoryUnavailable``.

    Whatever a page saves or deletes goes through here, because only so is it tidied: from the
    first use on, what is deleted is removed for good a minute later.
    """
    store, is_open = history(), _history_is_open()
    if not is_open.is_set():
        store.count(LOCAL)  # opens it and brings its tables up to date
        start_housekeeping()
        is_open.set()
    return store


# Streamlit lets one visitor at a time make what it caches: to open a database here, all would wait
# for it in turn.
@st.cache_resource(show_spinner=False)
def _history_is_open() -> threading.Event:
    return threading.Event()


@st.cache_resource(show_spinner=False, on_release=VideoJobs.close)
def _jobs() -> VideoJobs:
    jobs = VideoJobs(
        shared_history(),
        videos_folder(),
        Analyzer,
        workers=settings().max_jobs,
        lifetime=timedelta(hours=settings().video_hours),
    )
    jobs.start()
    return jobs


@atexit.register
def close() -> None:
    """Stop the video jobs, so that they can be resumed, and delete the videos that only play."""
    _jobs.clear()
    delete_all_played()


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """For ``st.App(lifespan=…)``: calls ``close`` at the end of the server.

    On SIGTERM, uvicorn shuts down and then lets the signal end the process: ``atexit`` comes too
    late.
    """
    try:
        yield
    finally:
        close()
