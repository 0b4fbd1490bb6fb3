"""Tests of the report: self-contained, correct, and safe with any text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from fer_core.export import report
from fer_core.export.report import html_report
from fer_core.export.text_summary import summary_text
from fer_core.timeline.events import METHOD
from fer_core.timeline.summary import key_figures, summarize
from fer_core.timeline.table import Timeline
from tests.sessions import HandMark, bump, moving_session, session

TABLE = session({1: bump(3.0), 2: bump(7.0)})
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`&"


class Seen(HTMLParser):
    """The elements of a page, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._raw = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._raw = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._raw = False

    def handle_data(self, data):
        if not self._raw:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page() -> str:
    marks = [HandMark(4.0, "question", "asked twice")]
    return html_report(TABLE, "Interview 3", {"Kind": "video"}, {2: "Ada"}, marks)


def test_what_is_in_it(page):
    seen = Seen(page)
    for words in ("Interview 3", "Kind", "video", "Face 1", "Ada", "question", "asked twice"):
        assert words in seen.text
    assert "An expression is not an inner state" in seen.text
    assert METHOD in re.sub(r"\s+", " ", seen.text)
    assert "0:07.0" in seen.text, "the time of the second face's peak"


def test_the_charts_are_in_it(page):
    figures = [json.loads(chart["data-figure"] or "") for chart in Seen(page).named("figure")]
    assert len(figures) == 4, "a course and a circumplex for each face"
    assert [len(figure["data"]) > 7 for figure in figures] == [True, False, True, False]


def test_movements_are_in_it_where_they_were_measured(page):
    assert "action units stay below" not in Seen(page).text
    table = moving_session({"jawOpen": bump(3.0)})
    seen = Seen(html_report(table, "Interview 4", {}))
    assert "16 of 17 action units stay below 15%. Derived from the movements" in seen.text
    labels = [figure["aria-label"] or "" for figure in seen.named("figure")]
    assert "AU26 jaw drop 90% at 0:03.0" in labels[1]


def test_plotly_is_in_it_once_and_nothing_is_fetched(page):
    seen = Seen(page)
    assert len(seen.named("script")) == 2
    assert all("src" not in script for script in seen.named("script"))
    assert page.count("plotly.js v") == 1
    assert not seen.named("link") + seen.named("img") + seen.named("iframe")
    [policy] = [m["content"] for m in seen.named("meta") if "http-equiv" in m]
    assert policy
    assert "default-src 'none'" in policy
    # Outside of plotly.js itself, no address at all.
    assert "http" not in max(re.split(r"<script>.*?</script>", page, flags=re.S), key=len).replace(
        "http-equiv", ""
    )


def test_texts_from_outside_are_no_markup():
    clean = Seen(html_report(TABLE, "t", {"f": "v"}, {1: "n"}, [HandMark(1.0, "l", "n")]))
    page = html_report(
        TABLE, HOSTILE, {HOSTILE: HOSTILE}, {1: HOSTILE}, [HandMark(1.0, HOSTILE, HOSTILE)]
    )
    seen = Seen(page)
    assert [tag for tag, _ in seen.tags] == [tag for tag, _ in clean.tags]
    assert seen.text.count(HOSTILE) >= 5
    for chart in seen.named("figure"):
        figure = chart["data-figure"] or ""
        assert "<script" not in figure
        assert "<img" not in figure


def test_labels_from_outside_are_no_markup_either():
    table = session({1: bump(3.0)}, labels=(HOSTILE, "awake"))
    seen = Seen(html_report(table, "t", {}))
    assert len(seen.named("script")) == 2
    assert not seen.named("img")
    assert len(seen.named("figure")) == 1, "no circumplex for a network without valence"


def test_nobody_was_seen():
    nobody = session({1: bump(3.0)}, gone=lambda t_s: True)
    for table in (nobody, Timeline().to_frame()):
        page = html_report(table, "empty", {})
        assert "No face was seen" in page
        assert "<script" not in page
        assert len(page) < 20_000


def titles_of(page: str) -> list[str]:
    """Of all columns with numbers."""
    return re.findall(r'<th class="number">(.*?)</th>', page)


def test_a_single_frame_has_numbers_and_nothing_over_time():
    page = html_report(moving_session({"jawOpen": bump(0.0)}, 0.1), "one", {})
    [figure] = Seen(page).named("figure")
    places, _ = json.loads(figure["data-figure"] or "")["data"]
    assert places["marker"]["showscale"] is False
    expressions, units = ["mean share", "largest share"], ["visible", "mean", "largest"]
    assert titles_of(page) == [*expressions, *units]
    assert page.count('<td class="number">20%</td>') == 2, "happy, in each column"
    shown = words_of(page)
    assert "In the picture1 frame" in shown
    for words in ("Switches", "0:00.0", "Detected events", "smoothed", "ribbon"):
        assert words not in shown


def test_of_a_face_seen_in_the_last_frame_only_it_is_told_when():
    table = TABLE[(TABLE["track_id"] == 1) | (TABLE["t_s"] == 9.9)]
    first, second = html_report(table, "late", {}).split("<section>")[1:]
    assert titles_of(first) == ["share of time", "mean share", "largest share", "at"]
    assert titles_of(second)[:3] == ["mean share", "largest share", "at"]
    assert second.count('<td class="number">0:09.9</td>') == 7


def test_of_a_crowd_those_seen_longest_are_shown(monkeypatch):
    monkeypatch.setattr(report, "MOST_FACES", 2)
    crowd = session({i: lambda t_s: 0.2 for i in range(1, 5)}, 3)
    assert len(Seen(html_report(crowd, "crowd", {})).named("section")) == 2


def test_how_long_a_face_could_not_be_read_well():
    table = session({1: lambda t_s: 0.9})
    assert "Hard to read" not in Seen(html_report(table, "unmeasured", {})).text
    dark = (table["t_s"] < 2.5).to_numpy()
    table["problems"] = np.where(dark, "dark", np.where(table["t_s"] < 5.0, "dark small", ""))
    table.loc[table["t_s"] >= 7.5, "problems"] = pd.NA
    [face] = summarize(table)
    assert face.poor_share == pytest.approx(5.0 / 7.5, abs=0.02)
    assert list(face.problems) == ["dark", "small"]
    assert face.problems["small"] == pytest.approx(2.5 / 7.5, abs=0.02)
    assert key_figures(face)["Hard to read"] == "67%"
    page = Seen(html_report(table, "poor", {})).text
    assert "too dark to read well 67%; too small to read well 33%." in page
    assert "too small to read well 33%" in summary_text(table)


def words_of(page: str) -> str:
    return " ".join(Seen(page).text.split())


def test_more_faces_than_are_drawn(monkeypatch):
    monkeypatch.setattr(report, "MOST_FACES", 2)  # charts of twelve faces take seconds
    crowd = session({number: bump(3.0) for number in range(1, 5)}, seconds=2.0)
    page = html_report(crowd, "crowd", {})
    assert len(Seen(page).named("section")) == 2
    sentence = "The 2 faces seen longest are shown; 2 more were seen."
    assert sentence in words_of(page)
    crowd = crowd[crowd["track_id"] != 4]
    sentence = "The 2 faces seen longest are shown; 1 more was seen."
    assert sentence in words_of(html_report(crowd, "crowd", {}))
    assert "seen longest" not in words_of(html_report(TABLE, "two", {}))


def test_the_key_figures():
    [face] = summarize(session({1: lambda t_s: 0.9 if t_s < 6 else 0.1}))
    assert key_figures(face) == {
        "Most of the time": "happy 61%",
        "Longest run": "happy 6.0 s",
        "Switches": "1",
        "In the picture": "9.9 s",
        "Mean valence · arousal": key_figures(face)["Mean valence · arousal"],
    }
