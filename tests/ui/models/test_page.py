"""The models page and the line about the models under AppTest, in every state of the weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.models.emotion import custom
from fer_core.models.registry import MODELS
from fer_core.models.weights import files
from fer_core.models.weights.files import State
from fer_core.paths import ROOT
from fer_core.ui.shared.widgets import plain
from tests.downloads import WeightsServer, isolate, use, weights_server
from tests.graphs import own_network_graph
from tests.waiting import until

FETCHED = ("yunet", "deepface")


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with weights_server() as server:
        yield server


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "downloaded"
    isolate(monkeypatch, folder)
    return folder


def come(monkeypatch: pytest.MonkeyPatch, server: WeightsServer, how: str) -> None:
    """Let both files come from the server in this way."""
    for key in FETCHED:
        use(monkeypatch, key, server.url(key, how))


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "models.py"), default_timeout=30)


def captions(page: AppTest) -> str:
    return "\n".join(caption.value for caption in page.caption)


def paths(page: AppTest) -> list[str]:
    """Where the files lie that are here."""
    return [each.help for each in page.caption if each.value.endswith("Installed")]


def texts(page: AppTest) -> str:
    return "\n".join(markdown.value for markdown in page.markdown)


def all_done() -> bool:
    return all(files.status(MODELS[key]).state is not State.DOWNLOADING for key in FETCHED)


def test_everything_about_each_model(page, server, monkeypatch):
    come(monkeypatch, server, "good")
    page.run()
    assert not page.exception
    words = texts(page) + captions(page)
    for word in ("YuNet", "Scout", "Haar cascade", "Face network", "DeepFace", "Compact"):
        assert f"#### {word}" in words
    for fact in (
        "Apache-2.0",
        "Intel",
        "MIT",
        "opencv_zoo",
        "serengil/deepface",
        "0.2%",
        "57.4%",
    ):
        assert fact in words
    assert words.count("**Accuracy**") == words.count(" MB") == 6
    assert words.count("Built in") == 5  # of the cards, and why the landmark network is in use
    assert "feel" not in words


def test_here(page, server, monkeypatch):
    come(monkeypatch, server, "good")
    page.run()
    until(all_done)
    page.run()
    assert not page.exception
    assert plain(files.find(MODELS["yunet"])) in paths(page)
    assert len(paths(page)) == 2
    assert "In use now: **YuNet**. Installed." in captions(page)
    assert "In use now: **DeepFace**. Installed." in captions(page)
    assert texts(page).count("in use]") == 3
    assert [button.label for button in page.button] == ["Use Compact"]
    assert not page.warning


@pytest.mark.parametrize("name", ["models", "photo"])
def test_compact_is_offered_where_deepface_was_taken(server, monkeypatch, name):
    come(monkeypatch, server, "good")
    page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=30)
    page.session_state["detector"] = "haar"
    page.run()
    until(all_done)
    page.run()
    offered = f"DeepFace: {MODELS['deepface'].measured}.  \nCompact: {MODELS['compact'].measured}."
    assert offered in captions(page)
    page.button(key="use_compact").click().run()
    assert not page.exception
    used = {"models": "**Compact**. Chosen by you.", "photo": "Compact reads expressions"}[name]
    assert used in captions(page)
    assert offered not in captions(page)
    assert page.session_state["emotion_model"] == "compact"


def test_what_was_taken_on_another_page_can_be_given_back(page, server, monkeypatch):
    come(monkeypatch, server, "good")
    page.session_state["emotion_model"] = "compact"
    page.run()
    assert "In use now: **Compact**. Chosen by you." in captions(page)
    assert page.radio(key="emotion_model").value == "compact"
    page.radio(key="emotion_model").set_value("auto").run()
    until(all_done)
    page.run()
    assert not page.exception
    assert not page.warning
    assert [button.label for button in page.button] == ["Use Compact"]


def test_what_was_asked_for_by_name_is_not_put_in_question(page, server, monkeypatch):
    come(monkeypatch, server, "good")
    monkeypatch.setenv("FER_EMOTION", "deepface")
    page.run()
    until(all_done)
    page.run()
    assert "In use now: **DeepFace**. Chosen by you." in captions(page)
    assert not page.button


def test_downloading_does_not_block(page, server, monkeypatch):
    come(monkeypatch, server, "slow")
    page.run()  # while half of the file is still to come
    assert not page.exception
    until(lambda: all(files.status(MODELS[key]).fraction > 0 for key in FETCHED))
    page.run()
    for bar in page.get("progress"):
        assert 20 < bar.value < 80
        assert re.fullmatch(r"Fetching the weights: \d\d%", bar.text)
    assert len(page.get("progress")) == 2
    assert not page.button
    assert "In use now: **Scout**. YuNet's weights are still downloading." in captions(page)
    server.go_on.set()
    until(all_done)
    page.run()
    assert not page.get("progress")
    assert "In use now: **YuNet**" in captions(page)


def test_failed_and_tried_again(page, server, monkeypatch):
    come(monkeypatch, server, "missing")
    page.run()
    until(all_done)
    page.run()
    assert not page.exception
    assert [warning.value for warning in page.warning] == [
        files.status(MODELS[key]).sentence for key in FETCHED
    ]
    assert "In use now: **Compact**. DeepFace's weights could not be fetched." in captions(page)
    assert [button.label for button in page.button] == ["Try again", "Try again"]
    asked = len(server.requests)
    page.run()
    assert len(server.requests) == asked
    come(monkeypatch, server, "good")
    page.run()  # the button fetches what its row said when it was drawn
    page.button(key="fetch_deepface").click().run()
    until(all_done)
    page.run()
    assert "In use now: **DeepFace**. Installed." in captions(page)
    assert [button.key for button in page.button] == ["fetch_yunet", "use_compact"]


def test_missing_is_only_fetched_when_wanted(page, server, monkeypatch):
    come(monkeypatch, server, "good")
    monkeypatch.setenv("FER_DETECTOR", "haar")
    monkeypatch.setenv("FER_EMOTION", "compact")
    page.run()
    assert server.requests == []
    assert captions(page).count("Not installed") == 2
    assert [button.label for button in page.button] == ["Fetch the weights"] * 2
    page.button(key="fetch_yunet").click().run()
    until(all_done)
    page.run()
    assert len(paths(page)) == 1
    assert "In use now: **Haar cascade**. Chosen by you." in captions(page)


def test_a_corrupt_file_of_the_user_s_cannot_be_fetched(page, tmp_path, monkeypatch):
    file = use(monkeypatch, "yunet")
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    (tmp_path / file.file_name).write_bytes(b"damaged")
    page.run()
    assert not page.exception
    assert str(tmp_path / file.file_name) in page.warning[0].value
    assert "fetch_yunet" not in [button.key for button in page.button]


def test_choosing(page, server, monkeypatch):
    come(monkeypatch, server, "good")
    page.run()
    assert [radio.value for radio in page.radio] == ["auto", "auto"]
    page.radio(key="detector").set_value("haar").run()
    page.radio(key="emotion_model").set_value("compact").run()
    assert "In use now: **Haar cascade**. Chosen by you." in captions(page)
    assert "In use now: **Compact**. Chosen by you." in captions(page)


def test_choosing_what_cannot_be_had(page, server, monkeypatch):
    come(monkeypatch, server, "missing")
    page.run()
    page.radio(key="emotion_model").set_value("deepface").run()
    until(all_done)
    page.run()
    assert not page.exception
    assert "choose Automatic" in page.error[0].value
    assert "could not be fetched" in page.warning[1].value
    assert texts(page).count("in use]") == 2


def test_a_setting_that_names_nothing(page, monkeypatch):
    monkeypatch.setenv("FER_DETECTOR", "yolo")
    page.run()
    assert not page.exception
    assert not page.error
    assert page.radio(key="detector").value == "auto"


def test_the_line_on_other_pages(server, monkeypatch):
    come(monkeypatch, server, "good")

    def script() -> None:
        from fer_core.ui.shared.models import models_in_use, models_line

        in_use = models_in_use()
        models_line(in_use)
        assert in_use.analyzer.detector.name == in_use.detector.model.name

    page = AppTest.from_function(script, default_timeout=30)
    page.session_state["detector"] = "haar"
    page.run()
    until(all_done)
    page.run()
    assert not page.exception
    assert page.caption[0].value == "Haar cascade finds faces, DeepFace reads expressions"
    assert page.caption[0].help == "Haar cascade: Chosen by you.  \nDeepFace: Installed."


def test_a_model_that_cannot_be_had_ends_the_page_with_a_sentence(server, monkeypatch):
    come(monkeypatch, server, "missing")

    def script() -> None:
        import streamlit as st

        from fer_core.ui.shared.models import models_in_use

        models_in_use()
        st.write("not reached")

    page = AppTest.from_function(script, default_timeout=30)
    page.session_state["emotion_model"] = "deepface"
    page.run()
    until(all_done)
    page.run()
    assert not page.exception
    assert "could not be fetched" in page.error[0].value
    assert "(/models)" in texts(page)
    assert "not reached" not in texts(page)


def test_a_network_of_ones_own_can_be_chosen(page):
    folder = custom.OWN_NETWORKS / "tired"
    folder.mkdir(parents=True)
    (folder / custom.NETWORK).write_bytes(own_network_graph(("awake", "very *tired*")))
    page.run()
    assert "No report beside it" in texts(page)
    (folder / custom.REPORT).write_text(
        '{"classes": ["awake", "very *tired*"], "learned_from": 40, "n": 10, "accuracy": 0.9,'
        ' "recall": [1.0, 0.8]}'
    )
    page.radio(key="emotion_model").set_value("own/tired").run()
    assert not page.exception
    assert "In use now: **tired**. Chosen by you." in captions(page)
    assert "90% of 10 held-out faces" in texts(page)
    assert "Your own network · " in captions(page)
    assert r"very \*tired\*" in texts(page)
    assert page.dataframe[0].value["recognised"].tolist() == [1.0, 0.8]

    (folder / custom.NETWORK).unlink()  # removed while the page is open
    page.run()
    assert not page.exception
    assert page.radio(key="emotion_model").value == "auto"
