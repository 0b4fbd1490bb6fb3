"""Two faces side by side, of one session or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from fer_core.export.charts.compare import Course, compare_figure
from fer_core.export.charts.words import course_in_words
from fer_core.timeline.summary import TrackSummary
from fer_core.ui.shared.expression_html import share_bars_html
from fer_core.ui.shared.session_chart import session_chart
from fer_core.ui.shared.timeline_view import faces_shown
from fer_core.ui.shared.widgets import isolated, plain

_ALIGN = {"start": "First sightings", "offset": "Offset"}

_AFFECT = ("valence", "arousal")
_NUMBERS = ["first", "second", "difference"]

Place = tuple[int, int]
"""The number of a session among those compared, and the identity of a face in it."""


@st.fragment
def compare_view(
    sessions: Sequence[tuple[str, pd.DataFrame]],
    key: str,
    names: Sequence[Mapping[int, str]] = (),
) -> None:
    """Choose two faces of these sessions (name, table of ``timeline.columns``) and compare them.

    ``names``, if given, has those of the faces of each session, by identity.
    """
    called = _told_apart([name for name, _ in sessions])
    faces = [faces_shown(table) for _, table in sessions]
    _nobody_in([name for name, found in zip(called, faces, strict=True) if not found])
    courses, summaries = {}, {}
    for number, ((_, table), found) in enumerate(zip(sessions, faces, strict=True)):
        titles = _titles(called[number], found, names[number] if names else {})
        for face, title in zip(found, titles, strict=True):
            summaries[number, face.track_id] = face
            courses[number, face.track_id] = Course(table, face.track_id, title)
    if len(courses) < 2:
        st.info(
            "A comparison needs two faces, of one session or of two.",
            icon=":material/compare:",
        )
        return
    one, other = _choose(courses, key)
    if one == other:
        st.info("Choose two different faces.", icon=":material/compare:")
        return
    pairs = [(courses[place], summaries[place]) for place in (one, other)]
    if all(summary.observed_s for _, summary in pairs):
        _chart(pairs, key)
    else:
        _side_by_side(pairs)
    _differences(summaries[one], summaries[other], courses[one].title, courses[other].title)


def _told_apart(names: Sequence[str]) -> list[str]:
    """The names in their order; those that repeat are numbered: ``Live (1)``, ``Live (2)``."""
    return [
        f"{name} ({names[: place + 1].count(name)})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def _titles(session: str, faces: Sequence[TrackSummary], names: Mapping[int, str]) -> list[str]:
    called = [names.get(face.track_id) or f"Face {face.track_id}" for face in faces]
    return [f"{isolated(session)} · {isolated(name)}" for name in _told_apart(called)]


def _nobody_in(sessions: Sequence[str]) -> None:
    """Say which of those chosen cannot be compared."""
    if sessions:
        listed = ", ".join(f"“{plain(name)}”" for name in sessions)
        st.info(f"No face was seen in {listed}.", icon=":material/person_search:")


def _chart(pairs: Sequence[tuple[Course, TrackSummary]], key: str) -> None:
    (first, one), (second, other) = pairs
    session_chart(
        compare_figure(first, second, _offset(key)),
        label=f"{first.title}, and dashed {second.title}: expressions over time. "
        f"{course_in_words(first.title, one)} {course_in_words(second.title, other)}",
        key=f"{key}_figure",
        name="comparison",
    )
    st.caption("Each row is from 0 to 100%. Lines break where a face was not seen.")


def _side_by_side(pairs: Sequence[tuple[Course, TrackSummary]]) -> None:
    """The mean shares of each, where one has no course, as in a photo."""
    for column, (course, face) in zip(st.columns(2, gap="medium"), pairs, strict=True):
        with column:
            st.markdown(f"**{plain(course.title)}**")
            largest = max(face.means, key=face.means.__getitem__)
            st.html(share_bars_html(list(face.means), list(face.means.values()), largest))
    st.caption("Mean shares. A face that was seen for a moment only has no course over time.")


def _choose(courses: Mapping[Place, Course], key: str) -> tuple[Place, Place]:
    """The two that are compared: at first the first faces of two sessions, if there are two."""
    places = list(courses)
    second = next((i for i, place in enumerate(places) if place[0] != places[0][0]), 1)
    left, right = st.columns(2)
    with left:
        one = st.selectbox(
            "First face",
            places,
            format_func=lambda place: courses[place].title,
            key=f"{key}_first",
        )
    with right:
        other = st.selectbox(
            "Second face",
            places,
            index=second,
            format_func=lambda place: courses[place].title,
            key=f"{key}_second",
        )
    return one, other


def _offset(key: str) -> float | None:
    """None: each from its own first sighting."""
    with st.container(horizontal=True, vertical_alignment="center"):
        align = st.segmented_control(
            "Align by",
            list(_ALIGN),
            format_func=lambda name: _ALIGN[name],
            default="start",
            required=True,
            key=f"{key}_align",
            label_visibility="collapsed",
        )
        if align == "start":
            return None
        return st.number_input(
            "Seconds by which the second one starts later",
            value=0.0,
            step=0.5,
            format="%.1f",
            key=f"{key}_offset",
            width=320,
        )


def _differences(
    first: TrackSummary, second: TrackSummary, first_title: str, second_title: str
) -> None:
    """Mean shares, and the means of valence and arousal where both have them."""
    st.markdown("**Means and their difference**")
    table = difference_table(first, second)
    if table.empty:
        st.caption("The networks of these two sessions have no expression in common.")
        return
    shares = ~table["mean of"].isin(_AFFECT)
    shown = table.style.format(partial(_signed, digits=".2f"), subset=(table.index, _NUMBERS))
    shown.format("{:.0%}", subset=(shares, ["first", "second"]))
    shown.format(partial(_signed, digits=".0%"), subset=(shares, ["difference"]))
    titles = dict(zip(_NUMBERS, (first_title, second_title, "second - first"), strict=True))
    st.dataframe(shown, hide_index=True, column_config=titles)


def _signed(number: float, digits: str) -> str:
    """With its sign, unless it is shown as zero."""
    text = format(number, f"+z{digits}")
    return text if text.strip("+0.%") else text[1:]


def difference_table(first: TrackSummary, second: TrackSummary) -> pd.DataFrame:
    """What both have: mean shares (0..1), mean valence and arousal (-1..1), and second - first."""
    rows = [
        (str(label), mean, second.means[label])
        for label, mean in first.means.items()
        if label in second.means
    ]
    if first.valence_mean is not None and second.valence_mean is not None:
        rows.append(("valence", first.valence_mean, second.valence_mean))
    if first.arousal_mean is not None and second.arousal_mean is not None:
        rows.append(("arousal", first.arousal_mean, second.arousal_mean))
    table = pd.DataFrame(rows, columns=["mean of", "first", "second"])
    return table.assign(difference=table["second"] - table["first"])
