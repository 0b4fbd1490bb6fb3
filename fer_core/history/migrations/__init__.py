"""The changes of the history's tables over time, as Alembic revisions.

``fer_core.history.database`` runs them on first use. To add one, copy the newest file in
``versions``, and add its name to ``REVISIONS``; tests compare the result with
``fer_core.history.tables``, and the names with the files.
"""

REVISIONS = ("0001", "0002", "0003", "0004")
"""All revisions, the newest last. Alembic could find them, but takes 11 MB of memory, so a server
with up-to-date tables does not load it."""
