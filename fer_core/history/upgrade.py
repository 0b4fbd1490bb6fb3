"""Upgrades the tables of the history, by the revisions in ``migrations``."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import sqlalchemy as sa

from fer_core.errors import HistoryUnavailable
from fer_core.history.error_messages import FOREIGN, NEWER
from fer_core.history.migrations import REVISIONS
from fer_core.history.tables import metadata

_A_REVISION = re.compile(r"\d{4}")
"""The revisions of this and of newer versions."""

_log = logging.getLogger(__name__)


def is_newest(connection: sa.Connection) -> bool:
    """Whether the tables have the newest revision."""
    return _revisions(connection) == {REVISIONS[-1]}


def migrate(connection: sa.Connection) -> None:
    """Upgrade the tables to the newest revision, in the transaction of ``connection``.

    Raises ``HistoryUnavailable`` if they have a revision that this version does not know, or are
    another program's, which may also use Alembic.
    """
    if is_newest(connection):
        return
    revisions = _revisions(connection)
    ours = all(map(_A_REVISION.fullmatch, revisions)) if revisions else not _any_table(connection)
    if not ours:
        raise HistoryUnavailable(FOREIGN)
    if not revisions <= set(REVISIONS):
        raise HistoryUnavailable(NEWER)
    from alembic import command  # only imported when needed, see REVISIONS
    from alembic.config import Config

    config, folder = Config(), Path(__file__).parent / "migrations"
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    _log.info("upgrading the history's tables")
    command.upgrade(config, "head")


def _any_table(connection: sa.Connection) -> bool:
    """Whether a table has a name that the history needs."""
    return not metadata.tables.keys().isdisjoint(sa.inspect(connection).get_table_names())


def _revisions(connection: sa.Connection) -> set[str]:
    """The revision of the tables that Alembic stored in the database; empty for a new database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
