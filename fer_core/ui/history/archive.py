"""Sessions of the history as a ZIP file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import chain
from typing import Any

import pandas as pd

from fer_core.export.files import zip_of
from fer_core.history import OwnedHistory, SessionInfo
from fer_core.timeline.spreadsheet import BOM, table_to_csv
from fer_core.timeline.summary import summarize
from fer_core.timeline.summary_rows import summary_row
from fer_core.timeline.table import table_csv
from fer_core.ui.shared.file_names import file_stem
from fer_core.ui.shared.session_view import facts_of
from fer_core.ui.shared.visitor_time import for_files


def archive(store: OwnedHistory, chosen: Sequence[SessionInfo], zone: tzinfo = UTC) -> bytes:
    """A CSV file for each session, by number and name, its thumbnail if it has one, the summaries
    of their faces in one file, and what people have written: the list of the sessions with their
    names, tags and notes, and where there are any, marks and names of faces."""
    marks = [
        {"session": each.id, "t_s": round(mark.t_s, 3), "label": mark.label, "note": mark.note}
        for each in chosen
        for mark in store.marks(each.id)
    ]
    faces = [
        {"session": each.id, "track_id": track_id, "name": name}
        for each in chosen
        for track_id, name in store.face_names(each.id).items()
    ]
    listed = [_listed(each, zone) for each in chosen]
    written = {"sessions.csv": listed, "marks.csv": marks, "faces.csv": faces}
    lists = ((name, _csv(rows)) for name, rows in written.items() if rows)
    return zip_of(chain(lists, _files(store, chosen)))


def _files(store: OwnedHistory, chosen: Sequence[SessionInfo]) -> Iterator[tuple[str, bytes]]:
    """The files of each session, then their summaries: the table of only one is in memory at a
    time, an hour of video has 40 MB."""
    summaries: list[dict[str, Any]] = []
    for each in chosen:
        stem = re.sub(r"[^\w.-]+", "_", file_stem(each.name))
        table, names = store.table(each.id), store.face_names(each.id)
        summaries += [
            {
                "session": each.id,
                "session_name": each.name,
                "face_name": names.get(face.track_id),
                **summary_row(face),
            }
            for face in summarize(table)
        ]
        yield f"{each.id}_{stem}.csv", BOM + table_csv(table)
        if jpeg := store.thumbnail(each.id):
            yield f"{each.id}_{stem}.jpg", jpeg
    if summaries:
        yield "summary.csv", _csv(summaries)


def _listed(session: SessionInfo, zone: tzinfo) -> dict[str, Any]:
    facts = facts_of(session, for_files(session.started_at, zone))
    return {"session": session.id, "Name": session.name, **facts}


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    return BOM + table_to_csv(pd.DataFrame(rows))
