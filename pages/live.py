"""The camera, live: expressions as they come, and what a session came to."""

import streamlit as st

from fer_core.analysis.stream import StreamAnalyzer
from fer_core.live.session import LiveCamera
from fer_core.ui.live import playback, snapshots, webrtc
from fer_core.ui.live.camera_problem import camera_problem
from fer_core.ui.live.options import (
    affect_toggle,
    marks_toggles,
    movements_toggle,
    note_source,
    snapshots_toggle,
)
from fer_core.ui.live.page import live_panel, my_slots, session_summary, welcome
from fer_core.ui.live.stage import keys_popover, stage_keys
from fer_core.ui.live.view_state import live_view
from fer_core.ui.shared.models import models_in_use, models_line

with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="live_head"):
    st.title("Live", width="stretch")
    by_video = playback.source_choice("live_playback")
    with st.popover("Options", icon=":material/tune:", key="live_options"):
        marks = marks_toggles()
        affect_toggle()
        movements_toggle()
        by_snapshots = not by_video and snapshots_toggle()
    note_source(by_video=by_video, by_snapshots=by_snapshots)
    keys_popover()
# Loaded before Start is shown: the first frames would wait for it.
in_use = models_in_use()


def new_session() -> LiveCamera:
    """What a start of the camera gets."""
    return LiveCamera(StreamAnalyzer(in_use.analyzer), my_slots())


with st.container(key="live_stage"):
    picture, charts = st.columns([5, 7], gap="small")
with picture:
    camera_place = st.container(key="live_camera")
    stage_keys()
with camera_place:
    if by_video:
        view = playback.playback_camera("live_playback", new_session, marks)
    elif by_snapshots:
        view = snapshots.snapshot_camera("live_snapshot_camera", new_session, marks)
    else:
        view = webrtc.camera("live_camera", new_session, marks)
        camera_problem("live_camera", view)

with charts:
    if view.running and view.session:
        live_panel(live_view(view.session))
    elif view.session:
        session_summary(live_view(view.session))
    else:
        welcome()
models_line(in_use)
