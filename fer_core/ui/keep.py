"""The switch that keeps what a page shows in the history; without it nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import streamlit as st

from fer_core.errors import HistoryError
from fer_core.history import Keeping, history
from fer_core.labels import EMOTIONS
from fer_core.schema import FrameResult
from fer_core.timeline import results_of
from fer_core.ui.live_view import LiveView
from fer_core.ui.stores import owner

HELP = "Numbers and times only, no pictures. They stay on this computer until you delete them."


def keep_photos(results: Mapping[str, FrameResult]) -> None:
    """The switch of the photo page: what it shows is kept while it is on.

    Each picture becomes a session of its own, once. Switched off again, they leave the history; a
    switch that is only gone for a while, with the pictures or the page, takes nothing with it.
    """
    kept: dict[str, int] = st.session_state.setdefault("photo_kept", {})
    on = st.toggle("Keep in the history", key="photo_keep", help=HELP, on_change=_note_switching)
    try:
        if not on and st.session_state.get("photo_switched"):
            history().delete(list(kept.values()), owner())
        if not on:
            kept.clear()
        st.session_state["photo_switched"] = False
        for name, result in results.items() if on else ():
            key = f"{name}|{result.model}|{result.detector}"
            if key not in kept:
                kept[key] = _keep_photo(name, result)
        if kept:
            st.caption(":material/bookmark_added: Kept in the history", width="content")
    except HistoryError as error:
        st.error(str(error), icon=":material/database:")


def _note_switching() -> None:
    st.session_state["photo_switched"] = True


def keep_live(view: LiveView) -> str:
    """The switch of a live session: all of it is kept, also what came before the switch.

    Switched off again, the session leaves the history. Returns a sentence while something is wrong.
    """
    latest = view.session.latest
    on = st.toggle("Keep in the history", key="live_keep", help=HELP, persist_state="session")
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


def _keep_photo(name: str, result: FrameResult) -> int:
    """Faces of a photo are told apart by their number."""
    labels = result.faces[0].labels if result.faces else EMOTIONS
    store = history()
    numbered = tuple(
        replace(face, track_id=number) for number, face in enumerate(result.faces, start=1)
    )
    session_id = store.begin("photo", name, labels, result.model, result.detector, owner=owner())
    store.append(session_id, [replace(result, faces=numbered, t_s=0.0)])
    store.finish(session_id)
    return session_id
