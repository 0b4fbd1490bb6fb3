"""What was saved last, a line each, with a small ribbon of what it showed."""

from __future__ import annotations

from collections import defaultdict
from html import escape

import streamlit as st

from fer_core.analysis.progress import format_duration
from fer_core.history import Ribbon, SessionInfo, history
from fer_core.ui.services import owner, page_database_sentence, page_history, shared_history
from fer_core.ui.shared.expression_html import course_ribbon_html, mix_ribbon_html
from fer_core.ui.shared.session_view import KIND_NAMES
from fer_core.ui.shared.storage_time import NOTHING_SAVED
from fer_core.ui.shared.visitor_time import visitor_zone
from fer_core.ui.shared.watch import watch
from fer_core.ui.shared.widgets import history_link

MOST_LISTED = 4


def saved_last() -> None:
    """The newest sessions of the history, or how to save the first."""
    with page_database_sentence():
        found = _newest()
        watch(lambda: _changeable(_newest()), _changeable(found))
        if not found:
            st.html(f'<div class="fer-empty"><p>{NOTHING_SAVED}</p></div>')
            return
        ribbons = page_history().ribbons([each.id for each in found])
        lines = "".join(_line(each, ribbons.get(each.id, ())) for each in found)
        st.html(f'<ul class="fer-sessions">{lines}</ul>')
        history_link("All sessions")


def _newest() -> list[SessionInfo]:
    # Where nothing was ever saved, looking here makes no database.
    if not history().exists:
        return []
    return shared_history().of(owner()).sessions(limit=MOST_LISTED)


def _changeable(sessions: list[SessionInfo]) -> object:
    """What is shown of sessions, but for what changes all the time while they are recorded."""
    return [(each.id, each.name, each.finished) for each in sessions]


def _line(session: SessionInfo, course: Ribbon) -> str:
    labels = list(map(str, session.labels))
    ribbon = (
        course_ribbon_html(course, labels)
        if session.duration_s > 0.0
        else mix_ribbon_html(course[0] if course else {}, labels)
    )
    started = f"{session.started_at.astimezone(visitor_zone()):%Y-%m-%d %H:%M}"
    facts = [KIND_NAMES[session.kind], started]
    facts += [format_duration(session.duration_s)] if session.duration_s >= 1.0 else []
    return (
        f'<li><span class="fer-session">{escape(session.name)}</span>'
        f'<span class="fer-small">{escape(" · ".join(facts))}</span>'
        f'{ribbon}<span class="fer-small">{escape(_in_words(course))}</span></li>'
    )


def _in_words(course: Ribbon) -> str:
    """``happy 62%, neutral 38%``: the two expressions that were dominant for longest."""
    parts = [part for part in course if part]
    if not parts:
        return "No face was seen"
    shares: dict[str, float] = defaultdict(float)
    for part in parts:  # all are equally long, however many frames each has
        for label, count in part.items():
            shares[label] += count / sum(part.values()) / len(parts)
    longest = sorted(shares, key=shares.__getitem__, reverse=True)[:2]
    return ", ".join(f"{label} {shares[label]:.0%}" for label in longest)
