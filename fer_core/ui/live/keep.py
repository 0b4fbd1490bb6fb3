"""The switch that saves a live session to the history."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from fer_core.errors import HistoryError
from fer_core.history import Keeping, history
from fer_core.schema import FrameResult
from fer_core.timeline.table import results_of
from fer_core.ui.live.view_state import LiveView
from fer_core.ui.services import owner
from fer_core.ui.shared.widgets import SAVE_HELP


def keep_live(view: LiveView) -> str:
    """The switch of a live session: all of it is kept, also what came before the switch.

    Switched off again, the session leaves the history. Returns a sentence while something is wrong.
    """
    latest = view.session.latest
    on = st.toggle("Keep in the history", key="live_keep", help=SAVE_HELP, persist_state="session")
    try:
        if on and view.keeping is None and latest is not None and not view.keep_problem:
            view.keeping = _keep_session(view, latest)
        elif not on:
            view.keep_problem = ""
            if view.keeping:
                view.session.send_to(None)
                view.keeping.forget()
                view.keeping = None
        if view.keeping:
            view.keeping.name_faces(view.names)
    except HistoryError as error:
        view.keep_problem = str(error)
    return view.keep_problem or (view.keeping.error if view.keeping else "")


def _keep_session(view: LiveView, latest: FrameResult) -> Keeping:
    """Begin to keep a session. Raises ``HistoryUnavailable``."""
    keeping = Keeping(history(), owner())
    table = view.session.send_to(keeping)
    engines = latest.model, latest.detector
    past = results_of(table, latest.width, latest.height, *engines)
    name = f"Live {datetime.now().astimezone():%Y-%m-%d %H:%M}"
    try:
        keeping.begin(name, view.session.timeline.labels, engines, past)
    except HistoryError:
        view.session.send_to(None)
        raise
    return keeping
