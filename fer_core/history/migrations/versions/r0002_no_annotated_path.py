"""Jobs without the path of an annotated video: it lies beside the job's copy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the column, which nothing ever wrote."""
    op.drop_column("jobs", "annotated_path")


def downgrade() -> None:
    """Add it again, empty."""
    op.add_column("jobs", sa.Column("annotated_path", sa.Text()))
