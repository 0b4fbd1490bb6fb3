"""Tells the browser how many pictures a second the dashboard has time for."""

from __future__ import annotations

import math
from pathlib import Path

import streamlit as st

from fer_core.live.frame_rate import FRAME_RATE
from fer_core.ui.patches.vp8_encoder import BITS_OF_A_PICTURE

_component = st.components.v2.component(
    "fer_camera_pace",
    html='<div class="fer-camera-pace"></div>',
    js=(Path(__file__).parent / "camera_pace.js").read_text("utf-8"),
    isolate_styles=False,
)


def camera_pace() -> None:
    """Have the camera of this page send no more than it may. Draws nothing.

    To be rendered before Start is pressed as well: the connection is noted as it is made.
    """
    fps = math.ceil(FRAME_RATE.fps)
    _component(key="camera_pace", data={"fps": fps, "bits_per_s": fps * BITS_OF_A_PICTURE})
