"""The live page: charts while the camera runs, and what the session came to afterwards."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.live.frame_rate import FASTEST_FPS, FRAME_RATE
from fer_core.live.session import LiveStats
from fer_core.live.slots import CameraSlots, UserSlots
from fer_core.server.auth.mode import AuthMode
from fer_core.settings import settings
from fer_core.timeline.spreadsheet import BOM
from fer_core.timeline.table import table_csv
from fer_core.ui.auth import auth_mode
from fer_core.ui.live.charts import Style, live_charts
from fer_core.ui.live.face_numbers import WINDOW_S, long_enough
from fer_core.ui.live.options import affect_wanted, movements_wanted, source_changed
from fer_core.ui.live.save import save_live, save_problem, watch_saved
from fer_core.ui.live.view_state import LiveView, faces_popover, rest_controls
from fer_core.ui.services import owner
from fer_core.ui.shared.readable_only import readable_only, readable_switch
from fer_core.ui.shared.timeline_view import timeline_view
from fer_core.ui.shared.widgets import plain
from fer_core.wording import count_of

UPDATE_S, BUSY_UPDATE_S = 0.4, 1.0
"""How often the live charts are drawn anew; and on a busy computer, where a page's charts would
cost as much as its camera."""

BUSY_FPS = 15.0
"""A computer whose cameras are slower is busy, until they are as fast again as they can be."""

SLOWED_FPS = 25.0
"""A camera that is slower than this is said to be."""

SKIPPED_SHARE = 0.4
"""A machine that skips more than this part of the camera's frames is too slow for the camera."""

_STYLE = "live_style"

_STYLES: dict[Style, str] = {
    "ribbon": "Ribbon",
    "lines": "Lines",
    "multiples": "Small multiples",
}


@st.cache_resource(show_spinner=False)
def camera_slots() -> CameraSlots:
    """The slots for live cameras, which all sessions of this server share."""
    return CameraSlots(settings().max_streams)


def my_slots() -> CameraSlots | UserSlots:
    """These places, as this visitor may take them.

    Only an account is one person: behind one password, or open to all, everybody would share the
    few places of one user.
    """
    if auth_mode() is not AuthMode.SIGN_IN:
        return camera_slots()
    return camera_slots().of(owner(), settings().max_user_streams)


def live_panel(view: LiveView) -> None:
    """The live charts of a running session, a line on how the machine keeps up, and the tools.

    Only the charts are drawn by the clock. The tools' widgets rarely change, and to draw them as
    often cost the browser a tenth more.
    """
    update_s = next_update_s(st.session_state.get("live_update_s", UPDATE_S))
    st.session_state["live_update_s"] = update_s
    measuring = view.resting_since_s is not None
    tracks = _tracks(_last_minute(view))
    charts = st.container()
    # The tools first: what goes wrong with them is said above the charts.
    with st.container(key="live_tools"):
        if tracks is not None:
            st.fragment(_tools, run_every=UPDATE_S if measuring else None)(view, tracks, measuring)
    with charts:
        st.fragment(_panel, run_every=update_s)(view, update_s, tracks)


def next_update_s(update_s: float) -> float:
    """How often to draw the charts from now on, after every ``update_s``."""
    if FRAME_RATE.fps < BUSY_FPS:
        return BUSY_UPDATE_S
    return UPDATE_S if FRAME_RATE.fps >= FASTEST_FPS else update_s


def _last_minute(view: LiveView) -> pd.DataFrame:
    return view.session.timeline.to_frame(last_s=WINDOW_S)


def _tracks(window: pd.DataFrame) -> list[int] | None:
    """The faces that can be named; None before the first picture."""
    return None if window.empty else long_enough(window)


def _panel(view: LiveView, update_s: float, offered: list[int] | None) -> None:
    """``offered``: the faces that the tools of the page offer."""
    window = _last_minute(view)
    outdated = _tracks(window) != offered or source_changed()
    if outdated or next_update_s(update_s) != update_s:
        st.rerun()  # the whole page: a fragment cannot change how often it runs, nor another one
    session = view.session
    # Always the same containers, so that what comes and goes in one does not move the others.
    status, charts = st.container(), st.container()
    if error := session.error:
        status.warning(plain(error), icon=":material/warning:")
    if not_saved := save_problem(view):
        status.warning(plain(not_saved), icon=":material/database:")
    if view.problem:
        status.warning(plain(view.problem), icon=":material/person_search:")
    if window.empty:
        if not error:
            status.info("Waiting for the first picture…", icon=":material/hourglass_top:")
        return
    with charts:
        live_charts(
            window,
            view,
            "live_charts",
            st.session_state.get(_STYLE, "ribbon"),
            affect=affect_wanted(),
            movements=movements_wanted(),
        )
    with st.container(key="live_speed"):
        st.caption(speed_line(session.stats(), FRAME_RATE.cameras, FRAME_RATE.fps))


def _tools(view: LiveView, tracks: list[int], measuring: bool) -> None:
    """The row of widgets below the charts; ``measuring`` is whether it runs by the clock, because a
    rest is being measured."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "The last minute as",
            list(_STYLES),
            format_func=lambda style: _STYLES[style],
            default="ribbon",
            required=True,
            key=_STYLE,
            label_visibility="collapsed",
            persist_state="session",
        )
        faces_popover(view, tracks)
        st.button(
            "Mark",
            key="live_moment",
            icon=":material/flag:",
            help="Mark this moment (M). After Stop it can be removed again.",
            on_click=view.mark_moment,
        )
        rest_controls(view)
        save_live(view)
        st.button(
            "Present",
            key="live_present",
            icon=":material/fullscreen:",
            help="Fill the screen, for a talk. Esc leaves.",
        )
    if (view.resting_since_s is not None) != measuring:
        st.rerun()  # the whole page, for the same reason


def welcome() -> None:
    """What there will be to see, before the camera is started."""
    with st.container(key="live_welcome"):
        st.markdown(
            "**Press Start to see** how a neural network reads the faces in the picture.\n\n"
            ":material/bar_chart: **Now**: the share of each expression, and how sure the network "
            "is\n\n"
            ":material/show_chart: **The last minute**: every change, down to a few per cent\n\n"
            ":material/groups: **Several faces** at once, each under the name you give it"
        )
        st.caption(
            ":material/shield_lock: Pictures are analysed as they arrive and never stored. Numbers "
            "are saved only if you switch that on."
        )


def speed_line(stats: LiveStats, cameras: int = 1, pace_fps: float = FASTEST_FPS) -> str:
    """``14.8 frames a second · latency 23 ms (95% within 41 ms) · 312 frames analysed``, and what
    a computer that is too slow for its ``cameras`` leaves out of each, at ``pace_fps``."""
    parts = [f"{stats.fps:.1f} frames a second"]
    if stats.latency_median_ms is not None:
        parts.append(
            f"latency {stats.latency_median_ms:.0f} ms (95% within {stats.latency_p95_ms:.0f} ms)"
        )
    parts.append(f"{count_of(stats.processed, 'frame')} analysed")
    line = " · ".join(parts)
    if stats.skipped_share > SKIPPED_SHARE:
        line += (
            f"  \n:material/speed: This computer is busy: {stats.skipped_share:.0%} of the "
            "camera's frames are skipped, for every live session alike."
        )
    elif pace_fps < SLOWED_FPS:
        whose = f"{cameras} cameras share this computer" if cameras > 1 else "This computer is busy"
        line += f"  \n:material/speed: {whose}: {pace_fps:.0f} frames a second for each camera."
    return line


def session_summary(view: LiveView) -> None:
    """What a finished session showed: its timeline, with all values as a file."""
    whole = view.session.timeline.to_frame()
    st.subheader("Last session")
    save_live(view)
    if problem := save_problem(view):
        st.warning(plain(problem), icon=":material/database:")
    # A key of its own for each session: what was chosen in the one before does not stay.
    key = f"session_{id(view.session)}"
    table = readable_only(whole, key)
    timeline_view(
        table,
        key=key,
        names=view.names,
        marks=view.marks(),
        on_remove_mark=view.remove_moment,
    )
    readable_switch(whole, key)
    st.download_button(
        "All values (CSV)",
        data=lambda: BOM + table_csv(table),
        file_name="session.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    watch_saved(view)
