"""The tables of the history. A change here needs a migration in ``migrations/versions``.

All times are UTC. A session's ``samples`` are the rows of its timeline with the columns of
``timeline.columns``, except that the shares are two lists in the order of the session's ``labels``;
so networks with other labels need no other tables. In the SQL of both SQLite and PostgreSQL,
``shares ->> 3`` is the share of the fourth label.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from fer_core.schema import MEASURES


class UtcTime(sa.TypeDecorator[datetime]):
    """A time, stored as UTC; a value without a time zone is a local time."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - the same for all
    ) -> datetime | None:
        """Convert a value for the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - the same for all
    ) -> datetime | None:
        """Convert a value from the database; SQLite does not store the time zone."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _session_key(ondelete: str = "CASCADE") -> sa.ForeignKey:
    return sa.ForeignKey("sessions.id", ondelete=ondelete)


sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("deleted_at", UtcTime),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("detector", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False, default=False),
    sa.Column("kept", sa.Boolean, nullable=False),
    sa.Column("first_s", sa.Double),
    sa.Column("last_s", sa.Double),
    sa.Column("frames", sa.Integer, nullable=False, default=0),
    sa.Column("faces", sa.Integer, nullable=False, default=0),
    sa.Column("sample_count", sa.Integer, nullable=False, default=0),
    sa.Column("thumbnail", sa.LargeBinary),
    sa.Index(None, "owner", "started_at"),
    # Numbers are not reused, so an old link cannot show another session.
    sqlite_autoincrement=True,
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("session_id", _session_key(), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
)

faces = sa.Table(
    "faces",
    metadata,
    sa.Column("session_id", _session_key(), primary_key=True),
    sa.Column("track_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False, default=""),
)

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", _session_key(), nullable=False, index=True),
    sa.Column("t_s", sa.Double, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

samples = sa.Table(
    "samples",
    metadata,
    sa.Column("session_id", _session_key(), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("t_s", sa.Double, nullable=False),
    *(sa.Column(name, sa.Integer) for name in ("track_id", "x", "y", "w", "h")),
    sa.Column("score", sa.Double),
    sa.Column("dominant", sa.Text),
    *(sa.Column(name, sa.Double) for name in (*MEASURES, "blinks_per_minute")),
    sa.Column("attentive", sa.Boolean),
    sa.Column("problems", sa.Text),
    sa.Column("shares", sa.JSON(none_as_null=True)),
    sa.Column("raw_shares", sa.JSON(none_as_null=True)),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("session_id", _session_key("SET NULL"), index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("every", sa.Integer, nullable=False),
    sa.Column("fps", sa.Double),
    sa.Column("start_s", sa.Double, nullable=False),
    sa.Column("end_s", sa.Double),
    sa.Column("detector", sa.Text, nullable=False),
    sa.Column("emotion", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, default="waiting"),
    sa.Column("done_s", sa.Double, nullable=False, default=0.0),
    sa.Column("share", sa.Double),
    sa.Column("sentence", sa.Text, nullable=False, default=""),
    sa.Column("worker", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("heartbeat_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sqlite_autoincrement=True,
)
