"""Sessions with their samples, faces, marks and tags; video jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _create_sessions()
    _create_details()
    _create_samples()
    _create_jobs()


def downgrade() -> None:
    """Remove the tables."""
    for table in ("jobs", "samples", "marks", "faces", "tags", "sessions"):
        op.drop_table(table)


def _time(name: str, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _session_key(table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_session_id"
    return sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=name, ondelete=ondelete)


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _time("started_at", nullable=False),
        _time("deleted_at"),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("first_s", sa.Double()),
        sa.Column("last_s", sa.Double()),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("thumbnail", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_owner", "sessions", ["owner", "started_at"])


def _create_details() -> None:
    op.create_table(
        "tags",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        _session_key("tags"),
        sa.PrimaryKeyConstraint("session_id", "tag", name="pk_tags"),
    )
    op.create_table(
        "faces",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        _session_key("faces"),
        sa.PrimaryKeyConstraint("session_id", "track_id", name="pk_faces"),
    )
    op.create_table(
        "marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("t_s", sa.Double(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _session_key("marks"),
        sa.PrimaryKeyConstraint("id", name="pk_marks"),
    )
    op.create_index("ix_marks_session_id", "marks", ["session_id"])


def _create_samples() -> None:
    whole = ("track_id", "x", "y", "w", "h")
    # The names stand here and are not taken from the schema: a revision must never change.
    measures = (
        *("valence", "arousal", "presence", "yaw_deg", "pitch_deg", "roll_deg"),
        *("eye_aspect_ratio", "mouth_aspect_ratio", "blinks_per_minute"),
    )
    op.create_table(
        "samples",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("t_s", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in whole),
        sa.Column("score", sa.Double()),
        sa.Column("dominant", sa.Text()),
        *(sa.Column(name, sa.Double()) for name in measures),
        sa.Column("attentive", sa.Boolean()),
        sa.Column("shares", sa.JSON()),
        sa.Column("raw_shares", sa.JSON()),
        _session_key("samples"),
        sa.PrimaryKeyConstraint("session_id", "number", name="pk_samples"),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Integer()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("fps", sa.Double()),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double()),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("emotion", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_s", sa.Double(), nullable=False),
        sa.Column("share", sa.Double()),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text()),
        _time("created_at", nullable=False),
        _time("heartbeat_at"),
        _time("finished_at"),
        sa.Column("annotated_path", sa.Text()),
        _session_key("jobs", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_session_id", "jobs", ["session_id"])
