"""Tests of the basic figures: their data, and that they suit both themes."""

from __future__ import annotations

import pytest

from fer_core.export.charts.basic import (
    affect_figure,
    change_bars,
    expression_bars,
    share_bars,
    timeline_template,
)
from fer_core.labels import COLORS, EMOTIONS
from tests.sessions import SHARES
from tests.sessions import mixed_face as face
from tests.sessions import mixed_table as table

WINDOW_S = 60.0


def test_a_bar_for_each_expression_with_name_colour_and_percentage():
    [bars] = expression_bars(face()).data
    assert list(bars.y) == [str(emotion) for emotion in EMOTIONS]
    assert list(bars.x) == pytest.approx(SHARES)
    assert list(bars.marker.color) == [COLORS[emotion].as_hex() for emotion in EMOTIONS]
    assert list(bars.text) == ["2%", "3%", "5%", "70%", "10%", "4%", "6%"]
    assert bars.orientation == "h"


def test_the_percentage_of_a_full_bar_has_room_in_a_narrow_figure():
    """A column beside the picture is 170 pixels wide. "100%" takes 35 of them."""
    layout = share_bars({"happy": 1.0}).layout
    assert layout.xaxis.range == (0, 1), "a full bar ends where the margin begins"
    assert layout.margin.r >= 40


def test_own_classes_are_texts_and_not_links_or_numbers():
    labels = ("<a href='x'>a</a>", "1", "2026-11-26")
    bars = share_bars(dict.fromkeys(labels, 0.5))
    assert list(bars.data[0].y) == ["&lt;a href='x'&gt;a&lt;/a&gt;", "1", "2026-11-26"]
    assert bars.layout.yaxis.type == "category"
    lines = timeline_template(labels)
    assert [line.name for line in lines.data] == list(bars.data[0].y)


def test_the_shares_of_a_session_look_the_same():
    shares = dict(zip(map(str, EMOTIONS), SHARES, strict=True))
    assert share_bars(shares) == expression_bars(face())


@pytest.mark.parametrize(
    "figure",
    [
        expression_bars(face()),
        change_bars({"happy": 0.5, "sad": -0.5}),
        affect_figure(table(3)),
        timeline_template(),
    ],
)
def test_neither_theme_is_assumed(figure):
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None
    assert figure.layout.font.size >= 12


def test_a_line_for_each_expression_that_breaks_where_there_is_no_face():
    figure = timeline_template()
    assert [line.name for line in figure.data] == [str(emotion) for emotion in EMOTIONS]
    assert [line.line.color for line in figure.data] == [COLORS[e].as_hex() for e in EMOTIONS]
    assert not any(line.connectgaps for line in figure.data)
    assert "second" in figure.layout.xaxis.title.text


def test_the_circumplex_is_round():
    figure = affect_figure(table(3))
    assert figure.layout.yaxis.scaleanchor == "x"
    assert {note.text for note in figure.layout.annotations} == {
        *("pleasant", "unpleasant", "active", "calm"),
    }


def test_changes_go_both_ways():
    [bars] = change_bars({"happy": 0.25, "sad": -0.25}).data
    assert list(bars.text) == ["+25", "-25"]


def test_the_way_over_the_circumplex_ends_where_the_face_is_now():
    trail, now = affect_figure(table(3)).data
    assert len(trail.x) == 30
    assert (now.x[0], now.y[0]) == (trail.x[-1], trail.y[-1])
    assert now.x[0] == pytest.approx(face().valence)
