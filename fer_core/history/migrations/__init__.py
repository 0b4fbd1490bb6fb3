"""The changes of the history's tables over time, as Alembic revisions.

``fer_core.history.database`` runs them on first use. To add one, copy the form of the newest file
in ``versions``; a test compares the result with ``fer_core.history.tables``.
"""
