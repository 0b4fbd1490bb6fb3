"""The database of the history: its address and connections.

It is a SQLite file by default, and PostgreSQL if ``DATABASE_URL`` is set.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from fer_core.errors import HistoryUnavailable
from fer_core.history import postgresql, sqlite_file
from fer_core.history.error_messages import (
    BAD_ADDRESS,
    lacks_tables,
    location_of,
    translate_errors,
)
from fer_core.history.tables import sessions
from fer_core.history.upgrade import is_newest, migrate
from fer_core.settings import settings

BUSY_S = 10.0
"""The longest wait while another process writes, and for a free connection."""

_STATEMENT_S = 300.0
"""The longest that PostgreSQL works on a statement (but see ``lift_time_limit``); it reads an hour
of video in seconds."""

_POOL = 5
"""The connections that stay open."""

_MORE = {"sqlite": 10, "postgresql": 4}
"""So many more may be open at once. A PostgreSQL server that lets 20 in has room for two
processes."""

_MIGRATION_LOCK = 0x0FE2_DA5B
"""The key of PostgreSQL's advisory lock for migrations: an arbitrary but constant number."""


def database_url(address: str | None = None) -> sa.URL:
    """The address for SQLAlchemy; by default that of the settings, or the SQLite file.

    Raises ``HistoryUnavailable`` if it is not the address of a SQLite file or of PostgreSQL.
    """
    address = address or settings().database_url
    if address is None:
        return sa.URL.create("sqlite", database=str(settings().data_dir / "history.sqlite3"))
    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        # Not "from error": its text contains the address, which may contain a password.
        raise HistoryUnavailable(BAD_ADDRESS) from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    # Every process would have its own database in memory.
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise HistoryUnavailable(BAD_ADDRESS)


@dataclass(frozen=True, slots=True)
class _Failure:
    """When a database could not be opened, by a monotonic clock, and why."""

    url: sa.URL
    at_s: float
    sentence: str

    def answers(self, url: sa.URL, asked_s: float) -> bool:
        """Whether it also answers somebody who asked then."""
        return self.url == url and asked_s <= self.at_s


class Database:
    """One database, opened on first use. Thread-safe.

    ``address`` is by default that of the settings. All methods raise ``HistoryUnavailable``.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None
        self._files: sqlite_file.Files = {}
        self._failure: _Failure | None = None

    @property
    def location(self) -> str:
        """Where the database is, as text for users, without a password."""
        return location_of(self._url())

    @property
    def exists(self) -> bool:
        """Whether the database exists: SQLite's file is created on first use."""
        url = self._url()
        return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection for reading, in a transaction."""
        return self._transaction(writes=False)

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A connection for writing, in a transaction that an exception rolls back."""
        return self._transaction(writes=True)

    @contextmanager
    def _transaction(self, writes: bool) -> Iterator[sa.Connection]:
        url = self._url()
        with translate_errors(location_of(url)):
            engine = self._open(url).execution_options(writes=writes)
            try:
                with engine.begin() as connection:
                    yield connection
            except sa.exc.DBAPIError as error:
                if lacks_tables(error):
                    self.close()  # so that the next use makes or upgrades them
                raise

    def check(self) -> None:
        """Raise ``HistoryUnavailable`` if the database cannot be read or written.

        It does not create a SQLite file.
        """
        url = self._url()
        if url.get_backend_name() == "sqlite":
            path = Path(str(url.database))
            with translate_errors(location_of(url)):
                sqlite_file.check_writable(path)
            if path.exists():
                with self.reading() as connection:
                    connection.execute(sa.select(sessions.c.id).limit(1))
        else:
            with self.writing() as connection:
                connection.execute(sa.update(sessions).where(sa.false()).values(name=""))

    def request_scrub(self, connection: sa.Connection) -> None:
        """Note in this transaction that rows were deleted, which ``scrub`` shall overwrite."""
        if connection.dialect.name == "sqlite":
            sqlite_file.request_scrub(connection)

    def scrub(self) -> bool:
        """Overwrite deleted rows in a SQLite file and its log; returns whether that is complete.

        ``secure_delete`` is not enough: when SQLite moves rows between pages, it leaves copies in
        the gaps, so the file is rebuilt. Nobody can write meanwhile: a second or more for each
        gigabyte. PostgreSQL reuses the space by itself. If it fails (another program reads, the
        disk is full), the next call tries again.
        """
        url = self._url()
        with translate_errors(location_of(url)):
            engine = self._open(url)
            return engine.dialect.name != "sqlite" or sqlite_file.scrub(engine)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        """Close all connections, those in use when they are given back."""
        if self._engine is not None:
            # Otherwise they would stay open until the garbage collector finds them.
            sa.event.listen(self._engine.pool, "checkin", lambda _, record: record.invalidate())
            self._engine.dispose()
            self._engine = None

    def _url(self) -> sa.URL:
        return database_url(self._address)

    def _open(self, url: sa.URL) -> sa.Engine:
        """The engine of a database with the newest tables.

        To open it, a server that does not answer takes seconds. Whoever asked before that failed is
        told the same: if all tried in turn, the tenth would wait for a minute.
        """
        asked_s = time.monotonic()
        with self._lock:
            if self._failure is not None and self._failure.answers(url, asked_s):
                raise HistoryUnavailable(self._failure.sentence)
            if self._engine is not None and self._engine.url != url:
                self._close()
            if self._engine is not None and self._is_replaced(url):
                self._close()
                sqlite_file.remove_logs(Path(str(url.database)), self._files)
            if self._engine is None:
                self._engine = self._opened(url)
                if url.get_backend_name() == "sqlite":
                    self._files = sqlite_file.files_of(Path(str(url.database)))
            return self._engine

    def _opened(self, url: sa.URL) -> sa.Engine:
        engine = _engine(url)
        try:
            with translate_errors(location_of(url)):
                _create_or_upgrade(engine)
        except BaseException as error:
            engine.dispose()
            if isinstance(error, HistoryUnavailable):
                self._failure = _Failure(url, time.monotonic(), str(error))
            raise
        return engine

    def _is_replaced(self, url: sa.URL) -> bool:
        return url.get_backend_name() == "sqlite" and sqlite_file.is_replaced(
            Path(str(url.database)), self._files
        )


def _engine(url: sa.URL) -> sa.Engine:
    compact = partial(json.dumps, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if url.get_backend_name() == "sqlite":
        arguments: dict[str, Any] = {"timeout": BUSY_S}
    else:
        # Without these, the driver waits for minutes to hours for a server whose machine was
        # switched off.
        arguments = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
        arguments |= {"keepalives_idle": 30, "keepalives_interval": 10}
        # A pooler such as PgBouncer gives each transaction another of its connections, which does
        # not know the statements prepared on the last one.
        arguments |= {"prepare_threshold": None}
    engine = sa.create_engine(
        url,
        connect_args=arguments,
        json_serializer=compact,
        pool_pre_ping=True,
        pool_size=_POOL,
        max_overflow=_MORE[url.get_backend_name()],
        pool_timeout=BUSY_S,
        # Otherwise a driver's error quotes the parameters: users' names and notes.
        hide_parameters=True,
    )
    if url.get_backend_name() == "sqlite":
        sqlite_file.set_up(engine)
    else:
        postgresql.set_up(engine)
        sa.event.listen(engine, "begin", _set_time_limits)
    return engine


def _set_time_limits(connection: sa.Connection) -> None:
    """Without these, a page hangs as long as another program locks a table of PostgreSQL."""
    # For this transaction only: PgBouncer refuses them as options of the connection, and would hand
    # on to other programs what is set for a connection.
    connection.exec_driver_sql(
        f"SELECT set_config('lock_timeout', '{1000 * BUSY_S:.0f}', true), "
        f"set_config('statement_timeout', '{1000 * _STATEMENT_S:.0f}', true)"
    )
    # The server keeps to its limits unless it is frozen.
    postgresql.limit_statements(connection, _STATEMENT_S + BUSY_S)


def lift_time_limit(connection: sa.Connection) -> None:
    """Let statements of this transaction take their time; they still wait ``BUSY_S`` for a lock."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        postgresql.limit_statements(connection, math.inf)


def now(connection: sa.Connection) -> datetime:
    """The time by the clock of the database: those of the machines that share it may differ."""
    if connection.dialect.name == "sqlite":  # which is on one machine
        return datetime.now(UTC)
    time: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return time.astimezone(UTC)


def _create_or_upgrade(engine: sa.Engine) -> None:
    """Create or upgrade the tables, and SQLite's file; one process at a time."""
    if engine.dialect.name == "postgresql":
        _upgrade(engine)
        return
    path = Path(str(engine.url.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock"), timeout=BUSY_S, mode=0o600):
        sqlite_file.create(engine)
        _upgrade(engine)


def _upgrade(engine: sa.Engine) -> None:
    """Upgrade the tables, unless they are up to date: to see that, nobody who writes is in the way,
    such as a process that rebuilds SQLite's file."""
    with engine.begin() as connection:
        if is_newest(connection):
            return
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            lift_time_limit(connection)
        migrate(connection)
