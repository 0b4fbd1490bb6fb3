"""The photo page under AppTest: real detector, real network."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from fer_core.analysis.analyzer import Analyzer
from fer_core.models.emotion import custom
from fer_core.paths import ROOT
from fer_core.schema import Box
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel
from fer_core.ui.photo import outcomes
from fer_core.ui.photo.inputs import Picture, unique_names
from fer_core.ui.photo.show import MOST_OPEN
from fer_core.ui.shared.widgets import plain
from tests.conftest import SAMPLE
from tests.graphs import own_network_graph


class Named:
    """An analyzer of two models of these names."""

    def __init__(self, detector: str = "fake-detector", emotion: str = "fake-emotion") -> None:
        self.analyzer = Analyzer(FakeDetector(), FakeEmotionModel(), None)
        self.analyzer.detector.name, self.analyzer.emotion.name = detector, emotion


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=60)


def png(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.run()
    page.file_uploader[0].set_value([(name, data, "image/png") for name, data in files])
    return page.run()


def html(page: AppTest) -> str:
    return "".join(each.proto.body for each in page.main.get("html"))


def readings(page: AppTest) -> list[str]:
    """What the page says of each face, in a line."""
    lines = re.findall(r'<p class="fer-reading.*?</p>', html(page))
    return [re.sub("<.*?>", "", line) for line in lines]


def test_an_empty_page_says_what_to_do(page):
    page.run()
    assert not page.exception
    assert "Add one or more pictures" in html(page)
    assert readings(page) == []


def test_pictures_stay_without_marks_once_they_are_switched_off(page):
    page.run()
    page.toggle(key="photo_sample").set_value(True).run()
    page.toggle(key="photo_marks").set_value(False).run()
    page.toggle(key="photo_sample").set_value(False).run()
    page.toggle(key="photo_sample").set_value(True).run()
    assert page.toggle(key="photo_marks").value is False


def test_pictures_are_gone_when_the_page_is_left(page):
    page.run()
    page.toggle(key="photo_sample").set_value(True).run()
    assert page.session_state["photo_outcomes"]
    left = AppTest.from_string(
        "from fer_core.ui.uploads import forget_other_pages; forget_other_pages('about')"
    )
    left.session_state["photo_outcomes"] = page.session_state["photo_outcomes"]
    left.run()
    assert "photo_outcomes" not in left.session_state


def test_the_sample_is_one_click_away(page):
    page.run()
    page.toggle(key="photo_sample").set_value(True).run()
    assert not page.exception
    [reading] = readings(page)
    assert re.fullmatch(r"happy \d+%", reading)
    [table] = page.dataframe
    assert list(table.value["dominant"]) == ["happy"]


def test_many_pictures_one_broken(page):
    data = SAMPLE.read_bytes()
    upload(page, ("a.jpg", data), ("b.jpg", data[:4000]), ("c.jpg", b""), ("a.jpg", data))
    assert not page.exception
    assert len(page.error) == 2
    assert "damaged" in page.error[0].value
    assert "empty" in page.error[1].value
    assert list(page.dataframe[0].value["file"]) == ["a.jpg", "a (2).jpg"]


def test_a_picture_without_a_face(page):
    upload(page, ("grey.png", png(np.full((200, 300, 3), 128, np.uint8))))
    assert not page.exception
    assert any("No face was found" in info.value for info in page.info)
    assert not page.dataframe


def test_what_a_picture_is_its_content_tells(page):
    """Streamlit would refuse endings that are not in a list."""
    data = SAMPLE.read_bytes()
    out = io.BytesIO()
    Image.open(SAMPLE).save(out, "AVIF")
    upload(page, ("a.jfif", data), ("b.mpo", data), ("c.avif", out.getvalue()), ("d", data))
    assert not page.exception
    assert not page.error
    assert list(page.dataframe[0].value["dominant"]) == ["happy"] * 4
    assert not page.file_uploader[0].proto.type


def test_a_picture_without_its_last_bytes_has_a_note(page):
    upload(page, ("a.jpg", SAMPLE.read_bytes()[:-2]))
    assert any("last bytes of this file are missing" in info.value for info in page.info)
    assert len(readings(page)) == 1


def test_an_animation_whose_first_frame_is_empty_says_where_there_is_more(page, astronaut):
    empty, face = Image.new("RGB", (512, 512)), Image.fromarray(astronaut[:, :, ::-1])
    out = io.BytesIO()
    empty.save(out, "GIF", save_all=True, append_images=[face])
    upload(page, ("a.gif", out.getvalue()))
    assert any("No face was found" in info.value for info in page.info)
    assert any("The Video page" in info.value for info in page.info)


def test_what_one_picture_makes_a_library_raise_is_its_error_alone(page, monkeypatch):
    def fail(*_):
        raise RuntimeError("odd")

    data = SAMPLE.read_bytes()
    upload(page, ("a.jpg", data))
    monkeypatch.setattr("fer_core.analysis.analyzer.Analyzer.analyze", fail)
    upload(page, ("a.jpg", data), ("b.jpg", data))
    assert not page.exception
    assert ["could not be analysed" in error.value for error in page.error] == [True]
    assert list(page.dataframe[0].value["file"]) == ["a.jpg"]


def test_a_group_has_a_reading_for_each_face(page, astronaut):
    group = np.hstack([astronaut, astronaut])[:, :, ::-1]
    upload(page, ("group.png", png(group)))
    assert not page.exception
    assert [line.split()[:3] for line in readings(page)] == [
        ["Face", "1", "happy"],
        ["Face", "2", "happy"],
    ]


def test_a_face_keeps_the_number_it_has_in_the_picture_when_others_are_left_out(
    page, masked_and_bare
):
    upload(page, ("two.png", masked_and_bare))
    every = page.dataframe[0].value
    assert list(every["face"]) == [1, 2]
    page.toggle(key="photo_readable").set_value(True).run()
    assert not page.exception
    assert page.dataframe[0].value.to_dict("records") == every[1:].to_dict("records")


def test_many_faces_are_all_there_and_counted(page, astronaut):
    """A hundred charts took ten seconds; as HTML they are a page that is drawn at once."""
    small = astronaut[::2, ::2]
    crowd = np.tile(small, (4, 5, 1))[:, :, ::-1]
    upload(page, ("crowd.png", png(crowd)))
    assert not page.exception
    faces = len(page.dataframe[0].value)
    assert faces > MOST_OPEN
    summary, *each = readings(page)
    assert summary == f"{faces} faces"
    assert len(each) == faces
    assert f"{faces - MOST_OPEN} smaller faces" in html(page)


def test_where_no_face_was_found_the_page_says_how_small_one_may_be(page):
    upload(page, ("grey.png", png(np.full((200, 300), 128, np.uint8))))
    assert any(
        "300 x 200 pixels, a face must be at least 24 pixels high" in i.value for i in page.info
    )


def test_a_rerun_does_not_repeat_the_work(page, monkeypatch):
    upload(page, ("a.jpg", SAMPLE.read_bytes()))
    monkeypatch.setattr(
        "fer_core.analysis.analyzer.Analyzer.analyze", lambda *_: pytest.fail("repeated")
    )
    page.run()
    assert not page.exception
    assert len(readings(page)) == 1


@pytest.mark.parametrize("boxes", [1, 2, 6])
def test_how_a_face_moves_is_drawn(boxes):
    page = shown(FakeLandmarkModel(movements={"jawOpen": 0.6}), boxes)
    [diagrams] = page.main.get("bidi_component")
    faces = json.loads(diagrams.proto.json)["faces"]
    assert len(faces) == boxes
    assert faces[-1]["title"] == ("" if boxes == 1 else f"Face {boxes}")
    assert {face["units"][0]["name"] for face in faces} == {"AU26 jaw drop"}
    assert page.expander[0].proto.expanded is (boxes == 1)


def test_a_network_that_measures_no_movements_draws_none():
    page = shown(FakeLandmarkModel(), 1)
    assert not page.expander
    assert not page.main.get("bidi_component")


def shown(landmarks: FakeLandmarkModel, boxes: int) -> AppTest:
    """A picture with so many faces, as the page shows it."""

    def script(analyzer, picture):
        from fer_core.ui.photo.outcomes import analyze_picture
        from fer_core.ui.photo.show import show_outcome

        show_outcome(analyze_picture(analyzer, picture), picture, landmarks=False)

    detector = FakeDetector([Box(10 + 80 * i, 10, 60, 70) for i in range(boxes)])
    page = AppTest.from_function(
        script,
        default_timeout=60,
        kwargs={
            "analyzer": Analyzer(detector, FakeEmotionModel(), landmarks),
            "picture": Picture("a.jpg", SAMPLE.read_bytes()),
        },
    ).run()
    assert not page.exception
    return page


@pytest.mark.parametrize("other", [Named("other-detector"), Named(emotion="other-emotion")])
def test_another_model_analyses_the_same_picture_anew(other):
    def script(analyzer, picture):
        import streamlit as st

        from fer_core.ui.photo.outcomes import analyze_all

        result = analyze_all(analyzer, [picture])[picture.name].result
        assert result is not None
        st.text(f"{result.detector} {result.model}")

    arguments = {"analyzer": Named().analyzer, "picture": Picture("a.jpg", SAMPLE.read_bytes())}
    page = AppTest.from_function(script, default_timeout=60, kwargs=arguments).run()
    assert page.text[0].value == "fake-detector fake-emotion"
    arguments["analyzer"] = other.analyzer
    page.run()
    assert not page.exception
    assert page.text[0].value == f"{other.analyzer.detector.name} {other.analyzer.emotion.name}"


class Leaving(FakeDetector):
    """A detector during whose twentieth tile the user leaves the page."""

    seen = 0

    def detect(self, bgr):
        if self.seen == 0:  # in the page's own thread
            context = get_script_run_ctx()
            assert context is not None
            assert context.script_requests is not None
            self.requests = context.script_requests
        self.seen += 1
        if self.seen == 20:
            self.requests.request_stop()
        return []


def test_a_large_picture_shows_the_search_which_ends_with_the_page(monkeypatch):
    def script(analyzer, picture):
        from fer_core.ui.photo.outcomes import analyze_all

        analyze_all(analyzer, [picture])

    monkeypatch.setattr(outcomes, "LARGE_PIXELS", 1_000_000)
    detector = Leaving()
    arguments = {
        "analyzer": Analyzer(detector, FakeEmotionModel(), None),
        "picture": Picture("a.png", png(np.zeros((3000, 3000), np.uint8))),
    }
    page = AppTest.from_function(script, default_timeout=60, kwargs=arguments).run()
    [bar] = page.main.get("progress")
    assert bar.proto.text == "Searching this large picture"
    assert 20 <= detector.seen < 30  # of 50


def test_the_models_in_use_are_named(page):
    page.run()
    words = " ".join(item.value for item in [*page.caption, *page.markdown]).lower()
    assert "compact" in words
    assert "scout" in words or "yunet" in words


def test_names_are_unique_and_harmless():
    names = unique_names(dict.fromkeys("123", "a.b.jpg"), {})
    assert names == {"1": "a.b.jpg", "2": "a.b (2).jpg", "3": "a.b (3).jpg"}
    later = unique_names(dict.fromkeys("423", "a.b.jpg"), names)
    assert later == {"4": "a.b.jpg", "2": "a.b (2).jpg", "3": "a.b (3).jpg"}
    assert plain("[x](javascript:1)_*") == r"\[x\]\(javascript\:1\)\_\*"


@pytest.mark.parametrize(
    "text",
    [
        "could not be fetched (127.0.0.1: answered 404).",
        "face_detection_2023mar.onnx",
        "57.4% - x",
    ],
)
def test_what_is_no_markdown_stays_as_it_is(text):
    assert plain(text) == text


def test_own_classes_are_texts(page, monkeypatch):
    (custom.OWN_NETWORKS / "tired").mkdir(parents=True)
    graph = own_network_graph(("[a](http://x)", "**b**"))
    (custom.OWN_NETWORKS / "tired" / custom.NETWORK).write_bytes(graph)
    monkeypatch.setenv("FER_EMOTION", "own/tired")
    page.run()
    page.toggle(key="photo_sample").set_value(True).run()
    assert not page.exception
    assert "[a](http://x)" in html(page)  # where it is no link
    assert "**b**" in html(page)


def test_a_network_with_other_expressions(page, monkeypatch):
    (custom.OWN_NETWORKS / "tired").mkdir(parents=True)
    graph = own_network_graph(("awake", "tired"))
    (custom.OWN_NETWORKS / "tired" / custom.NETWORK).write_bytes(graph)
    monkeypatch.setenv("FER_EMOTION", "own/tired")
    page.run()
    page.toggle(key="photo_sample").set_value(True).run()
    assert not page.exception
    [table] = page.dataframe
    assert {"awake", "tired"} <= set(table.value.columns)
    assert "happy" not in table.value.columns
    assert len(readings(page)) == 1
