"""The samples of a session: stores frames, and returns them as a table.

The shares of a face are a JSON list in the order of the session's labels. For an hour at 30 frames
a second, JSON objects keyed by label took 25 % more space and 50 % more time to read. Plain bytes
are the fastest, but cannot be read by SQL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray
from pyarrow import csv

from fer_core.history.session_info import as_labels
from fer_core.history.sessions import Store, own, unknown
from fer_core.history.tables import faces, samples, sessions
from fer_core.schema import FrameResult
from fer_core.schema.quality import as_number, as_text, from_number, from_text
from fer_core.timeline.table import as_table, columns, frame_numbers

READ_ROWS = 20_000
"""The number of rows that are read into memory and converted at once."""

_SHARES = ("shares", "raw_shares")
_PLAIN = [c.name for c in samples.c if c.name not in ("session_id", "number", *_SHARES)]
"""The columns that both the database and the table have."""


class SampleStore(Store):
    """The part of the history with the frames of sessions."""

    def append(self, session_id: int, results: Sequence[FrameResult]) -> None:
        """Save frames, all or none.

        Frames that are not later than the last saved one are left out, so a batch can be appended
        again if it is not known whether it was saved.
        Raises ``SessionUnknown`` if the session was removed, ``ValueError`` for a frame with other
        labels.
        """
        if not results:
            return
        with self.database.writing() as connection:
            query = sa.select(
                *(sessions.c.labels, sessions.c.first_s, sessions.c.last_s),
                *(sessions.c.frames, sessions.c.faces, sessions.c.sample_count),
            ).where(sessions.c.id == session_id)
            # Locked, so that other writers of this session wait.
            state = connection.execute(query.with_for_update()).one_or_none()
            if state is None:
                raise unknown(session_id)
            fresh = _later(results, state.last_s)
            if not fresh:
                return
            labels = as_labels(state.labels)
            rows = [
                {"session_id": session_id, "number": number, **_row(numbers, labels)}
                for number, numbers in enumerate(
                    (each for result in fresh for each in frame_numbers(result, labels)),
                    start=state.sample_count,
                )
            ]
            connection.execute(sa.insert(samples), rows)
            change = sa.update(sessions).where(sessions.c.id == session_id)
            connection.execute(
                change.values(
                    first_s=fresh[0].t_s if state.first_s is None else state.first_s,
                    last_s=fresh[-1].t_s,
                    frames=state.frames + len(fresh),
                    faces=state.faces + _add_faces(connection, session_id, fresh),
                    sample_count=state.sample_count + len(rows),
                )
            )

    def table(self, session_id: int, owner: str) -> pd.DataFrame:
        """The session as a table of ``timeline.columns``, as ``Timeline.to_frame`` returns it."""
        with self.database.reading() as connection:
            labels = _labels_of(connection, session_id, owner)
            # As text, because _lists parses all rows at once.
            shares = [sa.cast(samples.c[name], sa.Text) for name in _SHARES]
            query = sa.select(*(samples.c[name] for name in _PLAIN), *shares)
            query = query.where(samples.c.session_id == session_id).order_by(samples.c.number)
            found = connection.execute(query)
            parts = [_numbers(part, labels) for part in found.partitions(READ_ROWS)]
            if not parts:  # in PostgreSQL, it may have been removed between the two queries
                _labels_of(connection, session_id, owner)
        return as_table(np.concatenate([np.empty((0, len(columns(labels)))), *parts]), labels)


def _labels_of(connection: sa.Connection, session_id: int, owner: str) -> tuple[str, ...]:
    """The labels of a session. Raises ``SessionUnknown``."""
    query = sa.select(sessions.c.labels).where(own(session_id, owner))
    names = connection.scalars(query).one_or_none()
    if names is None:
        raise unknown(session_id)
    return as_labels(names)


def _later(results: Sequence[FrameResult], last_s: float | None) -> list[FrameResult]:
    """The frames that are later than ``last_s`` and than all frames before them."""
    newest_s = -math.inf if last_s is None else last_s
    fresh = []
    for result in results:
        if result.t_s > newest_s:
            fresh.append(result)
            newest_s = result.t_s
    return fresh


def _row(numbers: Sequence[float], labels: Sequence[str]) -> dict[str, Any]:
    """One row of ``frame_numbers`` as the database stores it: missing values are None."""
    known = [None if math.isnan(number) else number for number in numbers]
    row: dict[str, Any] = dict(zip(columns(labels), known, strict=True))
    lists = {
        "shares": [row.pop(str(label)) for label in labels],
        "raw_shares": [row.pop(f"raw_{label}") for label in labels],
    }
    dominant, attentive, problems = row["dominant"], row["attentive"], row["problems"]
    row["dominant"] = None if dominant is None else str(labels[int(dominant)])
    row["attentive"] = None if attentive is None else bool(attentive)
    row["problems"] = None if problems is None else as_text(from_number(int(problems)))
    return row | {name: None if None in shares else shares for name, shares in lists.items()}


def _numbers(rows: Sequence[sa.Row[Any]], labels: Sequence[str]) -> NDArray[np.float64]:
    """Rows of the database as rows of ``frame_numbers``, ``(n, len(columns(labels)))``."""
    by_name = dict(zip((*_PLAIN, *_SHARES), zip(*rows, strict=True), strict=True))
    position = {str(label): number for number, label in enumerate(labels)}
    by_name["dominant"] = tuple(position.get(label) for label in by_name["dominant"])
    codes = {text: as_number(from_text(text)) for text in set(by_name["problems"]) - {None}}
    by_name["problems"] = tuple(codes.get(text) for text in by_name["problems"])
    shares, raw = (_lists(by_name.pop(name), len(labels)) for name in _SHARES)
    # NumPy reads None as NaN.
    numbers = {name: np.array(values, np.float64) for name, values in by_name.items()}
    numbers |= {str(label): shares[:, i] for i, label in enumerate(labels)}
    numbers |= {f"raw_{label}": raw[:, i] for i, label in enumerate(labels)}
    return np.stack([numbers[name] for name in columns(labels)], axis=1)


def _lists(texts: Sequence[str | None], length: int) -> NDArray[np.float64]:
    """JSON lists of ``length`` numbers as ``(n, length)``; NaN for None."""
    numbers = np.full((len(texts), length), np.nan)
    there = np.array([text is not None for text in texts])
    if there.any():
        # Arrow parses the lists of all rows at once as CSV, several times as fast as json.loads.
        lines = "\n".join(text[1:-1] for text in texts if text is not None).encode()
        names = [str(i) for i in range(length)]
        parsed = csv.read_csv(
            pa.BufferReader(lines),
            csv.ReadOptions(column_names=names),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64())),
        )
        numbers[there] = np.stack([column.to_numpy() for column in parsed.columns], axis=1)
    return numbers


def _add_faces(connection: sa.Connection, session_id: int, results: Sequence[FrameResult]) -> int:
    """Store the new identities; returns how many new faces there are."""
    seen = [face.track_id for result in results for face in result.faces]
    query = sa.select(faces.c.track_id).where(faces.c.session_id == session_id)
    fresh = {track_id for track_id in seen if track_id is not None}
    fresh -= set(connection.scalars(query))
    if fresh:
        rows = [{"session_id": session_id, "track_id": track_id} for track_id in sorted(fresh)]
        connection.execute(sa.insert(faces), rows)
    return len(fresh) + seen.count(None)
