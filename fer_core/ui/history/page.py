"""The history page: what was kept, to find, read, compare, take out and delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from fer_core.history import Filters, OwnedHistory, SessionInfo
from fer_core.ui.history.archive import archive
from fer_core.ui.history.deletion import delete, delete_all
from fer_core.ui.history.details import details
from fer_core.ui.shared.compare_view import compare_view
from fer_core.ui.shared.session_view import KIND_NAMES, facts_of, session_view, written
from fer_core.ui.shared.small_ribbon import WIDTH_PX, ribbon_image
from fer_core.ui.shared.storage_time import NOTHING_SAVED, saved_until
from fer_core.ui.shared.visitor_time import for_pages, visitor_zone, zone_name
from fer_core.ui.shared.watch import watch
from fer_core.ui.shared.widgets import live_link, photo_link, plain, video_link
from fer_core.ui.video.result import THUMBNAIL_PX
from fer_core.wording import count_of

MOST_COMPARED = 4
"""Sessions that can be compared at once."""

STEP = 100
"""So many sessions are listed at first, and more with each click."""

MOST_RIBBONS = 30
"""The number of sessions in the list, the newest, that have a ribbon."""

_ROW_PX, _ROWS_IN_SIGHT = 35, 6


def where_line(store: OwnedHistory) -> None:
    """What is saved, and for how long; where, behind the (?)."""
    st.caption(
        f"Saved {saved_until('it')}: numbers and times, and no pictures but the small ones that "
        "you added to videos.",
        help=f"Stored in {plain(store.location)}.",
    )


def nothing_saved() -> None:
    """The text of an empty history, with links to the pages that fill it."""
    st.html(f'<div class="fer-empty"><p>{NOTHING_SAVED}</p></div>')
    with st.container(horizontal=True, gap="medium"):
        live_link("Use the camera")
        photo_link("Analyse photos")
        video_link("Analyse a video")


def newest(store: OwnedHistory, wanted: Filters) -> list[SessionInfo]:
    """The sessions that match, the newest, as many as are listed."""
    return store.sessions(limit=_limit(), **wanted)


def more_line(store: OwnedHistory, wanted: Filters, listed: int) -> None:
    """How many of the sessions that match are listed, and more of them, if that is not all."""
    with st.container(key="history_more", horizontal=True, vertical_alignment="center"):
        if listed < _limit() or listed >= (matching := store.count(**wanted)):
            return
        which = "sessions that match" if any(wanted.values()) else "sessions"
        st.caption(f"The newest {listed:,} of {matching:,} {which}.", width="content")
        st.button(
            "Show more",
            key="history_show_more",
            icon=":material/expand_more:",
            type="tertiary",
            on_click=_more,
        )


def _limit() -> int:
    limit: int = st.session_state.get("history_limit", STEP)
    return limit


def _more() -> None:
    st.session_state["history_limit"] = _limit() + STEP


def watch_listed(store: OwnedHistory, wanted: Filters, sessions: Sequence[SessionInfo]) -> None:
    """Run the page again when somebody else changes what it shows of these. New sessions wait for
    the next click: the newest is open, and something may be being written there."""
    ids = {each.id for each in sessions}

    def look() -> object:
        return _changeable(store, [each for each in newest(store, wanted) if each.id in ids])

    watch(look, _changeable(store, sessions))


def _changeable(store: OwnedHistory, sessions: Sequence[SessionInfo]) -> object:
    """What is shown of sessions, but for what changes all the time while they are recorded."""
    opened = st.session_state["history_chosen"] or [each.id for each in sessions[:1]]
    return (
        [replace(each, frames=0, faces=0, duration_s=0.0) for each in sessions],
        [written(store, each) for each in sessions if each.id in opened],
        store.restorable(),
    )


def session_list(store: OwnedHistory, sessions: Sequence[SessionInfo]) -> list[SessionInfo]:
    """The sessions as a table; those whose rows are selected."""
    zone = visitor_zone()
    ribbons = store.ribbons([each.id for each in sessions[:MOST_RIBBONS]])
    table = pd.DataFrame(
        {
            "name": [each.name for each in sessions],
            "expressions": [
                ribbon_image(ribbons[each.id], each.labels) if each.id in ribbons else None
                for each in sessions
            ],
            "kind": [KIND_NAMES[each.kind] for each in sessions],
            "started": pd.Series([each.started_at for each in sessions]).dt.tz_convert(zone),
            "length": [each.duration_s or None for each in sessions],
            "faces": [each.faces for each in sessions],
            "tags": [list(each.tags) for each in sessions],
            "note": [each.note for each in sessions],
        }
    )
    ids = [each.id for each in sessions]
    key = _list_key(ids)
    picked = st.dataframe(
        table,
        hide_index=True,
        height=_ROW_PX * (min(len(sessions), _ROWS_IN_SIGHT) + 1) + 3,
        row_height=_ROW_PX,
        placeholder="",  # a photo has no length
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _rows_chosen(ids)}},
        column_config={
            "name": st.column_config.TextColumn("Name", width="medium"),
            "expressions": st.column_config.ImageColumn(
                "Expressions",
                width=WIDTH_PX + 24,
                help="The dominant expression from start to end, in the colours of the charts.",
            ),
            "kind": st.column_config.TextColumn("Kind", width="small"),
            "started": st.column_config.DatetimeColumn(
                " ".join(["Started", *([f"({name})"] if (name := zone_name(zone)) else [])]),
                format="YYYY-MM-DD HH:mm Z",
                help="Date, time, and its offset from UTC, by the clock of your browser.",
            ),
            "length": st.column_config.NumberColumn("Seconds", format="%.1f", width="small"),
            "faces": st.column_config.NumberColumn("Faces", width="small"),
            "tags": st.column_config.ListColumn("Tags"),
            "note": st.column_config.TextColumn("Note"),
        },
    )
    chosen = [sessions[row] for row in picked["selection"]["rows"]]
    st.session_state["history_chosen"] = [each.id for each in chosen]
    return chosen


def _rows_chosen(ids: list[int]) -> list[int]:
    """Where the sessions are now that were selected, for another list."""
    chosen = st.session_state.get("history_chosen", [])
    return [row for row, each in enumerate(ids) if each in chosen]


def _list_key(ids: list[int]) -> str:
    """The key of the list: another one where other sessions have come to the rows that may be
    selected, because what is selected are the numbers of rows."""
    before = st.session_state.get("history_listed", [])
    version: int = st.session_state.get("history_version", 0)
    version += ids[: len(before)] != before
    st.session_state.update({"history_listed": ids, "history_version": version})
    return f"history_list_{version}"


def actions(store: OwnedHistory, chosen: Sequence[SessionInfo], everything: int) -> None:
    """What can be done with the selected sessions, or with all."""
    with st.container(horizontal=True, vertical_alignment="center", key="history_actions"):
        # What comes and goes is in a container of its own: an element whose place changes is drawn
        # anew, and an open popover would close under the user's click.
        with st.container(horizontal=True, vertical_alignment="center", width="stretch"):
            if chosen:
                _chosen_actions(store, chosen)
            else:
                st.caption(
                    "The newest is open. Select another to open, export or delete it, or several "
                    "to compare them."
                )
        with st.popover("Delete all", icon=":material/delete_forever:", key="history_all"):
            st.markdown(
                "Deletes everything, including what is not listed: "
                f"{count_of(everything, 'session')}. This cannot be undone."
            )
            st.button(
                "Delete all permanently",
                type="primary",
                key="history_delete_all",
                on_click=delete_all,
                args=(store,),
            )


def _chosen_actions(store: OwnedHistory, chosen: Sequence[SessionInfo]) -> None:
    zone, how_many = visitor_zone(), count_of(len(chosen), "session")
    st.download_button(
        f"Export {how_many} (ZIP)",
        data=lambda: archive(store, chosen, zone),
        file_name="sessions.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
        key="history_export",
        help="A CSV file for each session, one with the summaries of all faces, and files with "
        "what you wrote: names, tags, notes, marks and names of faces.",
    )
    st.button(
        f"Delete {how_many}",
        icon=":material/delete:",
        key="history_delete",
        on_click=delete,
        args=(store, [each.id for each in chosen]),
    )


def open_session(store: OwnedHistory, session: SessionInfo) -> None:
    """One session: its timeline, what it is called, its note and tags."""
    key = f"history_{session.id}"
    facts = facts_of(session, for_pages(session.started_at, visitor_zone()))
    st.subheader(plain(session.name))
    st.caption(" · ".join(f"{name}: {plain(value)}" for name, value in facts.items()))
    details(store, session, key)
    if jpeg := store.thumbnail(session.id):
        st.image(jpeg, width=THUMBNAIL_PX)
    if not session.faces:
        st.info("No face was seen in this session.", icon=":material/person_search:")
    else:
        session_view(store, session, key)


def compare(store: OwnedHistory, chosen: Sequence[SessionInfo]) -> None:
    """Several sessions side by side."""
    st.subheader("Compare")
    if len(chosen) > MOST_COMPARED:
        st.info(
            f"At most {MOST_COMPARED} sessions are compared at once. The first {MOST_COMPARED} "
            "of those selected in the list are compared."
        )
    compared = chosen[:MOST_COMPARED]
    compare_view(
        [(each.name, store.table(each.id)) for each in compared],
        key="history_compare",
        names=[store.face_names(each.id) for each in compared],
    )
