"""The options of the live page: where its pictures come from, and what is shown of them."""

from __future__ import annotations

from typing import cast

import streamlit as st

from fer_core.ui.live.webrtc import Marks

_LANDMARKS = "live_landmarks"
_POSE = "live_pose"
_AFFECT = "live_affect"
_MOVEMENTS = "live_movements"

SOURCE = "live_source"
"""What is chosen: ``camera``, or ``video``, which plays in the camera's place."""

_DRAWN_FOR = "live_drawn_for"

_OFFERS_TAKEN = "live_snapshot_offers"
"""How many times this browser session went from a video that failed to snapshots."""


def marks_toggles() -> Marks:
    """The widgets that choose what is drawn into the picture.

    A click changes the marks at once, not only when the page is run: see ``source_changed``.
    """
    marks = cast("Marks", st.session_state.setdefault("live_marks", Marks()))
    marks.landmarks = st.toggle(
        "Landmarks",
        key=_LANDMARKS,
        help="68 points along jaw, brows, eyes, nose, lips.",
        on_change=_set_marks,
        args=(marks,),
        persist_state="session",
    )
    marks.pose = st.toggle(
        "Head pose",
        key=_POSE,
        help="Three axes that turn with the head.",
        on_change=_set_marks,
        args=(marks,),
        persist_state="session",
    )
    return marks


def _set_marks(marks: Marks) -> None:
    marks.landmarks, marks.pose = st.session_state[_LANDMARKS], st.session_state[_POSE]


def affect_toggle() -> None:
    """The widget that asks for valence and arousal beside the shares; see ``affect_wanted``."""
    st.toggle(
        "Valence and arousal",
        key=_AFFECT,
        help="How pleasant and how activated an expression looks, derived from the shares "
        "(Russell and Mehrabian, 1977).",
        persist_state="session",
    )


def affect_wanted() -> bool:
    """Whether valence and arousal are to be shown."""
    return bool(st.session_state.get(_AFFECT))


def movements_toggle() -> None:
    """The widget that asks for the face diagram; see ``movements_wanted``."""
    st.toggle(
        "Movements of the face",
        key=_MOVEMENTS,
        help="A drawn face whose parts light up as the features of your face move.",
        persist_state="session",
    )


def movements_wanted() -> bool:
    """Whether the face diagram is to be shown."""
    return bool(st.session_state.get(_MOVEMENTS))


def snapshots_toggle() -> bool:
    """The widget that asks for snapshots instead of a video; whether they are asked for."""
    return st.toggle(
        "Snapshots instead of video",
        value=_offers_taken() > 0,
        key=_snapshots_key(),
        help="A few pictures a second over the connection of this page, where a firewall or a VPN "
        "blocks the video.",
        persist_state="session",
    )


def note_source(*, by_video: bool, by_snapshots: bool) -> None:
    """Note which pictures the page is drawn for; see ``source_changed``."""
    st.session_state[_DRAWN_FOR] = by_video, by_snapshots


def source_changed() -> bool:
    """Whether other pictures are chosen than the page is drawn for: it must be run again.

    Asked in each fragment that runs by itself. Streamlit may answer a click on a widget of the page
    with one of their runs, and not with one of the page.
    """
    by_video, by_snapshots = st.session_state.get(_DRAWN_FOR, (False, False))
    if (st.session_state.get(SOURCE) == "video") != by_video:
        return True
    return not by_video and st.session_state.get(_snapshots_key()) is (not by_snapshots)


def choose_snapshots() -> None:
    """For ``on_click`` in a fragment: take the offer to go on with snapshots."""
    st.session_state[_OFFERS_TAKEN] = _offers_taken() + 1
    st.rerun()  # the whole page


def _offers_taken() -> int:
    taken: int = st.session_state.get(_OFFERS_TAKEN, 0)
    return taken


def _snapshots_key() -> str:
    """Another widget for each offer that was taken: a value that Python gives to one that is there
    is lost when a fragment that runs by itself comes in between."""
    return f"live_snapshots_{_offers_taken()}"
