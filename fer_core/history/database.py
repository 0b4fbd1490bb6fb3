"""The database of the history: its address, its connections, its tables made or brought up to date.

SQLite in a file by default, PostgreSQL by ``DATABASE_URL``.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from filelock import FileLock

from fer_core.errors import HistoryUnavailable
from fer_core.history.error_messages import BAD_ADDRESS, NEWER, place_of, translate_errors
from fer_core.history.migrations import REVISIONS
from fer_core.history.tables import sessions
from fer_core.settings import settings

BUSY_S = 10.0
"""How long to wait while another process writes."""

_MIGRATION_LOCK = 0x0FE2_DA5B
"""The key of PostgreSQL's advisory lock for migrations: any number, the same in every process."""

_log = logging.getLogger(__name__)


def database_url(address: str | None = None) -> sa.URL:
    """The address as SQLAlchemy wants it; without one, the settings', else the SQLite file.

    Raises ``HistoryUnavailable`` for what is not the address of a SQLite file or of PostgreSQL.
    """
    address = address or settings().database_url
    if address is None:
        return sa.URL.create("sqlite", database=str(settings().data_dir / "history.sqlite3"))
    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        # Not "from error": its text holds the address.
        raise HistoryUnavailable(BAD_ADDRESS) from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    # A database in memory would be another one in each process.
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise HistoryUnavailable(BAD_ADDRESS)


class Database:
    """One database; nothing is opened before the first use. Safe in several threads.

    Without ``address``: that of the settings. All methods raise ``HistoryUnavailable``.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None

    @property
    def place(self) -> str:
        """Where it is, for people, without a password."""
        return place_of(self._url())

    @property
    def begun(self) -> bool:
        """Whether there is one yet: SQLite's file is made on first use."""
        url = self._url()
        return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database."""
        url = self._url()
        with translate_errors(place_of(url)), self._ready(url).begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of it happens, or, if anything is raised, nothing."""
        url = self._url()
        with translate_errors(place_of(url)):
            engine = self._ready(url).execution_options(writes=True)
            with engine.begin() as connection:
                yield connection

    def check(self) -> None:
        """Raise ``HistoryUnavailable`` if it cannot be read or written.

        Where nothing was ever stored, nothing is made.
        """
        url = self._url()
        if url.get_backend_name() == "sqlite":
            path = Path(str(url.database))
            with translate_errors(place_of(url)):
                _refuse_unwritable(path)
            if path.exists():
                with self.reading() as connection:
                    connection.execute(sa.select(sessions.c.id).limit(1))
        else:
            with self.writing() as connection:
                connection.execute(sa.update(sessions).where(sa.false()).values(name=""))

    def mark_remains(self, connection: sa.Connection) -> None:
        """Note, in this transaction, that ``scrub`` has something to do."""
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA user_version = 1")

    def scrub(self) -> bool:
        """Overwrite what was deleted from a SQLite file and its log; whether nothing is left.

        ``secure_delete`` alone does not do it: when SQLite moves rows between pages it leaves
        copies in the gaps, so the file is built anew. PostgreSQL reuses the space in its own time.
        Where it fails (another program reads, the disk is full), the next call tries again.
        """
        url = self._url()
        with translate_errors(place_of(url)):
            engine = self._ready(url)
            if engine.dialect.name != "sqlite":
                return True
            with _outside_transactions(engine) as connection:
                if connection.execute("PRAGMA user_version").fetchone() == (0,):
                    return True
                connection.execute("VACUUM")
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    connection.execute("PRAGMA user_version = 0")
                return not busy

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _url(self) -> sa.URL:
        return database_url(self._address)

    def _ready(self, url: sa.URL) -> sa.Engine:
        """The engine, with all tables there."""
        with self._lock:
            if self._engine is not None and (
                self._engine.url != url or (url.database and _is_gone(url))
            ):
                self._engine.dispose()
                self._engine = None
            if self._engine is None:
                engine = _engine(url)
                try:
                    _prepare(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine


def _is_gone(url: sa.URL) -> bool:
    """Somebody removed the SQLite file; what is written to it now would be lost."""
    return url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists()


def _refuse_unwritable(path: Path) -> None:
    """Raise ``OSError`` where a file cannot be written, or made with the folders it is in."""
    there = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(there, os.W_OK if there == path else os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))
    if there != path and not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))


def _engine(url: sa.URL) -> sa.Engine:
    compact = partial(json.dumps, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if url.get_backend_name() == "sqlite":
        arguments: dict[str, Any] = {"timeout": BUSY_S}
    else:
        # Without these, a server whose machine was switched off is waited for for a quarter hour.
        arguments = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
    engine = sa.create_engine(
        url,
        connect_args=arguments,
        json_serializer=compact,
        pool_pre_ping=True,
        pool_timeout=BUSY_S,
        # A driver's complaint quotes what was to be written: names and notes of people.
        hide_parameters=True,
    )
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by _begin_sqlite, not by Python's driver.
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "secure_delete = ON", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own knows ASCII only, and a search should find "Änne" by "änne".
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and then writes would fail, not wait, when another one writes.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _outside_transactions(engine: sa.Engine) -> Iterator[sqlite3.Connection]:
    """SQLite's own connection: some of its statements work only outside a transaction."""
    connection = engine.raw_connection()
    try:
        yield cast(sqlite3.Connection, connection.driver_connection)
    finally:
        connection.close()


def _prepare(engine: sa.Engine) -> None:
    """Make what is missing; one process at a time."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            lock = sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)
            connection.execute(sa.select(lock))
            migrate(connection)
        return
    path = Path(str(engine.url.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock"), timeout=BUSY_S, mode=0o600):
        # SQLite gives its log files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with _outside_transactions(engine) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        with engine.execution_options(writes=True).begin() as connection:
            migrate(connection)


def migrate(connection: sa.Connection) -> None:
    """Bring the tables to the newest revision, in the transaction of ``connection``.

    Raises ``HistoryUnavailable`` if they are of a revision this version does not know.
    """
    revisions = _revisions(connection)
    if revisions == {REVISIONS[-1]}:
        return
    if not revisions <= set(REVISIONS):
        raise HistoryUnavailable(NEWER)
    from alembic import command  # see REVISIONS
    from alembic.config import Config

    config, folder = Config(), Path(__file__).parent / "migrations"
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    _log.info("bringing the history's tables up to date")
    command.upgrade(config, "head")


def _revisions(connection: sa.Connection) -> set[str]:
    """What Alembic has noted down in the database: the revision of the tables, or nothing."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
