"""The selected moment of a session: its values, and buttons for events and marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.export.charts.axis import format_time
from fer_core.export.charts.words import problems_in_words
from fer_core.timeline.readings import problems, rivals
from fer_core.ui.shared.timeline_session import Session
from fer_core.ui.shared.widgets import plain

MOST_WRAPPED = 12
"""The largest number of chips that wrap; more are in one line that scrolls."""


def moment_row(session: Session) -> None:
    """The values of the selected moment, and buttons for the events before and after it."""
    moment_s = session.moment_s
    times_s = sorted({event.t_s for event in session.events})
    now_s = -np.inf if moment_s is None else moment_s
    earlier = [t_s for t_s in times_s if t_s < now_s]
    later = [t_s for t_s in times_s if t_s > now_s]
    with st.container(horizontal=True, vertical_alignment="center"):
        for word, icon, there in (
            ("Previous event", ":material/skip_previous:", earlier[-1:]),
            ("Next event", ":material/skip_next:", later[:1]),
        ):
            st.button(
                word,
                key=f"{session.key}_{word}",
                icon=icon,
                disabled=not there,
                on_click=partial(_choose_all, session, there),
                type="tertiary",
            )
        if moment_s is None:
            st.caption("Click the chart to choose a moment.")
        else:
            st.markdown(moment_line(session, moment_s))


def moment_line(session: Session, t_s: float) -> str:
    """``**0:12.3** · happy 83% · peak of happy``, and why the reading is uncertain, if it is."""
    row = session.rows[session.rows["t_s"] == t_s]
    parts = [f"**{format_time(t_s)}**", *map(plain, _reading(row))]
    parts += [f"{e.kind} of {plain(str(e.label))}" for e in session.events if e.t_s == t_s]
    marks = [mark for mark in session.marks if session.nearest(mark.t_s) == t_s]
    parts += [f":material/flag: {plain(mark.label)}" for mark in marks]
    return " · ".join(parts)


def event_chips(session: Session) -> None:
    """A chip for each peak and each mark, in order of time; a click selects its moment."""
    chips = dict(sorted([*_peaks(session), *_marks(session)]))
    if not chips:
        return
    key = f"{session.key}_chip"
    moment_s = session.moment_s
    st.session_state[key] = next((chip for chip in chips if chip[0] == moment_s), None)

    def choose() -> None:
        if (chip := st.session_state[key]) is not None:
            session.choose(chip[0])

    st.pills(
        "Events and marks",
        list(chips),
        format_func=chips.__getitem__,
        key=key,
        on_change=choose,
        label_visibility="collapsed",
        wrap=len(chips) <= MOST_WRAPPED,
    )


Chip = tuple[float, str]
"""The time, and a key that is unique at that time."""


def _peaks(session: Session) -> Iterator[tuple[Chip, str]]:
    for event in session.events:
        if event.kind == "peak":
            label = str(event.label)
            words = f"{format_time(event.t_s)} peak of {plain(label)} {event.share:.0%}"
            yield (event.t_s, label), words


def _marks(session: Session) -> Iterator[tuple[Chip, str]]:
    for mark in session.marks:
        words = f":material/flag: {format_time(mark.t_s)} {plain(mark.label)}"
        yield (session.nearest(mark.t_s), f"mark {mark.id}"), words


def _reading(row: pd.DataFrame) -> Iterator[str]:
    if row.empty:
        yield "not in the picture"
        return
    dominant = str(row["dominant"].iloc[0])
    yield f"{dominant} {float(row[dominant].iloc[0]):.0%}"
    if rival := str(rivals(row)[0]):
        yield f"between {dominant} and {rival}"
    if words := problems_in_words(problems(row).iloc[0]):
        yield words


def _choose_all(session: Session, times_s: Sequence[float]) -> None:
    for t_s in times_s:
        session.choose(t_s)
