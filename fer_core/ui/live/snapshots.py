"""Live without WebRTC: snapshots of the camera over the page's own connection.

Where a firewall lets no video through, the page itself still gets through, and with it a few
pictures a second (snapshots.js). They go to the same ``LiveCamera`` as a video's frames do, so that
everything beside the picture is the same.
"""

from __future__ import annotations

import base64
import binascii
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.errors import FerError, PictureError, PictureTooLarge, UnreadablePicture
from fer_core.export.draw import annotate
from fer_core.live.session import LiveCamera
from fer_core.media.decoder_pool import decode_apart
from fer_core.ui.live.camera_problem import SENTENCES
from fer_core.ui.live.options import source_changed
from fer_core.ui.live.webrtc import CameraView, Marks
from fer_core.ui.shared.bounds import bounded

MOST_BASE64 = 600_000
"""Characters of a snapshot; snapshots.js sends about 60,000."""

MOST_SIDE = 1280
"""Pixels of its longer side; snapshots.js sends at most 640."""

_MOST_MEGAPIXELS = math.ceil(MOST_SIDE**2 / 1e6)

MOST_WHOLE = 2**53
"""The largest whole number that JavaScript can count to."""

MOST_T_S = 31 * 24 * 3600.0
"""A month: no session lasts longer."""

RESULT_S = 0.5
"""How long a snapshot waits for its result, so that the marks are drawn into the right picture."""

IDLE_S = 600.0
"""A session without a snapshot for so long is over: a closed tab does not say that it is, and one
that is hidden sends none. Its place among the cameras it gives up much sooner."""

AGAIN = (
    "This tab was hidden for more than ten minutes, so this is a new session. The one before is in "
    "the history if it was being saved."
)

QUALITY = 80

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "fer_snapshots",
    html="""
    <div class="fer-snapshots">
      <div class="fer-picture-frame">
        <div class="fer-hint">Snapshots of your camera appear here.</div>
        <video muted playsinline hidden></video>
        <img hidden decoding="sync" alt="The newest snapshot of your camera, with faces marked">
      </div>
      <div class="fer-bar">
        <button type="button" aria-pressed="false" disabled>Start</button>
        <span class="fer-note" role="status"></span>
      </div>
    </div>
    """,
    css="".join(
        (_HERE / name).read_text("utf-8") for name in ("picture_frame.css", "snapshots.css")
    ),
    js=(_HERE / "snapshots.js").read_text("utf-8"),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One picture: ``bgr`` ``(height, width, 3)`` uint8, and ``t_s`` seconds since the start of
    ``run``, which is the time of the start in ms since 1970. ``number`` counts from 1."""

    run: int
    number: int
    t_s: float
    bgr: NDArray[np.uint8]


def read_snapshot(sent: Any) -> Snapshot:
    """What a browser sent. Raises ``PictureError``: it may be anything."""
    try:
        run, number = (bounded(sent[name], 1, MOST_WHOLE) for name in ("run", "number"))
        t_s, text = bounded(sent["t_s"], 0.0, MOST_T_S), sent["jpeg"]
    except (TypeError, KeyError) as error:
        raise _unreadable() from error
    if run is None or number is None or t_s is None or not isinstance(text, str):
        raise _unreadable()
    return Snapshot(int(run), int(number), t_s, _decode(text))


def _decode(text: str) -> NDArray[np.uint8]:
    if len(text) > MOST_BASE64:
        raise _too_large()
    try:
        data = base64.b64decode(text, validate=True)
        bgr = decode_apart(data, max_megapixels=_MOST_MEGAPIXELS, formats=("JPEG",)).bgr
    except PictureTooLarge as error:
        raise _too_large() from error
    except (binascii.Error, PictureError, ValueError) as error:
        raise _unreadable() from error
    if max(bgr.shape) > MOST_SIDE:
        raise _too_large()
    return bgr


def _unreadable() -> UnreadablePicture:
    return UnreadablePicture("A snapshot of the camera could not be read. Press Stop, then Start.")


def _too_large() -> PictureTooLarge:
    return PictureTooLarge(
        f"A snapshot of the camera has more than {MOST_SIDE} pixels a side. Press Stop, then Start."
    )


class SnapshotCamera:
    """The snapshots of one browser session.

    ``session`` is the run's, or the last run's; ``answered`` is the number of the last snapshot,
    ``picture`` that one with its marks as base64 of a JPEG, and ``problem`` a sentence about it.
    """

    def __init__(self) -> None:
        self.run = 0
        self.session: LiveCamera | None = None
        self.answered = 0
        self.picture = ""
        self.problem = ""
        self._lasting = ""
        self._heard_s = 0.0

    @property
    def running(self) -> bool:
        """Whether the user pressed Start and not yet Stop."""
        return self.run != 0

    def turn(self, run: int, new_session: Callable[[], LiveCamera]) -> bool:
        """Follow the browser into another run (0: stopped); whether it was another."""
        if run == self.run:
            return False
        if self.session is not None:
            self.session.stop()
        self.run, self.answered, self.picture, self.problem = run, 0, "", ""
        self._lasting = ""
        if run:
            self._begin(new_session)
        return True

    def take(self, sent: Any, marks: Marks, new_session: Callable[[], LiveCamera]) -> None:
        """Hand a snapshot over, wait a little for its result, and mark it. Never raises."""
        try:
            snapshot = read_snapshot(sent)
        except FerError as error:
            self.problem = str(error)
            # Answered all the same, by one more than the last: the browser would wait for good.
            self.answered += 1
            return
        if snapshot.run != self.run or self.session is None:
            return  # sent before the stop, arrived after it
        if self.session.stopped:
            self._begin(new_session)
            self._lasting = AGAIN
        self._heard_s = time.monotonic()
        self.session.submit(snapshot.bgr, snapshot.t_s)
        self.picture = _marked(self.session, snapshot, marks)
        self.answered, self.problem = snapshot.number, self._lasting

    def _begin(self, new_session: Callable[[], LiveCamera]) -> None:
        self.session = new_session()
        self._heard_s = time.monotonic()
        self._watch(self.session)

    def _watch(self, session: LiveCamera) -> None:
        """Stop the session when the browser has gone silent; until then, look again."""
        left_s = IDLE_S - (time.monotonic() - self._heard_s)
        if session.stopped:
            return
        if left_s <= 0:
            session.stop()
            return
        timer = threading.Timer(left_s, self._watch, (session,))
        timer.daemon = True
        timer.start()


def _marked(session: LiveCamera, snapshot: Snapshot, marks: Marks) -> str:
    """The snapshot as base64 of a JPEG, with the marks of its own result if that comes in time."""
    deadline_s = time.monotonic() + RESULT_S
    while (latest := session.latest) is None or latest.t_s < snapshot.t_s:
        if session.error or session.stopped or time.monotonic() > deadline_s:
            return _jpeg(snapshot.bgr)
        time.sleep(0.005)
    return _jpeg(annotate(snapshot.bgr, latest, marks.landmarks, marks.pose))


def _jpeg(bgr: NDArray[np.uint8]) -> str:
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return base64.b64encode(data.tobytes()).decode()


def snapshot_camera(key: str, new_session: Callable[[], LiveCamera], marks: Marks) -> CameraView:
    """Render the camera with its Start and Stop buttons, as ``webrtc.camera`` does with a video.

    A snapshot reruns this part of the page alone, a start or a stop all of it.
    """
    name = f"{key}:snapshots"
    camera = cast("SnapshotCamera", st.session_state.setdefault(name, SnapshotCamera()))
    _exchange(key, camera, new_session, marks)
    return CameraView(camera.running, camera.session)


@st.fragment
def _exchange(
    key: str, camera: SnapshotCamera, new_session: Callable[[], LiveCamera], marks: Marks
) -> None:
    def take() -> None:
        sent = st.session_state[key].get("snapshot")
        if sent is not None:
            camera.take(sent, marks, new_session)

    result = _component(
        key=key,
        data={
            "run": camera.run,
            "answered": camera.answered,
            "picture": camera.picture,
            "problem": camera.problem,
            "sentences": SENTENCES,
        },
        on_run_change=lambda: None,
        on_snapshot_change=take,
    )
    if camera.turn(_run(result.get("run")), new_session) or source_changed():
        st.rerun()


def _run(value: Any) -> int:
    """The run the browser is in; whatever else it may send is none."""
    return int(bounded(value, 0, MOST_WHOLE) or 0)
