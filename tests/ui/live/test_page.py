"""The live page under AppTest, with a replaced camera function."""

from __future__ import annotations

import csv
import gc
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.history import LOCAL, history
from fer_core.labels import EMOTIONS, Emotion
from fer_core.live.frame_rate import FASTEST_FPS, FRAME_RATE
from fer_core.live.session import LiveCamera, LiveStats
from fer_core.paths import ROOT
from fer_core.schema import Box, Face, FrameResult
from fer_core.timeline.table import table_csv
from fer_core.ui import services
from fer_core.ui.live import webrtc
from fer_core.ui.live.page import BUSY_FPS, BUSY_UPDATE_S, UPDATE_S, speed_line
from fer_core.ui.live.webrtc import CameraView
from fer_core.ui.shared import models
from tests.sessions import moving
from tests.waiting import until


class Silent:
    """No frame is submitted in these tests: the timelines are filled by hand."""

    labels: tuple[str, ...] = EMOTIONS

    def update(self, frame_bgr, t_s):
        raise AssertionError("nothing to analyse")


def session(seconds: float = 0.0, faces: int = 1, emotion: Emotion = Emotion.HAPPY) -> LiveCamera:
    shares = tuple(0.7 if each is emotion else 0.05 for each in EMOTIONS)
    camera = LiveCamera(Silent())
    for number in range(round(seconds * 10)):
        seen = tuple(
            Face(
                Box(10 + 50 * i, 10, 40, 40),
                0.9,
                probabilities=shares,
                raw_probabilities=shares,
                track_id=i,
            )
            for i in range(1, faces + 1)
        )
        camera.timeline.append(FrameResult(640, 480, seen, "m", "d", t_s=number / 10))
    return camera


@pytest.fixture
def show(monkeypatch) -> Callable[[CameraView], AppTest]:
    def run(view: CameraView) -> AppTest:
        monkeypatch.setattr(webrtc, "camera", lambda key, new_session, marks: view)
        page = AppTest.from_file(str(ROOT / "pages" / "live.py"), default_timeout=60).run()
        assert not page.exception
        return page

    return run


def components(page: AppTest) -> list[str]:
    return [element.proto.component_name for element in page.main.get("bidi_component")]


def test_before_the_start(show):
    page = show(CameraView(running=False, session=None))
    assert any("Press Start" in each.value for each in page.markdown)
    assert any("never stored" in each.value for each in page.caption)
    assert not page.subheader
    assert not page.error
    assert components(page) == ["fer_camera_pace", "fer_camera_problem", "fer_live_stage"]


def test_the_engines_in_use_are_named(show):
    page = show(CameraView(running=False, session=None))
    assert any("Scout" in caption.value and "Compact" in caption.value for caption in page.caption)


def test_what_is_loaded_is_no_longer_looked_through_for_garbage(show, monkeypatch):
    """Else each update of the page stops every thread for 150 ms: see ``_spare_the_collector``."""
    models._spare_the_collector.clear()
    gc.unfreeze()
    show(CameraView(running=False, session=None))
    frozen = gc.get_freeze_count()
    try:
        assert frozen > 50_000
        monkeypatch.setattr(gc, "freeze", lambda: pytest.fail("once is enough"))
        show(CameraView(running=False, session=None))
    finally:
        gc.unfreeze()


def test_while_connecting(show):
    page = show(CameraView(running=True, session=session()))
    assert "Waiting for the first picture" in page.info[0].value


def test_while_it_runs(show):
    page = show(CameraView(running=True, session=session(seconds=3)))
    assert any("frames a second" in caption.value for caption in page.caption)
    assert components(page)[-2:] == ["fer_live_stage", "fer_live_chart"]
    assert not page.subheader


def sent(page: AppTest) -> dict[str, Any]:
    """The data that the charts have got."""
    [charts] = [
        each
        for each in page.main.get("bidi_component")
        if each.proto.component_name == "fer_live_chart"
    ]
    data: dict[str, Any] = json.loads(charts.proto.json or charts.proto.mixed.json)
    return data


def test_the_last_minute_is_drawn_as_the_user_chooses(show):
    page = show(CameraView(running=True, session=session(seconds=3, faces=2)))
    assert sent(page)["style"] == "ribbon"
    assert [face["title"] for face in sent(page)["faces"]] == ["Face 1", "Face 2"]
    page.button_group(key="live_style").set_value("multiples").run()
    assert sent(page)["style"] == "multiples"
    assert all(face["affect"] is None for face in sent(page)["faces"])
    page.toggle(key="live_affect").set_value(True).run()
    assert all(face["affect"] for face in sent(page)["faces"])


def test_the_face_diagram_is_drawn_on_demand(show):
    camera = session(seconds=3)
    still = Face(Box(60, 10, 40, 40), 0.9, probabilities=(0.0,) * 6 + (1.0,), track_id=1)
    for number in range(30, 50):
        seen = (moving(still, {"jawOpen": 0.6}),)
        camera.timeline.append(FrameResult(640, 480, seen, "m", "d", t_s=number / 10))
    page = show(CameraView(running=True, session=camera))
    assert sent(page)["faces"][0]["movements"] is None
    assert sent(page)["note"] == ""
    page.toggle(key="live_movements").set_value(True).run()
    assert sent(page)["faces"][0]["movements"]["units"][0]["name"] == "AU26 jaw drop"
    assert "not coded by a FACS coder" in sent(page)["note"]


def test_a_face_that_comes_while_the_charts_are_drawn_is_offered_too(show, monkeypatch):
    camera, both = session(seconds=3), session(seconds=3, faces=2)
    before = camera.timeline.to_frame
    asked: list[float] = []

    def to_frame(last_s: float):
        asked.append(last_s)
        return before(last_s=last_s) if len(asked) == 1 else both.timeline.to_frame(last_s=last_s)

    monkeypatch.setattr(camera.timeline, "to_frame", to_frame)
    page = show(CameraView(running=True, session=camera))
    assert [each.label for each in page.checkbox] == ["Face 1", "Face 2"]


def test_faces_get_names_that_last_into_the_summary(show):
    camera = session(seconds=5, faces=2)
    page = show(CameraView(running=True, session=camera))
    page.text_input(key="live_name_2").set_value("Ada").run()
    assert not page.exception
    view = page.session_state["live_view"]
    assert (view.name(1), view.name(2)) == ("Face 1", "Ada")
    page.checkbox(key="live_show_1").uncheck().run()
    assert view.hidden == {1}


def put_latest(
    camera: LiveCamera, emotion: Emotion, start_s: float, seconds: float, fps: float = 10.0
) -> None:
    """Let the worker's last result be at the end of these frames."""
    for number in range(round(seconds * fps)):
        shares = tuple(0.7 if each is emotion else 0.05 for each in EMOTIONS)
        face = Face(
            *(Box(10, 10, 40, 40), 0.9),
            probabilities=shares,
            raw_probabilities=shares,
            track_id=1,
        )
        result = FrameResult(640, 480, (face,), "m", "d", t_s=start_s + number / fps)
        camera.timeline.append(result)
        camera._latest = result


def put_empty(camera: LiveCamera, t_s: float) -> None:
    """Let the worker's last result have no face."""
    result = FrameResult(640, 480, (), "m", "d", t_s=t_s)
    camera.timeline.append(result)
    camera._latest = result


def progress(page: AppTest) -> list[str]:
    return [element.proto.text for element in page.get("progress")]


def rest_begun(show: Callable[[CameraView], AppTest], camera: LiveCamera) -> AppTest:
    """The page of a camera that has seen a face for 2 s, once the button is pressed."""
    put_latest(camera, Emotion.SAD, 0.0, 2.0)
    page = show(CameraView(running=True, session=camera))
    return page.button(key="live_rest").click().run()


@pytest.mark.parametrize(("fps", "told"), [(10.0, "80%"), (2.0, "50%")])
def test_the_rest_of_a_face_is_measured_and_forgotten(show, fps, told):
    """Two seconds are not enough at any frame rate, six are, however slow the machine is."""
    camera = LiveCamera(Silent())
    page = rest_begun(show, camera)
    assert "Rest your face and look" in progress(page)[0]
    put_latest(camera, Emotion.SAD, 2.0, 2.0, fps)
    page.run()
    assert told in progress(page)[0]
    put_latest(camera, Emotion.SAD, 4.0, 4.0, fps)
    page.run()
    assert not page.exception
    assert progress(page) == []
    view = page.session_state["live_view"]
    assert max(view.rests[1].shares) == pytest.approx(0.69, abs=0.01)
    page.button(key="live_forget_rest").click().run()
    assert not view.rests


def test_a_face_that_looks_away_is_waited_for(show):
    camera = LiveCamera(Silent())
    page = rest_begun(show, camera)
    put_latest(camera, Emotion.SAD, 2.0, 2.0)
    for t_s in (5.0, 7.0, 9.0):
        put_empty(camera, t_s)
        page.run()
        assert "80%" in progress(page)[0]
    put_latest(camera, Emotion.SAD, 10.0, 1.0)
    page.run()
    assert not page.warning
    assert page.session_state["live_view"].rests


def test_a_rest_without_a_face_is_given_up_with_a_sentence(show):
    camera = LiveCamera(Silent())
    page = rest_begun(show, camera)
    put_empty(camera, 16.0)
    page.run()
    assert progress(page)
    assert not page.warning
    put_empty(camera, 17.0)
    page.run()
    assert progress(page) == []
    assert "try again" in page.warning[0].value
    assert not page.session_state["live_view"].rests


def test_a_machine_that_is_too_slow_says_so(show, monkeypatch):
    camera = session(seconds=3)
    slow = replace(camera.stats(), skipped_share=0.63)
    monkeypatch.setattr(camera, "stats", lambda: slow)
    page = show(CameraView(running=True, session=camera))
    assert any("63% of the camera's frames are skipped" in each.value for each in page.caption)


def test_nobody_in_the_picture(show):
    page = show(CameraView(running=True, session=session(seconds=3, faces=0)))
    assert sent(page)["nobody"]
    assert sent(page)["faces"] == []


def test_an_error_of_the_analysis_is_shown(show):
    camera = session(seconds=3)
    camera.report(RuntimeError("no memory"))
    page = show(CameraView(running=True, session=camera))
    assert "no memory" in page.warning[0].value


def test_after_the_stop(show):
    page = show(CameraView(running=False, session=session(seconds=5)))
    assert page.subheader[0].value == "Last session"
    assert {metric.label: metric.value for metric in page.metric} == {
        "Most of the time": "happy 100%",
        "Longest run": "happy 4.9 s",
        "Switches": "0",
        "In the picture": "4.9 s",
        "Mean valence · arousal": page.metric[4].value,
    }
    assert any(each.key.endswith("_course") for each in page.main.get("bidi_component"))
    assert len(page.dataframe[-1].value) == 50
    assert not page.selectbox


def test_the_face_can_be_chosen(show):
    page = show(CameraView(running=False, session=session(seconds=5, faces=2)))
    [choice] = page.selectbox
    assert len(choice.options) == 2
    choice.select_index(1).run()
    assert not page.exception
    assert page.selectbox[0].value == 2


def test_a_session_without_a_face(show):
    page = show(CameraView(running=False, session=session(seconds=5, faces=0)))
    assert any("No face was seen" in info.value for info in page.info)
    assert not page.metric


def test_all_values_as_csv(show):
    camera = session(seconds=2)
    page = show(CameraView(running=False, session=camera))
    [button] = page.main.get("download_button")
    assert button.label == "All values (CSV)"
    rows = list(csv.DictReader(io.StringIO(table_csv(camera.timeline.to_frame()).decode())))
    assert len(rows) == 20
    assert {row["dominant"] for row in rows} == {"happy"}


def with_a_latest(camera: LiveCamera) -> LiveCamera:
    """As if the last frame of its timeline had just come from the camera."""
    camera._latest = FrameResult(640, 480, (), "m", "d", t_s=99.0)
    return camera


def test_nothing_is_kept_unless_asked(show):
    show(CameraView(running=False, session=with_a_latest(session(seconds=2))))
    assert history().sessions(LOCAL) == []


def test_a_finished_session_is_kept_whole_and_leaves_again(show):
    page = show(CameraView(running=False, session=with_a_latest(session(seconds=2, faces=2))))
    page.toggle(key="live_keep").set_value(True).run()
    assert not page.exception
    [kept] = history().sessions(LOCAL)
    assert (kept.kind, kept.frames, kept.faces) == ("live", 20, 2)
    page.run()  # a click elsewhere does not keep it twice
    assert len(history().sessions(LOCAL)) == 1
    page.toggle(key="live_keep").set_value(False).run()
    assert not page.exception
    assert history().sessions(LOCAL) == []


def test_a_running_session_is_kept_from_its_first_frame_on(show):
    camera = with_a_latest(session(seconds=2))
    page = show(CameraView(running=True, session=camera))
    page.toggle(key="live_keep").set_value(True).run()
    camera.stop()
    [kept] = history().sessions(LOCAL)
    until(lambda: history().session(kept.id, LOCAL).finished)
    assert history().session(kept.id, LOCAL).frames == 20


def test_a_session_that_was_deleted_on_the_history_page_says_so_and_can_be_saved_anew(show):
    camera = with_a_latest(session(seconds=2))
    camera.stop()
    page = show(CameraView(running=False, session=camera))
    page.toggle(key="live_keep").set_value(True).run()
    [kept] = history().sessions(LOCAL)
    history().delete([kept.id], LOCAL)
    page.run()
    assert ["was deleted from the history" in each.value for each in page.warning] == [True]
    history().restore([kept.id], LOCAL)
    assert not page.run().warning
    history().delete([kept.id], LOCAL)
    page.toggle(key="live_keep").set_value(False).run()
    assert not page.warning
    page.toggle(key="live_keep").set_value(True).run()
    assert not page.warning
    assert [each.frames for each in history().sessions(LOCAL)] == [20]


def test_what_is_saved_here_is_tidied_although_no_other_page_was_opened(show, monkeypatch):
    started = []
    monkeypatch.setattr(services, "start_housekeeping", lambda: started.append(True))
    page = show(CameraView(running=False, session=with_a_latest(session(seconds=2))))
    assert not started
    page.toggle(key="live_keep").set_value(True).run()
    assert started


def test_moments_are_marked_once_and_saved_with_the_session(show):
    camera = session()
    put_latest(camera, Emotion.HAPPY, 0.0, 2.0)
    page = show(CameraView(running=True, session=camera))
    page.button(key="live_moment").click().run()
    page.button(key="live_moment").click().run()  # the same frame again
    page.toggle(key="live_keep").set_value(True).run()
    put_latest(camera, Emotion.HAPPY, 2.0, 1.0)
    page.button(key="live_moment").click().run()
    assert not page.exception
    assert sent(page)["moments_s"] == [1.9, 2.9]
    [kept] = history().sessions(LOCAL)
    marks = [(mark.t_s, mark.label) for mark in history().marks(kept.id, LOCAL)]
    assert marks == [(1.9, "Moment 1"), (2.9, "Moment 2")]


def test_the_moments_of_a_session_that_is_not_saved_are_in_its_summary(show, monkeypatch):
    camera = session()
    put_latest(camera, Emotion.HAPPY, 0.0, 3.0)
    page = show(CameraView(running=True, session=camera))
    page.button(key="live_moment").click().run()
    stopped = CameraView(running=False, session=camera)
    monkeypatch.setattr(webrtc, "camera", lambda key, new_session, marks: stopped)
    page.run()
    assert not page.exception
    assert page.subheader[0].value == "Last session"
    assert any("Moment 1" in each.value for each in page.markdown)
    assert not any("Press Start" in each.value for each in page.markdown)


def test_a_moment_that_is_removed_leaves_the_summary_and_the_history(show, monkeypatch):
    camera = session()
    put_latest(camera, Emotion.HAPPY, 0.0, 2.0)
    page = show(CameraView(running=True, session=camera))
    page.button(key="live_moment").click().run()
    page.toggle(key="live_keep").set_value(True).run()
    put_latest(camera, Emotion.HAPPY, 2.0, 1.0)
    page.button(key="live_moment").click().run()
    stopped = CameraView(running=False, session=camera)
    monkeypatch.setattr(webrtc, "camera", lambda key, new_session, marks: stopped)
    page.run()
    page.button(key=f"session_{id(camera)}_remove_1").click().run()
    assert not page.exception
    [kept] = history().sessions(LOCAL)
    assert [mark.label for mark in history().marks(kept.id, LOCAL)] == ["Moment 2"]
    page.button(key=f"session_{id(camera)}_remove_2").click().run()
    assert history().marks(kept.id, LOCAL) == []


def test_a_history_that_is_away_is_a_sentence_and_the_picture_goes_on(show, monkeypatch):
    page = show(CameraView(running=True, session=with_a_latest(session(seconds=2))))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    page.toggle(key="live_keep").set_value(True).run()
    assert not page.exception
    assert "cannot be used" in page.warning[0].value
    assert "fer_live_chart" in components(page)


def test_a_connection_that_failed_has_a_sentence_and_a_way_on(show):
    page = show(CameraView(running=False, session=None, timed_out=True))
    assert "no connection was made" in page.error[0].value
    assert any("Use photos instead" in each.value for each in page.markdown)


def test_the_line_about_speed():
    assert speed_line(LiveStats(0, 0, 0.0, None, None)) == "0.0 frames a second · 0 frames analysed"
    line = speed_line(LiveStats(312, 4, 14.83, 22.6, 41.2))
    assert re.fullmatch(
        r"14\.8 frames a second · latency 23 ms \(95% within 41 ms\) · 312 frames analysed", line
    )


@pytest.mark.parametrize(
    ("cameras", "sentence"),
    [
        (4, "4 cameras share this computer: 9 frames a second for each camera."),
        (1, "This computer is busy: 9 frames a second for each camera."),
    ],
)
def test_a_computer_that_is_shared_says_so(show, monkeypatch, cameras, sentence):
    monkeypatch.setattr(FRAME_RATE, "_fps", 9.2)
    monkeypatch.setattr(FRAME_RATE, "_cameras", cameras)
    page = show(CameraView(running=True, session=session(seconds=3)))
    assert any(sentence in each.value for each in page.caption)


def test_on_a_busy_computer_the_charts_are_drawn_less_often(show, monkeypatch):
    monkeypatch.setattr(FRAME_RATE, "_fps", FASTEST_FPS)  # whatever this one had to do before
    page = show(CameraView(running=True, session=session(seconds=3)))
    assert page.session_state["live_update_s"] == UPDATE_S
    for fps, update_s in (
        (BUSY_FPS - 1, BUSY_UPDATE_S),
        (BUSY_FPS + 1, BUSY_UPDATE_S),
        (FASTEST_FPS - 1, BUSY_UPDATE_S),
        (FASTEST_FPS, UPDATE_S),
        (BUSY_FPS + 1, UPDATE_S),
    ):
        monkeypatch.setattr(FRAME_RATE, "_fps", fps)
        page.run()
        assert not page.exception
        assert page.session_state["live_update_s"] == update_s
