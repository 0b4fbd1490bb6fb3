"""Samples with the problems of their face; null where nobody measured them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of sessions saved before, nothing is known."""
    op.add_column("samples", sa.Column("problems", sa.Text()))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("samples", "problems")
