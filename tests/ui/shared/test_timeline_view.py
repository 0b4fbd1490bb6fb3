"""A session on a page, and two sessions side by side, under AppTest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.export.charts.axis import seconds
from fer_core.timeline.summary import summarize
from fer_core.timeline.table import Timeline
from fer_core.ui.shared.compare_view import difference_table
from tests.sessions import HandMark, bump, session

TWO = session({1: bump(3.0), 2: bump(7.0)}, gone=lambda t_s: 5 <= t_s < 6)
PHOTO = session({1: bump(0.0)}, 0.1)


def page_of(table, marks=(), names=None, on_add=None, on_remove=None, frame_at=None):
    from fer_core.ui.shared.timeline_view import timeline_view

    timeline_view(
        table,
        key="s",
        names=names or {},
        marks=marks,
        on_add_mark=on_add,
        on_remove_mark=on_remove,
        frame_at=frame_at,
    )


def page_that_is_left(table):
    import streamlit as st

    from fer_core.ui.shared.timeline_view import timeline_view

    if not st.button("About"):
        timeline_view(table, key="s")


def filtered_page(table):
    import streamlit as st

    from fer_core.ui.shared.readable_only import readable_only, readable_switch
    from fer_core.ui.shared.timeline_view import timeline_view

    timeline_view(readable_only(table, "s"), key="s")
    readable_switch(table, "s")
    st.text(len(readable_only(table, "s")))


def compare_page(sessions, names=()):
    from fer_core.ui.shared.compare_view import compare_view

    compare_view(sessions, key="c", names=names)


def run(script: Callable[..., None], **arguments: object) -> AppTest:
    page = AppTest.from_function(script, default_timeout=60, kwargs=arguments).run()
    assert not page.exception
    return page


def charts(page: AppTest) -> list[dict[str, Any]]:
    """What each chart was given, in order."""
    return [json.loads(element.proto.json) for element in page.main.get("bidi_component")]


def chart(page: AppTest) -> dict[str, Any]:
    """The first: the course, or the comparison."""
    data = charts(page)[0]
    return data | {"figure": json.loads(data["figure"])}


def names_of(page: AppTest) -> list[str]:
    return [trace.get("name", "") for trace in chart(page)["figure"]["data"]]


def test_a_session():
    page = run(page_of, table=TWO)
    assert [metric.label for metric in page.metric][:2] == ["Most of the time", "Longest run"]
    assert {"happy", "peak", "onset", "valence", "not seen"} <= set(names_of(page))
    labels = [each["label"] for each in charts(page)]
    assert [label.partition(":")[0] for label in labels] == [
        *("Face 1", "Share of time of Face 1", "Valence and arousal of Face 1 on the circumplex"),
    ]
    assert "happy 90% at 0:03.0" in labels[0]
    assert [tab.label for tab in page.tabs] == ["Summary", "Detected events", "All values"]
    summary, events, values = (element.value for element in page.dataframe)
    assert list(summary["expression"])[3] == "happy"
    assert list(events["kind"]) == ["onset", "peak"]
    assert len(values) == len(TWO)


def test_faces_are_chosen_by_name():
    page = run(page_of, table=TWO, names={2: "Ada"})
    assert [option.split(" · ")[0] for option in page.selectbox(key="s_face").options] == [
        *("Face 1", "Ada"),
    ]
    page.selectbox(key="s_face").set_value(2).run()
    assert not page.exception
    assert "Ada" in chart(page)["label"]
    assert page.dataframe[1].value["t_s"].iloc[-1] == pytest.approx(7.0)


def test_what_is_shown_is_chosen():
    page = run(page_of, table=TWO)
    page.toggle(key="s_events").set_value(False).run()
    page.toggle(key="s_affect").set_value(False).run()
    assert not {"peak", "valence"} & set(names_of(page))
    page.button_group(key="s_style").set_value("stacked").run()
    assert not page.exception
    assert any("stackgroup" in trace for trace in chart(page)["figure"]["data"])


def test_what_was_chosen_lasts_while_another_page_is_open():
    page = run(page_that_is_left, table=TWO)
    page.toggle(key="s_events").set_value(False)
    page.toggle(key="s_affect").set_value(False)
    page.button_group(key="s_style").set_value("stacked").run()
    page.button[0].click().run()
    assert not page.toggle
    page.run()
    assert not {"peak", "valence"} & set(names_of(page))
    assert any("stackgroup" in trace for trace in chart(page)["figure"]["data"])


def test_events_lead_from_one_to_the_next():
    page = run(page_of, table=TWO)
    assert chart(page)["chosen"]["moment_ms"] is None
    assert page.button(key="s_Previous event").disabled
    for _ in range(2):
        page.button(key="s_Next event").click().run()
    assert page.session_state["s_moment"] == pytest.approx(3.0)
    assert any("peak of happy" in element.value for element in page.markdown)
    assert chart(page)["chosen"]["moment_ms"]
    assert page.button(key="s_Next event").disabled
    page.button(key="s_Previous event").click().run()
    assert page.session_state["s_moment"] == pytest.approx(2.0)


def test_the_picture_of_a_moment():
    def script(table):
        import numpy as np
        import streamlit as st

        from fer_core.ui.shared.timeline_view import timeline_view

        def frame_at(t_s):
            st.session_state["asked"] = t_s
            return None if t_s > 4 else np.zeros((48, 64, 3), np.uint8)

        timeline_view(table, key="s", frame_at=frame_at)

    page = AppTest.from_function(script, default_timeout=60, kwargs={"table": TWO}).run()
    assert "asked" not in page.session_state
    assert not page.get("image")
    page.session_state["s_moment"] = 3.0
    page.run()
    assert not page.exception
    assert page.session_state["asked"] == 3.0
    assert len(page.get("image")) == 1
    page.session_state["s_moment"] = 4.5
    page.run()
    assert any("no longer available" in caption.value for caption in page.caption)


def test_a_picture_that_needs_a_history_which_is_away_is_a_sentence():
    def away_page(table):
        import streamlit as st

        from fer_core.errors import HistoryUnavailable
        from fer_core.ui.shared.timeline_view import timeline_view

        def away(t_s):
            raise HistoryUnavailable("The history cannot be used.")

        st.session_state["s_moment"] = 3.0
        timeline_view(table, key="s", frame_at=away)

    page = run(away_page, table=TWO)
    assert [each.value for each in page.error] == ["The history cannot be used."]


def test_chips_lead_to_peaks_and_marks():
    page = run(page_of, table=TWO, marks=(HandMark(8.02, "*end*"),))
    chips = page.button_group(key="s_chip")
    assert chips.options == ["0:03.0 peak of happy 90%", "0:08.0 \\*end\\*"]
    assert chips.value is None
    chips.set_value((8.0, "mark 1")).run()
    assert not page.exception
    assert page.session_state["s_moment"] == pytest.approx(8.0)
    assert any(":material/flag: \\*end\\*" in element.value for element in page.markdown)
    page.button(key="s_Previous event").click().run()
    assert page.button_group(key="s_chip").value == (3.0, "happy"), "the chip of this moment"


def test_the_figures_are_those_of_the_span_in_sight():
    page = run(page_of, table=TWO)
    whole = page.metric[0].value
    page.session_state["s_span"] = (2.5, 3.5)
    page.run()
    assert not page.exception
    assert any("0:02.5 to 0:03.5" in element.value for element in page.markdown)
    assert page.metric[0].value == "happy 100%" != whole
    assert "happy 100%." in charts(page)[1]["label"]
    assert page.dataframe[0].value.set_index("expression").loc["happy", "share of time"] == 1.0
    assert [seconds(x) for x in chart(page)["chosen"]["span_ms"]] == [2.5, 3.5]
    page.button(key="s_whole").click().run()
    assert page.metric[0].value == whole
    page.session_state["s_span"] = (5.2, 5.8)
    page.run()
    assert any("was not in the picture then" in caption.value for caption in page.caption)


def test_what_is_unsure_is_said():
    table = session({1: lambda t_s: 0.48})
    table["problems"] = "dark"
    page = run(page_of, table=table)
    page.session_state["s_moment"] = 3.0
    page.run()
    said = "neutral 52% · between neutral and happy · too dark to read well"
    assert any(said in element.value for element in page.markdown)
    assert set(page.dataframe[2].value["problems"]) == {"too dark to read well"}


def test_a_moment_in_which_the_face_was_not_seen():
    page = run(page_of, table=TWO)
    page.session_state["s_moment"] = 5.5
    page.run()
    assert any("not in the picture" in element.value for element in page.markdown)


def marks_page(table):
    import streamlit as st

    from fer_core.ui.shared.timeline_view import timeline_view
    from tests.sessions import HandMark

    marks = st.session_state.setdefault("marks", [HandMark(8.0, "**end**", "[x](y)", 5)])

    def add(t_s, label, note):
        marks.append(HandMark(t_s, label, note, 6))

    def remove(mark_id):
        marks[:] = [mark for mark in marks if mark.id != mark_id]

    timeline_view(table, key="s", marks=marks, on_add_mark=add, on_remove_mark=remove)


def test_marks_are_added_shown_and_removed():
    page = run(marks_page, table=TWO)
    assert any("\\*\\*end\\*\\*" in element.value for element in page.markdown), "no markup"
    page.session_state["s_moment"] = 3.0
    page.run()
    assert page.number_input[0].value == 3.0, "begins with the moment that was clicked"
    assert page.number_input[0].max == TWO["t_s"].max(), "no mark where nothing is"
    page.text_input(key="s_mark_label_0").set_value(" question ")
    page.text_input(key="s_mark_note_0").set_value("asked")
    page.button(key="s_mark_0").click().run()
    assert not page.exception
    assert [each.value for each in page.text_input] == ["", ""]
    added = page.session_state["marks"][1]
    assert (added.t_s, added.label, added.note) == (3.0, "question", "asked")
    assert len(chart(page)["figure"]["layout"]["shapes"]) == 2
    page.button(key="s_show_5").click().run()
    assert page.session_state["s_moment"] == pytest.approx(8.0)
    page.button(key="s_remove_5").click().run()
    assert [mark.label for mark in page.session_state["marks"]] == ["question"]


def places(page) -> list[str]:
    """The list of marks from top to bottom, by what can be pressed there."""
    return [button.key for button in page.button if button.key.startswith(("s_remove", "s_undo"))]


def test_a_removed_mark_keeps_its_place_and_comes_back_by_undo():
    page = run(marks_page, table=TWO)
    page.session_state["marks"] = [HandMark(t_s, f"{t_s}", "n", int(t_s)) for t_s in (1, 2, 3)]
    page.run()
    for removed in (1, 2):
        page.button(key=f"s_remove_{removed}").click().run()
    assert not page.exception
    # A second click where the first was meets no other mark.
    assert places(page) == ["s_undo_1", "s_undo_2", "s_remove_3"]
    page.button(key="s_undo_1").click().run()
    assert not page.exception
    back = [(mark.t_s, mark.label, mark.note) for mark in page.session_state["marks"]]
    assert back == [(3, "3", "n"), (1, "1", "n")]
    assert places(page) == ["s_remove_6", "s_undo_2", "s_remove_3"]
    page.button(key="s_show_3").click().run()
    assert places(page) == ["s_remove_6", "s_remove_3"]


def test_a_mark_needs_a_label():
    page = run(marks_page, table=TWO)
    page.text_input(key="s_mark_note_0").set_value("what was typed stays")
    page.button(key="s_mark_0").click().run()
    assert "needs a label" in page.warning[0].value
    assert page.text_input(key="s_mark_note_0").value == "what was typed stays"
    assert len(page.session_state["marks"]) == 1
    page.text_input(key="s_mark_label_0").set_value("question")
    page.button(key="s_mark_0").click().run()
    assert not page.warning
    assert page.session_state["marks"][1].note == "what was typed stays"


def test_without_a_place_to_keep_them_there_are_no_marks_to_add():
    page = run(page_of, table=TWO)
    assert not page.text_input
    page = run(page_of, table=TWO, marks=(HandMark(1.0, "mine"),))
    assert not page.text_input
    assert "s_remove_1" not in {button.key for button in page.button}


@pytest.mark.parametrize(
    "table", [Timeline().to_frame(), session({1: bump(3)}, gone=lambda t_s: True)]
)
def test_nobody_was_seen(table):
    page = run(page_of, table=table)
    assert "No face was seen" in page.info[0].value
    assert not page.metric


def test_a_single_frame():
    page = run(page_of, table=PHOTO)
    assert not page.exception
    assert not page.toggle  # nothing to choose about a course that it does not have
    assert len(charts(page)) == 1


def test_the_faces_of_a_photo_were_not_seen_for_so_long():
    photo = session({1: bump(0.0), 2: bump(1.0)}, 0.1)
    page = run(page_of, table=photo, names={2: "Ada"})
    assert page.selectbox(key="s_face").options == ["Face 1", "Ada"]


def test_a_network_with_labels_of_its_own():
    page = run(page_of, table=session({1: bump(3.0)}, labels=("tired", "awake")))
    assert "s_affect" not in {toggle.key for toggle in page.toggle}
    assert len(charts(page)) == 2
    assert "valence" not in names_of(page)


def test_a_glimpse_is_no_face_unless_there_is_nothing_else():
    flash = pd.concat([TWO, session({9: bump(1.0)}, 0.3)]).sort_values("t_s")
    page = run(page_of, table=flash)
    assert len(page.selectbox(key="s_face").options) == 2
    run(page_of, table=session({9: bump(0.1)}, 0.3))


def test_two_faces_are_compared():
    page = run(compare_page, sessions=[("one", TWO), ("other", TWO)])
    assert [box.value for box in page.selectbox] == [(0, 1), (1, 1)]
    assert {"one · Face 1", "other · Face 1"} <= set(names_of(page))
    assert (page.dataframe[0].value["difference"] == 0).all()
    page.button_group(key="c_align").set_value("offset").run()
    page.number_input(key="c_offset").set_value(2.0).run()
    assert not page.exception
    page.selectbox(key="c_second").set_value((0, 1)).run()
    assert "two different faces" in page.info[0].value


@pytest.mark.parametrize("other", [PHOTO, TWO])
def test_a_photo_is_compared_by_its_shares(other):
    page = run(compare_page, sessions=[("*one*", PHOTO), ("other", other)])
    assert not charts(page)
    assert not page.button_group
    assert [each.value for each in page.markdown][:2] == [
        *("**\\*one\\* · Face 1**", "**other · Face 1**"),
    ]
    first, _ = (each.proto.body for each in page.main.get("html"))
    assert '<span class="fer-name">happy</span>' in first
    assert '<span class="fer-share">90%</span>' in first
    assert len(page.dataframe[0].value) == 9


def test_there_is_nothing_to_compare():
    page = run(compare_page, sessions=[("one", session({1: bump(3.0)}))])
    assert "two faces" in page.info[0].value


def test_faces_and_sessions_of_the_same_name_are_told_apart():
    sessions = [("Live", TWO), ("film", PHOTO), ("Live", PHOTO)]
    names = [{1: "Ada", 2: "Ada"}, {}, {1: "Ada"}]
    page = run(compare_page, sessions=sessions, names=names)
    titles = [
        *("Live (1) · Ada (1)", "Live (1) · Ada (2)"),
        *("film · Face 1", "Live (2) · Ada"),
    ]
    assert [box.options for box in page.selectbox] == [titles, titles]


def test_sessions_without_a_face_are_named():
    empty = session({1: bump(3.0)}, gone=lambda t_s: True)
    page = run(compare_page, sessions=[("a *b*", empty), ("two", TWO), ("c", empty)])
    assert [each.value for each in page.info] == ["No face was seen in “a \\*b\\*”, “c”."]
    assert [box.value for box in page.selectbox] == [(1, 1), (1, 2)]


def test_the_differences_of_two_faces():
    [happy] = summarize(session({1: lambda t_s: 0.75}))
    [neutral] = summarize(session({1: lambda t_s: 0.25}))
    table = difference_table(happy, neutral)
    numbers = {row[0]: row[1:] for row in table.values.tolist()}
    assert numbers["happy"] == pytest.approx([0.75, 0.25, -0.5])
    assert numbers["valence"][2] < 0
    [own] = summarize(session({1: bump(3.0)}, labels=("tired", "awake")))
    assert difference_table(happy, own).empty


def test_the_differences_are_shown_as_the_chart_shows_shares():
    less = session({1: lambda t_s: 0.2504})
    page = run(compare_page, sessions=[("one", session({1: lambda t_s: 0.25})), ("other", less)])
    texts = pa.ipc.open_stream(page.dataframe[0].proto.arrow_data.styler.display_values)
    shown = texts.read_all().to_pandas().set_index("mean of").T
    assert list(shown["happy"]) == ["25%", "25%", "0%"]
    assert list(shown["neutral"]) == ["75%", "75%", "0%"]
    assert shown["valence"]["first"].startswith("+")
    assert shown["valence"]["difference"] == "0.00"


def test_what_cannot_be_read_well_is_left_out_on_request():
    table = TWO.copy()
    table["problems"] = table["problems"].mask(table["track_id"] == 2, "dark")
    page = run(filtered_page, table=table)
    [switch] = [each for each in page.toggle if "cannot be read well" in each.label]
    assert switch.label == "Leave out the 50% that cannot be read well"
    assert page.selectbox[0].options[1].startswith("Face 2")
    page = switch.set_value(True).run()
    assert not page.selectbox  # one face is left
    assert page.text[0].value == str(len(table) - 90)
    table["problems"] = "dark"
    page = run(filtered_page, table=table)
    page.toggle[-1].set_value(True).run()
    assert "none that can be read well" in page.info[0].value


def test_a_switch_for_a_moment_is_not_for_none():
    table = session({1: bump(3.0)}, seconds=30.0)
    table["problems"] = table["problems"].mask(table["t_s"] == 3.0, "dark")
    [switch] = [t for t in run(filtered_page, table=table).toggle if "read well" in t.label]
    assert switch.label == "Leave out the few that cannot be read well"


def test_nothing_to_leave_out_is_no_switch():
    page = run(filtered_page, table=TWO)
    assert not any("cannot be read well" in each.label for each in page.toggle)
