"""The keys of the live page, its presenter's view, and the look of the camera's own controls.

streamlit-webrtc 0.79 draws its buttons in a frame of its own, in capitals and another type. With
``desired_playing_state`` they could be replaced, but then it starts anew for ever after each start
that fails or connection that is lost (its effect runs whenever the state is "stopped"), and the
choice of a camera is gone. So the buttons stay, and get the look of Streamlit's.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

KEYS = {
    "Space": "Start, stop",
    "M": "Mark this moment",
    "?": "Show these keys",
    "Esc": "Leave the presenter's view",
}
"""What ``stage.js`` listens to."""

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "fer_live_stage",
    html='<div class="fer-stage-keys"><button type="button" class="fer-leave">Leave</button></div>',
    css=(_HERE / "stage.css").read_text("utf-8"),
    js=(_HERE / "stage.js").read_text("utf-8"),
    # Its styles are for the page.
    isolate_styles=False,
)


def stage_keys() -> None:
    """Listen to the keys. To be rendered inside of the container ``live_stage``; draws nothing."""
    _component(key="live_stage_keys")


def keys_popover() -> None:
    """The widget that shows the keys."""
    with st.popover("Keys", icon=":material/keyboard:", key="live_keys", type="tertiary"):
        for key, does in KEYS.items():
            st.markdown(f"`{key}` {does}")
