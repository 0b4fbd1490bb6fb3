"""The switch that saves a live session to the history."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from fer_core.errors import HistoryError, SessionUnknown
from fer_core.history import LiveRecording
from fer_core.schema import FrameResult
from fer_core.timeline.table import results_of
from fer_core.ui.live.view_state import LiveView
from fer_core.ui.services import owner, shared_history
from fer_core.ui.shared.storage_time import save_help
from fer_core.ui.shared.visitor_time import visitor_zone
from fer_core.ui.shared.watch import watch

_DELETED = (
    "This session was deleted from the history. Switch “Save to history” off and on again to save "
    "it anew."
)


def save_live(view: LiveView) -> None:
    """The switch of a live session: all of it is kept, also what came before the switch.

    Switched off again, the session leaves the history.
    """
    latest = view.session.latest
    on = st.toggle("Save to history", key="live_keep", help=save_help(), persist_state="session")
    try:
        if on and view.recording is None and latest is not None and not view.save_problem:
            view.recording = _start_recording(view, latest)
        elif not on:
            view.save_problem = ""
            if view.recording:
                view.session.send_to(None)
                view.recording.forget()
                view.recording = None
        if view.recording:
            view.recording.name_faces(view.names)
            view.recording.mark_moments(view.moments)
            if view.session.stopped or view.recording.error:
                view.recording.check()
            view.save_problem = ""
    except SessionUnknown:
        view.save_problem = _DELETED
    except HistoryError as error:
        view.save_problem = str(error)


def save_problem(view: LiveView) -> str:
    """What keeps the session from being saved, as a sentence; empty if nothing does."""
    return view.save_problem or (view.recording.error if view.recording else "")


def watch_saved(view: LiveView) -> None:
    """Run the page again when another tab deletes the session, or takes that back."""
    if recording := view.recording:
        watch(lambda: _is_gone(recording), view.save_problem == _DELETED)


def _is_gone(recording: LiveRecording) -> bool:
    try:
        recording.check()
    except SessionUnknown:
        return True
    return False


def _start_recording(view: LiveView, latest: FrameResult) -> LiveRecording:
    """Begin to keep a session. Raises ``HistoryUnavailable``."""
    recording = LiveRecording(shared_history(), owner())
    table = view.session.send_to(recording)
    made_by = latest.model, latest.detector
    past = results_of(table, latest.width, latest.height, *made_by)
    try:
        recording.begin(default_name(), view.session.timeline.labels, made_by, past)
    except HistoryError:
        view.session.send_to(None)
        raise
    return recording


def default_name() -> str:
    """What a live session that starts now is called, until somebody gives it another name."""
    return f"Live {datetime.now(visitor_zone()):%Y-%m-%d %H:%M}"
