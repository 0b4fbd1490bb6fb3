"""Why there is no camera picture, in a sentence each, and what to do instead."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.ui.live.camera_pace import camera_pace
from fer_core.ui.live.connection import LOOK_S, connection_problem
from fer_core.ui.live.options import choose_snapshots, source_changed
from fer_core.ui.live.webrtc import CameraView
from fer_core.ui.shared.widgets import photo_link

SENTENCES = {
    "refused": (
        "The browser blocked the camera. Allow it with the camera symbol in the address bar, then "
        "press Start again."
    ),
    "no_camera": (
        "No camera was found. Connect one and press Start again, or choose “A video” above."
    ),
    "busy": (
        "The camera could not be opened. Close other programs and tabs that use it, then press "
        "Start again."
    ),
    "insecure": (
        "Browsers allow the camera only on pages of the same computer (localhost) or over https. "
        "Open the dashboard at such an address."
    ),
    "no_connection": (
        "The video does not reach the dashboard: no connection was made in time. A firewall or a "
        "VPN may be blocking it. Press Stop, then Start, try another Wi-Fi or mobile connection, "
        "or use snapshots: a few pictures a second over the connection of this page."
    ),
    "connection_lost": (
        "The video no longer reaches the dashboard: the connection was lost. Press Start to try "
        "again, or use snapshots: a few pictures a second over the connection of this page."
    ),
}

CONNECTION_PROBLEMS = ("no_connection", "connection_lost")
"""The problems that snapshots do not have."""

_component = st.components.v2.component(
    "fer_camera_problem",
    html='<div class="fer-camera-problem"></div>',
    js=(Path(__file__).parent / "camera_problem.js").read_text("utf-8"),
    isolate_styles=False,
)


def camera_problem(key: str, view: CameraView) -> None:
    """Show what keeps the camera from working, if anything does, with ways to do without it.

    A fragment: what the browser reports in the middle of a start must not rerun the whole page.
    While the camera runs, it looks again by itself whether the picture gets through, and tells the
    browser how many pictures a second there is time for.
    """
    st.fragment(_problem, run_every=LOOK_S if view.running else None)(key, view)


def _problem(key: str, view: CameraView) -> None:
    if source_changed():
        st.rerun()
    # It lies over the place of the picture, which is empty then: nothing below it moves.
    note = st.container(key="live_problem")
    camera_pace()
    reported = _component(key="camera_problem", on_problem_change=lambda: None).problem
    problem = connection_problem(key, view) or reported
    if problem not in SENTENCES:
        return
    with note:
        st.error(SENTENCES[problem], icon=":material/videocam_off:")
        with st.container(horizontal=True, vertical_alignment="center"):
            if problem in CONNECTION_PROBLEMS:
                st.button(
                    "Use snapshots instead",
                    icon=":material/photo_library:",
                    on_click=choose_snapshots,
                )
            photo_link("Use photos instead")
