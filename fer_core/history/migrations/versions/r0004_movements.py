"""Samples with where the eyes look and with action units; null where nobody measured them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBERS = (1, 2, 4, 5, 7, 10, 12, 14, 15, 17, 18, 20, 22, 24, 26, 28, 45)
_COLUMNS = (
    *("gaze_yaw_deg", "gaze_pitch_deg", "gaze_room_yaw_deg", "gaze_room_pitch_deg"),
    *(f"AU{number:02d}" for number in _NUMBERS),
)


def upgrade() -> None:
    """Add the columns; of sessions saved before, nothing is known."""
    for name in _COLUMNS:
        op.add_column("samples", sa.Column(name, sa.Double()))


def downgrade() -> None:
    """Drop them again."""
    for name in _COLUMNS:
        op.drop_column("samples", name)
