"""The changes of the history's tables over time, as Alembic revisions.

``fer_core.history.database`` runs them on first use. To add one, copy the form of the newest file
in ``versions``, and name it in ``REVISIONS``; tests compare the result with
``fer_core.history.tables``, and the names with the files.
"""

REVISIONS = ("0001", "0002", "0003")
"""All of them, the newest last. Alembic would find them, but takes 11 MB of memory: a server whose
tables are up to date does not load it."""
