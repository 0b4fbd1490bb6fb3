"""Tests of the overview: its links, the analysed sample, and the last saved sessions."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.analysis.analyzer import Analyzer
from fer_core.history import history
from fer_core.labels import COLORS, EMOTIONS, Emotion
from fer_core.media.images import read_picture
from fer_core.models.registry import MODELS
from fer_core.paths import ROOT, SAMPLE
from fer_core.settings import settings
from tests.ui.history.test_page import keep, results


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("FER_DETECTOR", "haar")
    monkeypatch.setenv("FER_EMOTION", "compact")
    return AppTest.from_file(str(ROOT / "pages" / "overview.py"), default_timeout=60)


def html(page: AppTest) -> str:
    return "".join(each.proto.body for each in page.main.get("html"))


def test_the_ways_in(page):
    page.run()
    assert not page.exception
    links = " ".join(each.value for each in page.markdown)
    for address in ("/live?source=camera", "/live?source=video", "/photo", "/video", "/models"):
        assert f"({address})" in links


def test_the_sample_is_read_by_the_models_in_use(page):
    page.run()
    [face] = Analyzer("haar", "compact").analyze(read_picture(SAMPLE)).faces
    assert face.dominant == "happy"
    assert f"<strong>happy</strong> {100 * face.confidence:.0f}%" in html(page)
    smile = f"AU12 lip corner puller {100 * face.action_units['AU12']:.0f}%"
    assert f"Movements: {smile}" in html(page)
    assert 'src="data:image/jpeg;base64,' in html(page)
    [line] = [each.value for each in page.caption if "finds faces" in each.value]
    assert MODELS["haar"].measured in line
    assert MODELS["compact"].measured in line


def test_the_sample_is_read_once_for_all(page, monkeypatch):
    page.run()
    monkeypatch.setattr(
        "fer_core.analysis.analyzer.Analyzer.analyze", lambda *_: pytest.fail("repeated")
    )
    page.run()
    assert not page.exception


def test_where_nothing_was_saved_looking_makes_no_database(page):
    page.run()
    assert "Nothing is saved yet" in html(page)
    assert not settings().data_dir.exists()


def test_what_was_saved_last(page):
    store = history()
    for name in ("old glad", "sad one", "<b>glad</b>", "glad two", "glad three"):
        keep(store, name)
    page.run()
    assert not page.exception
    found = re.findall(r'<span class="fer-session">(.*?)</span>', html(page))
    assert found == ["glad three", "glad two", "&lt;b&gt;glad&lt;/b&gt;", "sad one"]
    lines = re.findall(r"<li><span class=.fer-session.*?</li>", html(page))
    assert "sad 100%" in lines[3]
    assert lines[3].count(COLORS[Emotion.SAD].as_hex()) == 1
    assert "Live · " in lines[3]


def test_the_shares_of_a_session_are_of_its_time_not_of_its_frames(page):
    store = history()
    session_id = store.begin("live", "uneven", EMOTIONS, "compact", "haar")
    glad, sad = (results(emotion, 1)[0] for emotion in (Emotion.HAPPY, Emotion.SAD))
    store.append(session_id, [replace(glad, t_s=number / 25) for number in range(500)])
    store.append(session_id, [replace(sad, t_s=20 + number / 5) for number in range(101)])
    store.finish(session_id)
    page.run()
    assert not page.exception
    [shown] = re.findall(r"sad (\d+)%, happy (\d+)%", html(page))
    assert list(map(int, shown)) == pytest.approx([50, 50], abs=2)


def test_the_faces_of_a_photo_are_counted(page):
    store = history()
    session_id = store.begin("photo", "three", EMOTIONS, "compact", "haar")
    faces = [
        replace(results(emotion, 1)[0].faces[0], track_id=number)
        for number, emotion in enumerate((Emotion.HAPPY, Emotion.SAD, Emotion.HAPPY), start=1)
    ]
    store.append(session_id, [replace(results(Emotion.HAPPY, 1)[0], faces=tuple(faces))])
    store.finish(session_id)
    page.run()
    assert not page.exception
    assert "happy 67%, sad 33%" in html(page)
    ribbon = html(page).partition('class="fer-ribbon"')[2]
    assert re.findall(r"flex:(\d+)", ribbon) == ["2", "1"]


def test_a_history_that_cannot_be_had_takes_nothing_else_with_it(page, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    page.run()
    assert not page.exception
    assert "cannot be used" in page.error[0].value
    assert "happy" in html(page)
    assert any("finds faces" in each.value for each in page.caption)
