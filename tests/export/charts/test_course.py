"""Tests of the figure of a session: every track shows exactly the data of the table."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.export.charts.affect import affect_trail_figure
from fer_core.export.charts.axis import figure_json, format_time, ms, seconds
from fer_core.export.charts.compare import Course, compare_figure
from fer_core.export.charts.course import course_figure
from fer_core.export.charts.words import course_in_words
from fer_core.labels import COLORS, EMOTIONS, Emotion
from fer_core.timeline.events import find_events
from fer_core.timeline.summary import summarize
from tests.sessions import HandMark, bump, session

TABLE = session({1: bump(3.0), 2: bump(7.0)}, gone=lambda t_s: 5 <= t_s < 6)
OWN = session({1: bump(3.0)}, labels=("tired", "awake"))
HOSTILE = "</script><img src=x onerror=alert(1)><a href='http://evil.example'>x</a>"


def times_s(trace):
    return [None if x is None or np.isnan(x) else seconds(x) for x in trace.x]


def on(figure, axis):
    return [trace for trace in figure.data if (trace.yaxis or "y") == axis]


def test_a_line_for_each_expression_that_breaks_where_nobody_was_seen():
    lines = on(course_figure(TABLE, 1), "y")[:7]
    assert [line.name for line in lines] == list(map(str, EMOTIONS))
    assert [line.line.color for line in lines] == [COLORS[e].as_hex() for e in EMOTIONS]
    for line in lines:
        assert line.connectgaps is False
        unseen = [t_s for t_s, y in zip(times_s(line), line.y, strict=True) if np.isnan(y)]
        assert unseen == pytest.approx(np.arange(5, 6, 0.1))


def test_stacked_areas_end_upright_at_a_gap():
    figure = course_figure(TABLE, 1, style="stacked")
    areas = [trace for trace in figure.data if trace.type == "scatter" and trace.stackgroup]
    assert [area.name for area in areas] == list(map(str, EMOTIONS))
    assert len({area.fillpattern.shape for area in areas}) == 7, "a second cue beside the colour"
    total = np.sum([area.y for area in areas], axis=0)
    inside = np.array([5 < t_s < 5.89 for t_s in times_s(areas[0])])
    assert total[~inside & (total > 0)] == pytest.approx(1.0, abs=1e-3)
    edges = [t_s for t_s, y in zip(times_s(areas[0]), total, strict=True) if y == 0]
    assert edges == pytest.approx([0.0, 4.9, 6.0, 9.9], abs=1e-3)
    # And the pointer reads no share there.
    readers = [t for t in figure.data if t.hovertemplate and t.name == "happy"]
    assert [np.isnan(y) for y in readers[0].y[50:60]] == [True] * 10


def test_gaps_are_shaded():
    [band] = [trace for trace in course_figure(TABLE, 1).data if trace.name == "not seen"]
    assert times_s(band) == [5.0, 5.0, 6.0, 6.0, None]
    whole = session({1: bump(3.0)})
    [band] = [trace for trace in course_figure(whole, 1).data if trace.name == "not seen"]
    assert len(band.x) == 0
    assert band.showlegend is False


def ribbon_of(table):
    """``(middle in seconds, name, text, pattern)`` of each bar of the ribbon, in order of time."""
    return sorted(
        (seconds(x), bar.name, text, shape)
        for bar in on(course_figure(table, 1), "y3")
        if bar.showlegend is False
        for x, text, shape in zip(
            bar.x, bar.text, np.broadcast_to(bar.marker.pattern.shape, len(bar.x)), strict=True
        )
    )


def test_the_ribbon_is_above_the_shares_and_the_map_below():
    layout = course_figure(TABLE, 1, affect=True).layout
    ribbon, shares, affect = layout.yaxis3.domain, layout.yaxis.domain, layout.yaxis2.domain
    assert 1.0 == ribbon[1] > ribbon[0] > shares[1] > shares[0] > affect[1] > affect[0] > 0.0
    assert layout.xaxis.anchor == "y2", "the times stand below the lowest track"
    assert course_figure(TABLE, 1).layout.xaxis.anchor == "y"
    assert layout.xaxis2.rangeslider.visible
    assert {trace.fillcolor for trace in on(course_figure(TABLE, 1), "y4")}


def test_the_ribbon_names_what_was_dominant():
    named = [(t_s, text) for t_s, _, text, _ in ribbon_of(TABLE) if text]
    assert [text for _, text in named] == ["neutral", "happy", "neutral", "neutral"]
    assert named[1][0] == pytest.approx(3.0, abs=0.11)
    for bar in on(course_figure(TABLE, 1), "y3"):
        if bar.name in EMOTIONS:
            assert bar.insidetextfont.color == COLORS[Emotion(bar.name)].ink().as_hex()


def test_the_ribbon_is_hatched_where_two_are_close():
    table = session({1: lambda t_s: 0.48 if 2 <= t_s < 5 else 0.1})
    assert ribbon_of(table) == [
        (1.0, "neutral", "neutral", ""),
        (3.5, "neutral", "", "/"),
        (7.45, "neutral", "neutral", ""),
    ]
    figure = course_figure(table, 1)
    [pattern] = [
        bar.marker.pattern for bar in figure.data if bar.name == "neutral" and bar.type == "bar"
    ]
    assert pattern.bgcolor == COLORS[Emotion.NEUTRAL].as_hex()
    assert pattern.fgcolor[1] == COLORS[Emotion.HAPPY].as_hex()
    [said] = [trace for trace in figure.data if trace.name == "reading"]
    told = {text for text, y in zip(said.text, said.y, strict=True) if y is not None}
    assert told == {"between neutral and happy"}
    assert "between two" in {trace.name for trace in figure.data if trace.showlegend is not False}
    clear = course_figure(session({1: lambda t_s: 0.1}), 1)
    assert "between two" not in {trace.name for trace in clear.data}


def test_the_ribbon_is_grey_where_the_face_cannot_be_read_well():
    table = session({1: lambda t_s: 0.9})
    table["problems"] = ["small dark" if 2 <= t_s < 5 else "" for t_s in table["t_s"]]
    assert [(name, text, shape) for _, name, text, shape in ribbon_of(table)] == [
        *(("happy", "happy", ""), ("hard to read", "", "/"), ("happy", "happy", "")),
    ]
    [said] = [trace for trace in course_figure(table, 1).data if trace.name == "reading"]
    told = {text for text, y in zip(said.text, said.y, strict=True) if y is not None}
    assert told == {"too small to read well, too dark to read well"}


@pytest.mark.parametrize(("style", "top"), [("lines", 0.9), ("stacked", 0.9)])
def test_events_sit_on_their_line_also_when_it_is_thinned(style, top):
    table = session({1: lambda t_s: max(bump(c)(t_s) for c in range(5, 400, 9))}, 400, 30)
    events = find_events(table, 1)
    figure = course_figure(table, 1, style=style, events=events)
    [peaks] = [trace for trace in figure.data if trace.name == "peak"]
    assert len(peaks.x) == sum(event.kind == "peak" for event in events) > 40
    [line] = [t for t in figure.data if t.name == "happy" and t.hovertemplate]
    assert len(line.x) <= 3000 + len(events)
    drawn = dict(zip(line.x, line.y, strict=True))
    for x, y in zip(peaks.x, peaks.y, strict=True):
        assert drawn[x] == pytest.approx(y, abs=1e-3)
    assert max(peaks.y) == pytest.approx(top, abs=0.01)
    assert peaks.text[0] == "happy 90%"


def test_valence_and_arousal_only_where_they_are_known():
    [valence, arousal] = on(course_figure(TABLE, 1, affect=True), "y2")
    assert (valence.name, arousal.name) == ("valence", "arousal")
    assert valence.line.dash != arousal.line.dash
    assert on(course_figure(TABLE, 1), "y2") == []
    assert on(course_figure(OWN, 1, affect=True), "y2") == []


def test_marks_are_lines_with_labels():
    marks = [HandMark(2.0, "question"), HandMark(9.0, "x" * 50, "note")]
    figure = course_figure(TABLE, 1, marks=marks)
    assert [seconds(shape.x0) for shape in figure.layout.shapes] == [2.0, 9.0]
    first, second = figure.layout.annotations
    assert "question" in first.text
    assert len(second.text) < 25
    assert "x" * 50 in second.hovertext
    assert "note" in second.hovertext
    assert (first.xanchor, second.xanchor) == ("left", "right"), "not over the edge"


def test_marks_of_a_part_from_deep_in_a_video_stay_in_the_plot():
    marks = [HandMark(1802.0, "question"), HandMark(1809.0, "answer")]
    figure = course_figure(session({1: bump(3.0)}, start_s=1800.0), 1, marks=marks)
    assert [each.xanchor for each in figure.layout.annotations] == ["left", "right"]


def test_frames_far_apart_are_dots_and_nothing_is_shaded():
    figure = course_figure(session({1: bump(50, width_s=20)}, 100, 0.2), 1)
    assert figure.data[3].mode == "lines+markers"
    happy = figure.data[3]
    assert all(size == 6 for size, y in zip(happy.marker.size, happy.y, strict=True) if y == y)
    [band] = [trace for trace in figure.data if trace.name == "not seen"]
    assert len(band.x) == 0


@pytest.mark.parametrize(
    "figure",
    [
        course_figure(TABLE, 1, affect=True),
        course_figure(OWN, 1, style="stacked"),
        affect_trail_figure(TABLE, 1),
        compare_figure(Course(TABLE, 1, "a"), Course(OWN, 1, "b")),
    ],
)
def test_neither_theme_is_assumed(figure):
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color is None
    assert '"template"' not in figure_json(figure)


def test_names_from_outside_are_no_markup():
    labels = (HOSTILE, "awake")
    table = session({1: bump(3.0)}, labels=labels)
    figures = [
        course_figure(
            table, 1, events=find_events(table, 1), marks=[HandMark(1, HOSTILE, HOSTILE)]
        ),
        course_figure(table, 1, style="stacked"),
        compare_figure(Course(table, 1, HOSTILE), Course(table, 1, HOSTILE)),
    ]
    for figure in figures:
        for tag in ("<img", "<a ", "</script"):
            assert tag not in figure_json(figure)


def test_the_circumplex_of_a_session():
    places, mean = affect_trail_figure(TABLE, 1).data
    assert list(places.marker.color) == pytest.approx(TABLE[TABLE["track_id"] == 1]["t_s"])
    assert mean.x[0] == pytest.approx(TABLE[TABLE["track_id"] == 1]["valence"].mean(), abs=0.02)


def test_two_faces_from_their_first_sightings():
    late = session({1: bump(3.0)}, start_s=100.0)
    figure = compare_figure(Course(TABLE, 2, "Ada"), Course(late, 1, "Bob"))
    happy = on(figure, "y4")
    assert [line.line.dash for line in happy if line.hovertemplate] == [None, "dash"]
    assert [times_s(line)[0] for line in happy if line.hovertemplate] == [0.0, 0.0]
    second = happy[-1]
    assert times_s(second)[int(np.argmax(second.y))] == pytest.approx(3.0)
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == ["Ada", "Bob"]


@pytest.mark.parametrize(("offset_s", "first", "second"), [(2.0, 3.0, 9.0), (-2.0, 5.0, 7.0)])
def test_two_sessions_by_an_offset(offset_s, first, second):
    figure = compare_figure(Course(TABLE, 1, "a"), Course(TABLE, 2, "b"), offset_s)
    lines = [line for line in on(figure, "y4") if line.hovertemplate]
    tops = [times_s(line)[int(np.nanargmax(line.y))] for line in lines]
    assert tops == pytest.approx([first, second])


def test_networks_that_know_different_expressions():
    figure = compare_figure(Course(TABLE, 1, "a"), Course(OWN, 1, "b"))
    rows = [figure.layout[f"yaxis{i}" if i > 1 else "yaxis"].ticktext[0] for i in range(1, 10)]
    assert rows == [*map(str, EMOTIONS), "tired", "awake"]


@pytest.mark.parametrize(
    ("t_s", "text"),
    [(0, "0:00.0"), (65.34, "1:05.3"), (59.96, "1:00.0"), (3661, "1:01:01.0"), (-1.5, "-0:01.5")],
)
def test_the_clock(t_s, text):
    assert format_time(t_s) == text
    assert seconds(ms(t_s)) == t_s


def test_a_course_in_words():
    first, _ = sorted(summarize(TABLE), key=lambda face: face.track_id)
    assert course_in_words("Ada", first, find_events(TABLE, 1)) == (
        "Ada: expressions from 0:00.0 to 0:09.9. neutral 88%, happy 12%. "
        "Peaks: happy 90% at 0:03.0."
    )
    many = session({1: lambda t_s: max(bump(c)(t_s) for c in range(3, 90, 5))}, 100)
    [face] = summarize(many)
    assert "18 peaks, highest: " in course_in_words("Ada", face, find_events(many, 1))
