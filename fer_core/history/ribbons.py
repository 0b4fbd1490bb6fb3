"""A session in very few words: what was dominant in each of some equal parts of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from fer_core.history.sessions import Store
from fer_core.history.tables import samples, sessions

PIECES = 48
"""Parts of a ribbon: as many as can be told apart in a list."""

Ribbon = tuple[str | None, ...]
"""The label that was dominant most often in each part; None where no face was seen."""


class RibbonStore(Store):
    """The part of the history that shows sessions in small."""

    def ribbons(self, session_ids: Collection[int], owner: str) -> dict[int, Ribbon]:
        """``PIECES`` parts of each of these sessions, of all their faces together.

        Counted in the database: of an hour of video a few hundred rows are read, and not 100,000.
        Sessions that are not the owner's, or have no frame, are left out.
        """
        span_s = sessions.c.last_s - sessions.c.first_s
        # Databases round or cut a number that they make whole: either is right here.
        part = sa.cast(
            (samples.c.t_s - sessions.c.first_s) * (PIECES - 1) / sa.func.nullif(span_s, 0.0),
            sa.Integer,
        )
        piece = sa.func.coalesce(part, 0).label("piece")
        query = (
            sa.select(sessions.c.id, piece, samples.c.dominant, sa.func.count().label("frames"))
            .join(samples, samples.c.session_id == sessions.c.id)
            .where(
                sessions.c.id.in_(session_ids),
                sessions.c.owner == owner,
                sessions.c.deleted_at.is_(None),
            )
            .group_by(sessions.c.id, piece, samples.c.dominant, span_s)
            .order_by("frames", samples.c.dominant)
        )
        found: dict[int, dict[int, str | None]] = {}
        with self.database.reading() as connection:
            for session_id, place, dominant, _ in connection.execute(query):
                pieces = found.setdefault(session_id, {})
                # The most frequent comes last; a face that was seen at all counts before none.
                pieces[place] = dominant or pieces.get(place)
        return {session_id: _filled(pieces) for session_id, pieces in found.items()}


def _filled(pieces: Mapping[int, str | None]) -> Ribbon:
    """All pieces: one without a frame is what the one before it is. A frame lasts to the next."""
    ribbon: list[str | None] = []
    for place in range(PIECES):
        ribbon.append(pieces.get(place, ribbon[-1] if ribbon else None))
    return tuple(ribbon)
