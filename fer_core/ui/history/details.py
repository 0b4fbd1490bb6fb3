"""The name, the tags and the note of a session, to be changed."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fer_core.history import OwnedHistory, SessionInfo
from fer_core.ui.shared.stored_field import follow, write, write_problem


def details(store: OwnedHistory, session: SessionInfo, key: str) -> None:
    """What can be changed; written before the page is drawn, so that the list shows it at once."""
    title, tags, note = (f"{key}_{part}" for part in ("title", "tags", "note"))
    follow(title, session.name)
    follow(tags, list(session.tags))
    follow(note, session.note)
    with st.expander("Name, tags and note", icon=":material/edit:"):
        name_place, tags_place = st.columns([3, 2])
        name_place.text_input(
            "Name",
            key=title,
            max_chars=200,
            on_change=write,
            args=(title, partial(_rename, store, session.id)),
        )
        tags_place.multiselect(
            "Tags",
            sorted({*store.tags(), *st.session_state[tags]}),
            accept_new_options=True,
            key=tags,
            placeholder="Add tags",
            on_change=write,
            args=(tags, partial(store.set_tags, session.id)),
        )
        st.text_area(
            "Note",
            key=note,
            height=68,
            max_chars=4000,
            on_change=write,
            args=(note, partial(store.set_note, session.id)),
        )
        for each in (title, tags, note):
            write_problem(each)


def _rename(store: OwnedHistory, session_id: int, typed: str) -> None:
    """Without a name, a session keeps the one it has."""
    if name := typed.strip():
        store.rename(session_id, name)
