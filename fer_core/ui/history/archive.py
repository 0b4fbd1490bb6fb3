"""Sessions of the history as a ZIP file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any

import pandas as pd

from fer_core.export.files import zip_of
from fer_core.history import OwnedHistory, SessionInfo
from fer_core.timeline.spreadsheet import BOM, table_to_csv
from fer_core.timeline.table import table_csv
from fer_core.ui.shared.file_names import file_stem
from fer_core.ui.shared.session_view import facts_of
from fer_core.ui.shared.visitor_time import for_files


def archive(store: OwnedHistory, chosen: Sequence[SessionInfo], zone: tzinfo = UTC) -> bytes:
    """A CSV file for each session, by number and name, its thumbnail if it has one, and what people
    have written: the list of the sessions with their names, tags and notes, and where there are
    any, marks and names of faces."""
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
    files = {"sessions.csv": _csv([_listed(each, zone) for each in chosen])}
    files |= {"marks.csv": _csv(marks)} if marks else {}
    files |= {"faces.csv": _csv(faces)} if faces else {}
    for each in chosen:
        stem = re.sub(r"[^\w.-]+", "_", file_stem(each.name))
        files[f"{each.id}_{stem}.csv"] = BOM + table_csv(store.table(each.id))
        if jpeg := store.thumbnail(each.id):
            files[f"{each.id}_{stem}.jpg"] = jpeg
    return zip_of(files)


def _listed(session: SessionInfo, zone: tzinfo) -> dict[str, Any]:
    facts = facts_of(session, for_files(session.started_at, zone))
    return {"session": session.id, "Name": session.name, **facts}


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    return BOM + table_to_csv(pd.DataFrame(rows))
