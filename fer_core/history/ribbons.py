"""Small ribbons of sessions: how often each expression was dominant in equal parts of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from fer_core.history.sessions import Store
from fer_core.history.tables import samples, sessions

PIECES = 48
"""The number of parts of a ribbon."""

Ribbon = tuple[Mapping[str, int], ...]
"""How often each label was dominant in each part; nothing if no face was seen."""


def most_frequent(part: Mapping[str, int]) -> str | None:
    """The label that was dominant most often in a part; None if no face was seen."""
    return max(sorted(part), key=part.__getitem__, default=None)


class RibbonStore(Store):
    """The part of the history that makes small ribbons."""

    def ribbons(self, session_ids: Collection[int], owner: str) -> dict[int, Ribbon]:
        """The ribbons of these sessions, ``PIECES`` parts each, over all faces.

        The database counts, so that a few hundred rows are read for an hour of video instead of
        100,000. Sessions that are not the owner's or have no frame are left out.
        """
        span_s = sessions.c.last_s - sessions.c.first_s
        # Some databases round and others truncate in a cast; either works here.
        index = sa.cast(
            (samples.c.t_s - sessions.c.first_s) * (PIECES - 1) / sa.func.nullif(span_s, 0.0),
            sa.Integer,
        )
        piece = sa.func.coalesce(index, 0).label("piece")
        query = (
            sa.select(sessions.c.id, piece, samples.c.dominant, sa.func.count().label("frames"))
            .join(samples, samples.c.session_id == sessions.c.id)
            .where(
                sessions.c.id.in_(session_ids),
                sessions.c.owner == owner,
                sessions.c.deleted_at.is_(None),
            )
            .group_by(sessions.c.id, piece, samples.c.dominant, span_s)
        )
        found: dict[int, dict[int, dict[str, int]]] = {}
        with self.database.reading() as connection:
            for session_id, index, dominant, times in connection.execute(query):
                part = found.setdefault(session_id, {}).setdefault(index, {})
                if dominant is not None:
                    part[dominant] = times
        return {session_id: _filled(pieces) for session_id, pieces in found.items()}


def _filled(pieces: Mapping[int, Mapping[str, int]]) -> Ribbon:
    """All parts; one without a frame repeats the part before it, as a frame lasts to the next."""
    ribbon: list[Mapping[str, int]] = []
    for index in range(PIECES):
        ribbon.append(pieces.get(index, ribbon[-1] if ribbon else {}))
    return tuple(ribbon)
