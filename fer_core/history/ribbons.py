"""Small ribbons of sessions: how often each expression was dominant in equal parts of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from fer_core.history.sessions import Store, is_id
from fer_core.history.tables import samples, sessions
from fer_core.timeline.table import MAX_GAP_S

PIECES = 48
"""The number of parts of a ribbon."""

MOST_KNOWN = 500
"""The number of ribbons that are kept in memory; 13 kB each."""

Ribbon = tuple[Mapping[str, int], ...]
"""How often each label was dominant in each part; nothing if no face was seen."""


class _Version(NamedTuple):
    """What tells whether it is the same session, also in another database, with the same frames."""

    id: int
    started_at: datetime
    frames: int
    first_s: float
    last_s: float


def most_frequent(part: Mapping[str, int]) -> str | None:
    """The label that was dominant most often in a part; None if no face was seen."""
    return max(sorted(part), key=part.__getitem__, default=None)


class RibbonStore(Store):
    """The part of the history that makes small ribbons.

    To count an hour of video takes the database a tenth of a second or more, and a page lists many
    sessions, so all visitors share what was counted, as long as a session does not grow.
    """

    def __init__(self, url: str | None = None) -> None:
        super().__init__(url)
        self._known: dict[int, tuple[_Version, Ribbon]] = {}

    def ribbons(self, session_ids: Collection[int], owner: str) -> dict[int, Ribbon]:
        """The ribbons of these sessions, ``PIECES`` parts each, over all faces.

        Sessions that are not the owner's or have no frame are left out.
        """
        wanted = sessions.c.id.in_(filter(is_id, session_ids)), sessions.c.owner == owner
        query = sa.select(*(sessions.c[name] for name in _Version._fields)).where(*wanted)
        query = query.where(sessions.c.deleted_at.is_(None), sessions.c.frames > 0)
        with self.database.reading() as connection:
            versions = [_Version(*row) for row in connection.execute(query)]
        return {version.id: self._ribbon(version) for version in versions}

    def _ribbon(self, version: _Version) -> Ribbon:
        known, ribbon = self._known.get(version.id, (None, ()))
        if known != version:
            with self.database.reading() as connection:
                ribbon = _counted(connection, version)
        # Put at the end, so that the first is the one that was not used for longest.
        self._known.pop(version.id, None)
        self._known[version.id] = version, ribbon
        for oldest in list(self._known)[:-MOST_KNOWN]:
            self._known.pop(oldest, None)
        return ribbon


def _counted(connection: sa.Connection, version: _Version) -> Ribbon:
    """The database counts, so that a few hundred rows are read for an hour of video instead of
    100,000."""
    span_s = version.last_s - version.first_s
    # Some databases round and others truncate in a cast; either works here.
    index = sa.cast((samples.c.t_s - version.first_s) * (PIECES - 1) / (span_s or 1.0), sa.Integer)
    piece = index.label("piece")
    query = sa.select(piece, samples.c.dominant, sa.func.count())
    query = query.where(samples.c.session_id == version.id).group_by("piece", samples.c.dominant)
    pieces: dict[int, dict[str, int]] = {}
    for part, dominant, times in connection.execute(query):
        found = pieces.setdefault(part, {})
        if dominant is not None:
            found[dominant] = times
    return _filled(pieces, span_s)


def _filled(pieces: Mapping[int, Mapping[str, int]], span_s: float) -> Ribbon:
    """All parts; one without a frame repeats the part before it, as a frame lasts to the next, but
    for no longer than ``MAX_GAP_S``. A single frame is the whole ribbon."""
    most = int(MAX_GAP_S * (PIECES - 1) / span_s) if span_s else PIECES
    ribbon: list[Mapping[str, int]] = []
    empty = 0
    for index in range(PIECES):
        empty = 0 if index in pieces else empty + 1
        before = ribbon[-1] if ribbon and empty <= most else {}
        ribbon.append(pieces.get(index, before))
    return tuple(ribbon)
