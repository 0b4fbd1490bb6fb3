"""Which sessions the history page lists: a search, and filters behind one button."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo

import streamlit as st

from fer_core.history import Filters, OwnedHistory
from fer_core.ui.shared.session_view import KIND_NAMES
from fer_core.ui.shared.visitor_time import end_of, start_of, visitor_zone

_TEXT, _KINDS, _TAGS = "history_text", "history_kinds", "history_tags"


def filters(store: OwnedHistory) -> Filters:
    """The widgets that narrow the list, and what they ask for.

    One line on a phone as well: the list is what people come for, and few ever filter it.
    """
    with st.container(
        key="history_filters", horizontal=True, vertical_alignment="center", wrap=False
    ):
        text = st.text_input(
            "Search",
            key=_TEXT,
            placeholder="Name or note",
            label_visibility="collapsed",
            icon=":material/search:",
        )
        with st.popover(_title(), icon=":material/filter_list:", key="history_filter"):
            kinds = st.pills(
                "Kind",
                list(KIND_NAMES),
                format_func=KIND_NAMES.__getitem__,
                selection_mode="multi",
                key=_KINDS,
            )
            days = st.date_input("Between", value=[], key=_days_key())
            tags = st.multiselect("Tags", store.tags(), key=_TAGS)
    since, until = _span(days, visitor_zone())
    return Filters(
        kinds=tuple(kinds), text=text.strip(), tags=tuple(tags), since=since, until=until
    )


def no_match() -> None:
    """The text where the filters leave nothing, and the way out."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info("No session matches.", icon=":material/filter_alt_off:", width="stretch")
        st.button("Show all", key="history_show_all", on_click=_clear)


def _title() -> str:
    """``Filters``, with how many are set."""
    held = (st.session_state.get(key) for key in (_KINDS, _days_key(), _TAGS))
    count = sum(bool(each) for each in held)
    return f"Filters ({count})" if count else "Filters"


def _clear() -> None:
    st.session_state.update({_TEXT: "", _KINDS: [], _TAGS: []})
    # Dates that Python sets are refused where the widget has a default: another widget has none.
    st.session_state["history_cleared"] = st.session_state.get("history_cleared", 0) + 1


def _days_key() -> str:
    return f"history_days_{st.session_state.get('history_cleared', 0)}"


def _span(
    days: Sequence[date] | date, zone: tzinfo = UTC
) -> tuple[datetime | None, datetime | None]:
    """From the first moment of the first day to the last of the second, by the clock of ``zone``.

    Both are UTC.
    """
    if not isinstance(days, Sequence) or not days:
        return None, None
    return start_of(days[0], zone), end_of(days[-1], zone) if len(days) > 1 else None
