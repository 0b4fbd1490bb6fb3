"""One session of the history, or of a video job: its timeline, marks, names and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import streamlit as st

from fer_core.export.files import table_json_lines, table_parquet
from fer_core.export.report import html_report
from fer_core.history import Kind, OwnedHistory, SessionInfo
from fer_core.models.registry import title_of
from fer_core.timeline.spreadsheet import BOM
from fer_core.timeline.table import table_csv
from fer_core.ui.shared.file_names import file_stem
from fer_core.ui.shared.readable_only import readable_only, readable_switch
from fer_core.ui.shared.stored_field import follow, write, write_problem
from fer_core.ui.shared.timeline_view import FrameAt, Player, timeline_view
from fer_core.ui.shared.visitor_time import for_files, visitor_zone
from fer_core.wording import count_of

MakePlayer = Callable[[pd.DataFrame, Mapping[int, str]], Player]
"""A player of a session's film, from its table and the names of its faces."""


def session_view(
    store: OwnedHistory,
    session: SessionInfo,
    key: str,
    frame_at: FrameAt | None = None,
    player_of: MakePlayer | None = None,
) -> None:
    """The timeline of a session with its marks, the names of its faces, and its files.

    ``frame_at`` gives the picture of a moment (BGR), and ``player_of`` the film, where there still
    is one.
    """
    whole = store.table(session.id)
    table = readable_only(whole, key)
    names = store.face_names(session.id)
    marks = store.marks(session.id)
    timeline_view(
        table,
        key=key,
        names=names,
        marks=marks,
        on_add_mark=partial(store.add_mark, session.id),
        on_remove_mark=partial(store.remove_mark, session.id),
        frame_at=frame_at,
        player=None if player_of is None else player_of(table, names),
    )
    readable_switch(whole, key)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _names_popover(store, session, whole, names, key)
        _files(store, session, table, key)


def written(store: OwnedHistory, session: SessionInfo) -> object:
    """What ``session_view`` shows that may be changed elsewhere."""
    return store.marks(session.id), store.face_names(session.id)


KIND_NAMES: dict[Kind, str] = {"photo": "Photo", "live": "Live", "video": "Video"}
"""The kind of a session, called as the page it comes from."""


def facts_of(session: SessionInfo, started: str) -> dict[str, str]:
    """What pages and reports say of a session beside its timeline; ``started`` is when, as text."""
    return {
        "Kind": KIND_NAMES[session.kind],
        "Started": started,
        "Length": f"{session.duration_s:.1f} s, {count_of(session.frames, 'frame')}"
        if session.frames != 1
        else "1 frame",
        "Face detector": title_of(session.detector),
        "Expression network": title_of(session.model),
        **({"Tags": ", ".join(session.tags)} if session.tags else {}),
        **({"Note": session.note} if session.note else {}),
    }


def _names_popover(
    store: OwnedHistory, session: SessionInfo, table: pd.DataFrame, names: dict[int, str], key: str
) -> None:
    known = sorted(int(track_id) for track_id in table["track_id"].dropna().unique())
    with st.popover("Name faces", icon=":material/badge:", disabled=not known):
        for track_id in known:
            field = f"{key}_name_{track_id}"
            follow(field, names.get(track_id, ""))
            st.text_input(
                f"Face {track_id}",
                key=field,
                placeholder="name",
                max_chars=40,
                on_change=write,
                args=(field, partial(store.name_face, session.id, track_id)),
            )
            write_problem(field)


def _files(store: OwnedHistory, session: SessionInfo, table: pd.DataFrame, key: str) -> None:
    """The session as files; each is made when it is asked for."""
    started = for_files(session.started_at, visitor_zone())

    def report() -> bytes:
        return html_report(
            table,
            session.name,
            facts_of(session, started),
            store.face_names(session.id),
            store.marks(session.id),
        ).encode()

    stem = file_stem(session.name)
    files: tuple[tuple[str, str, str, Callable[[], bytes]], ...] = (
        ("CSV", "csv", "text/csv", lambda: BOM + table_csv(table)),
        ("JSON lines", "jsonl", "application/jsonl", partial(table_json_lines, table)),
        ("Parquet", "parquet", "application/vnd.apache.parquet", partial(table_parquet, table)),
        ("Report", "html", "text/html", report),
    )
    for label, suffix, mime, make in files:
        st.download_button(
            label,
            data=make,
            file_name=f"{stem}-expressions.{suffix}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            key=f"{key}_{suffix}",
        )
