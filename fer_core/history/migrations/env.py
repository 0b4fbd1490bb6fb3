"""What Alembic runs: all revisions on the connection that ``upgrade.migrate`` hands it."""

from __future__ import annotations

from alembic import context

from fer_core.history.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column; Alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
