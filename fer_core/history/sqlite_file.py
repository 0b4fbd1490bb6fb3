"""SQLite's file: its connections, where its temporary files are, and how it is rebuilt."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa


def check_writable(path: Path) -> None:
    """Raise ``OSError`` if a file cannot be written, or cannot be created with its folders."""
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(existing, os.W_OK if existing == path else os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(existing))
    if existing != path and not existing.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(existing))


Files = dict[Path, tuple[int, int]]
"""A database and the files beside it, with the device and the number of each on it."""


def files_of(path: Path) -> Files:
    """The files of a database at this path that exist. Raises ``OSError``."""
    found: Files = {}
    for each in (path, *_logs_of(path)):
        with suppress(FileNotFoundError):
            status = each.stat()
            found[each] = (status.st_dev, status.st_ino)
    return found


def is_replaced(path: Path, opened: Files) -> bool:
    """Whether the opened database was removed, or replaced as by a restored backup: whatever is
    written to it now is lost. Raises ``OSError``."""
    return files_of(path).get(path) != opened.get(path)


def remove_logs(path: Path, opened: Files) -> None:
    """Remove the logs of an opened database whose file was replaced, which SQLite would take for
    those of the new one. Logs that came with the new one stay. Raises ``OSError``."""
    for each, identity in files_of(path).items():
        if each != path and opened.get(each) == identity:
            each.unlink(missing_ok=True)


def _logs_of(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm")]


def set_up(engine: sa.Engine) -> None:
    """Prepare the connections of a new engine and how their transactions begin."""
    sa.event.listen(engine, "connect", _connected)
    sa.event.listen(engine, "begin", _begin)


def _connected(connection: Any, _record: object) -> None:
    # Transactions are begun by _begin, not by Python's driver.
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "secure_delete = ON", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own function is for ASCII only, and a search for "änne" should find "Änne".
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin(connection: sa.Connection) -> None:
    # Otherwise a transaction that reads, then writes, fails instead of waiting for another writer.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def create(engine: sa.Engine) -> None:
    """Create the file if it is missing, readable by its owner only."""
    path = Path(str(engine.url.database))
    # SQLite creates its log files with the mode of the database.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with _outside_transactions(engine) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        _keep_temporary_files(connection, path.parent.absolute())


def scrub(engine: sa.Engine) -> bool:
    """Rebuild the file if rows were deleted; returns whether nothing of them is left."""
    with _outside_transactions(engine) as connection:
        requests = _requests(connection)
        if not requests:
            return True
        connection.execute("VACUUM")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy and _scrubbed(connection, requests)


def _scrubbed(connection: sqlite3.Connection, requests: int) -> bool:
    """Note that the file is rebuilt, unless another process deleted rows meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    done = _requests(connection) == requests
    if done:
        connection.execute("PRAGMA user_version = 0")
    connection.execute("COMMIT")
    return done


def request_scrub(connection: sa.Connection) -> None:
    """Note in this transaction that rows were deleted."""
    count = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version = {count + 1}")


def _requests(connection: sqlite3.Connection) -> int:
    """How often rows were deleted since the file was last rebuilt."""
    [count] = connection.execute("PRAGMA user_version").fetchone()
    return int(count)


def _keep_temporary_files(connection: sqlite3.Connection, folder: Path) -> None:
    """Let this process's SQLite put its temporary files into a folder.

    ``VACUUM`` writes a copy of the whole database, for which ``/tmp`` may be too small: in a
    container it is often memory. SQLite reads ``SQLITE_TMPDIR`` only when Python imports it, so
    that is too late here.
    """
    if connection.execute("PRAGMA temp_store_directory").fetchone() != (str(folder),):
        quoted = str(folder).replace("'", "''")
        connection.execute(f"PRAGMA temp_store_directory = '{quoted}'")


@contextmanager
def _outside_transactions(engine: sa.Engine) -> Iterator[sqlite3.Connection]:
    """SQLite's own connection, for statements that work only outside a transaction."""
    connection = engine.raw_connection()
    try:
        yield cast(sqlite3.Connection, connection.driver_connection)
    finally:
        connection.close()
