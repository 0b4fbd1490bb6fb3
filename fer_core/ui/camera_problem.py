"""Why there is no camera picture, in a sentence each, and what to do instead."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.ui.widgets import photo_link

SENTENCES = {
    "refused": (
        "The browser keeps the camera from this page. Allow it with the camera symbol in the "
        "address bar, then press Start again."
    ),
    "no_camera": "No camera was found. Connect one, then press Start again.",
    "busy": (
        "The camera could not be opened. Close other programs and tabs that use it, then press "
        "Start again."
    ),
    "insecure": (
        "A browser gives its camera only to pages on the same computer (localhost) or opened over "
        "https. Open the dashboard at such an address."
    ),
    "no_connection": (
        "The picture does not get through to the dashboard: the connection was not made in time. "
        "A firewall or a VPN may be in the way. Press Stop, then Start, or try another network."
    ),
}

_component = st.components.v2.component(
    "fer_camera_problem",
    html='<div class="fer-camera-problem"></div>',
    js=(Path(__file__).parent / "camera_problem.js").read_text("utf-8"),
    isolate_styles=False,
)


@st.fragment
def camera_problem(timed_out: bool) -> None:
    """Show what keeps the camera from working, if anything does, with the way to the photo page.

    A fragment: what the browser reports in the middle of a start must not rerun the whole page.
    ``timed_out``: the server already knows that no connection was made.
    """
    note = st.container()
    reported = _component(key="camera_problem", on_problem_change=lambda: None).problem
    problem = "no_connection" if timed_out else reported
    if problem not in SENTENCES:
        return
    with note:
        st.error(SENTENCES[problem], icon=":material/videocam_off:")
        photo_link("Use photos instead")
