"""Whether the camera's picture gets through: a connection that does not form, or is lost."""

from __future__ import annotations

import time
from typing import cast

import streamlit as st

from fer_core.live.session import LiveCamera
from fer_core.ui.live.webrtc import CameraView

LOOK_S = 2.0
"""How often a running camera is looked at."""

FORM_S = 10.0
"""A connection without a picture after so long will most likely never form."""

LOST_S = 5.0
"""A picture that stands still for so long is lost; so is a start that ends without one."""

AWAY_S = 3 * LOOK_S
"""Who has not looked for so long was on another page, which ends the camera."""


class ConnectionWatch:
    """Follows one camera from start to start.

    ``problem`` is ``""``, ``no_connection`` (no picture ever came) or ``connection_lost``. It
    stays after the stop, until the next start.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._running = False
        self._session: LiveCamera | None = None
        self._frames = 0
        self._since_s = self._looked_s = 0.0

    def look(self, running: bool, session: LiveCamera | None, now_s: float) -> str:
        """Look at the camera at ``now_s`` (monotonic seconds), and say what is wrong."""
        if running and (not self._running or session is not self._session):
            self._session, self._frames, self._since_s, self.problem = session, 0, now_s, ""
        elif running or (self._running and now_s - self._looked_s < AWAY_S):
            self._judge(running, now_s)
        self._running, self._looked_s = running, now_s
        return self.problem

    def _judge(self, running: bool, now_s: float) -> None:
        """While it runs, and once more when it has stopped: by the user, or by itself."""
        if self._session is None or self._session.error:
            return  # frames do come, and the page says what is wrong with them
        stats = self._session.stats()
        frames = stats.processed + stats.dropped
        if frames != self._frames:
            self._frames, self._since_s, self.problem = frames, now_s, ""
            return
        silent_s = now_s - self._since_s
        # Who presses Stop while the picture moves has had frames since the last look.
        if frames and silent_s >= (LOST_S if running else LOOK_S):
            self.problem = "connection_lost"
        elif not frames and silent_s >= (FORM_S if running else LOST_S):
            self.problem = "no_connection"


def connection_problem(key: str, view: CameraView) -> str:
    """What ``ConnectionWatch`` says of this camera now; it is kept in the browser session."""
    watch = cast(
        "ConnectionWatch", st.session_state.setdefault(f"{key}:connection", ConnectionWatch())
    )
    if view.timed_out:
        watch.problem = "no_connection"
    return watch.look(view.running, view.session, time.monotonic())
