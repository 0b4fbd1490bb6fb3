"""No camera? A video plays as the camera: the clip that comes with the project, or an upload.

The clip is decoded here and not in the browser, so that any file plays that the Video page takes.
Its pictures go to the browser as ``playback_pictures`` says.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import cast

import cv2
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer_core.errors import VideoError
from fer_core.jobs.copies import VideoCopies, delete_played, videos_folder
from fer_core.live.playback import Playback
from fer_core.live.session import LiveCamera
from fer_core.media.names import printable
from fer_core.media.video import read_frame
from fer_core.paths import SAMPLE_CLIP
from fer_core.settings import settings
from fer_core.ui.live.options import SOURCE
from fer_core.ui.live.playback_pictures import QUALITY, Screen
from fer_core.ui.live.webrtc import CameraView, Marks
from fer_core.ui.patches.clicks import navigations
from fer_core.ui.shared.upload_problem import upload_problem
from fer_core.ui.shared.widgets import plain

SOURCES = {"camera": "Camera", "video": "A video"}

_UNASKED = "live_source_unasked"
"""What an address that asks for neither stands for."""

_FOLLOWED = "live_source_followed"
"""How many times the widget was made for an address."""

_NAVIGATED = "live_source_navigated"
"""How many times the browser had gone back or forward when the address was last followed."""

LONGEST_TITLE = 24
"""The largest number of characters of a button with the name of a file."""

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "fer_playback",
    html="""
    <div class="fer-playback fer-picture-frame">
      <div>Press Start to play your video.</div>
      <img decoding="sync" alt="The first picture of the video">
      <canvas role="img" aria-label="The video, with faces marked" hidden></canvas>
    </div>
    """,
    css="".join(
        (_HERE / name).read_text("utf-8") for name in ("picture_frame.css", "playback.css")
    ),
    js=(_HERE / "playback.js").read_text("utf-8"),
)


class PlaybackCamera:
    """The playbacks of one browser session.

    ``screen`` is that of the one that runs, or of the last; ``problem`` a sentence about it.
    """

    def __init__(self) -> None:
        self.screen: Screen | None = None
        self.problem = ""

    @property
    def running(self) -> bool:
        """Whether a clip plays."""
        return self.screen is not None and self.screen.playback.running

    def start(
        self,
        upload: UploadedFile | None,
        loop: bool,
        marks: Marks,
        new_session: Callable[[], LiveCamera],
    ) -> None:
        """Play an upload, or without one the clip that comes with the project. Never raises."""
        self.stop()
        self.problem = ""
        try:
            playback = _playback(upload, new_session(), loop)
        except VideoError as error:
            self.problem = str(error)
            return
        self.screen = Screen(playback, marks)
        playback.start()

    def stop(self) -> None:
        """End what plays, if anything does."""
        if self.screen is not None:
            self.screen.playback.stop()


def _playback(upload: UploadedFile | None, session: LiveCamera, loop: bool) -> Playback:
    """Raises ``VideoError``."""
    if upload is None:
        return Playback(SAMPLE_CLIP, session, loop=loop)
    upload.seek(0)
    path = VideoCopies(videos_folder()).add_played(upload.name, upload)
    try:
        return Playback(path, session, loop=loop, ended=partial(delete_played, path))
    except BaseException:
        delete_played(path)
        raise


def source_choice(key: str) -> bool:
    """The widget that chooses between camera and video; whether it is the video of ``key``.

    ``?source=video`` in the page's address chooses it beforehand. An address that asks for neither
    stands for what was chosen last when the page was opened.
    """
    _follow_address(key)
    source = st.segmented_control(
        "Source",
        SOURCES,
        default=st.session_state[SOURCE],
        required=True,
        format_func=SOURCES.__getitem__,
        key=_source_key(),
        on_change=_choose,
        args=(key,),
        label_visibility="collapsed",
    )
    return bool(source == "video")


def _follow_address(key: str) -> None:
    """Choose what the address asks for, where it is another: when the page is opened, and when the
    browser goes back or forward. (Streamlit's ``bind`` would write the label into the address.)
    """
    state, run = st.session_state, get_script_run_ctx()
    is_opened, navigated = _source_key() not in state, navigations()
    if not is_opened and navigated == state[_NAVIGATED]:
        return
    state[_NAVIGATED] = navigated
    before = state.get(SOURCE, "camera")
    if is_opened and not (run and run.is_history_navigation):
        state[_UNASKED] = before
    asked = st.query_params.get("source", state.get(_UNASKED))
    state[SOURCE] = "video" if asked == "video" else "camera"
    if state[SOURCE] != before:
        _playback_camera(key).stop()
    # Another widget: a value that Python gives to one that is there is lost when a fragment that
    # runs by itself comes in between.
    state[_FOLLOWED] = state.get(_FOLLOWED, 0) + 1


def _source_key() -> str:
    return f"live_source_{st.session_state.get(_FOLLOWED, 0)}"


def _choose(key: str) -> None:
    """End what plays, or it would hold its camera slot until it notices that nobody watches."""
    chosen = st.session_state[_source_key()]
    if chosen == st.session_state[SOURCE]:
        return  # a new widget tells its default, and another address would be the end of Forward
    _playback_camera(key).stop()
    st.session_state[SOURCE] = st.query_params["source"] = chosen


def _playback_camera(key: str) -> PlaybackCamera:
    return cast("PlaybackCamera", st.session_state.setdefault(f"{key}:playback", PlaybackCamera()))


def playback_camera(key: str, new_session: Callable[[], LiveCamera], marks: Marks) -> CameraView:
    """Render the video with its Start and Stop buttons, as ``webrtc.camera`` does with a camera."""
    camera = _playback_camera(key)
    stage = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        _buttons(key, camera, new_session, marks)
    with stage:
        _component(
            key=key,
            data={
                "token": camera.screen.token if camera.screen and camera.running else "",
                "poster": "" if _upload(key) else _poster(),
            },
            # A clip that has ended by itself runs the page again.
            on_ended_change=lambda: None,
        )
    playback = camera.screen.playback if camera.screen else None
    problem = camera.problem or (playback.problem if playback else "")
    if problem:
        st.error(plain(problem), icon=":material/movie_off:")
    return CameraView(camera.running, playback.session if playback else None)


def _buttons(
    key: str, camera: PlaybackCamera, new_session: Callable[[], LiveCamera], marks: Marks
) -> None:
    if camera.running:
        st.button("Stop", icon=":material/stop:", key=f"{key}_stop", on_click=camera.stop)
    else:
        st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            key=f"{key}_start",
            on_click=_start,
            args=(key, camera, marks, new_session),
        )
    upload = _upload(key)
    title = printable(upload.name) if upload else "Sample video"
    title = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
    with st.popover(plain(title), icon=":material/movie:", help="Play another video"):
        st.file_uploader(
            "A video of your own",
            type=None,  # what a file is, its content tells
            max_upload_size=settings().max_video_mb,
            key=f"{key}_file",
            disabled=camera.running,
            help="It plays in the camera's place. The copy is deleted when it stops.",
        )
        upload_problem()
        st.caption("If you choose none, an included clip of a drawn face plays.")
    st.toggle(
        "Loop",
        value=True,
        key=f"{key}_loop",
        on_change=_set_loop,
        args=(key, camera),
        persist_state="session",
    )


def _start(
    key: str, camera: PlaybackCamera, marks: Marks, new_session: Callable[[], LiveCamera]
) -> None:
    # What is chosen at the click: the page may not have been drawn anew since.
    camera.start(_upload(key), st.session_state[f"{key}_loop"], marks, new_session)


def _upload(key: str) -> UploadedFile | None:
    return cast("UploadedFile | None", st.session_state.get(f"{key}_file"))


def _set_loop(key: str, camera: PlaybackCamera) -> None:
    if camera.screen is not None:
        camera.screen.playback.loop = st.session_state[f"{key}_loop"]


@cache
def _poster() -> str:
    """The first picture of the clip that comes with the project, as an address."""
    bgr = read_frame(SAMPLE_CLIP, 0.0)
    assert bgr is not None
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
