"""Turns database errors into sentences for users.

The drivers' texts are not shown, because they may contain parts of an address, and so a password.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from filelock import Timeout
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fer_core.errors import HistoryUnavailable

BAD_ADDRESS = (
    "DATABASE_URL is not the address of a database this dashboard can use. Use "
    "postgresql://user:password@host/name or sqlite:///path/to/file.sqlite3."
)
NEWER = (
    "The history was made by a newer version of the dashboard. Update the dashboard, or point "
    "DATABASE_URL at another database."
)

FOREIGN = (
    "The database has tables of another program, with names that the history needs. Point "
    "DATABASE_URL at a database of its own."
)

_ELSEWHERE = (
    "Set FER_DATA_DIR, or DATABASE_URL if that names the file, to a place that can be written."
)
_FULL = "the disk is full. Free some space and try again."
_BUSY = "another program is using it. Try again in a moment."

_SQLITE = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_READONLY": "it is read-only. Allow this account to write to it and its folder.",
    "SQLITE_CANTOPEN": f"it cannot be opened. {_ELSEWHERE}",
    "SQLITE_NOTADB": "it is not a database. Move it away, and a new one will be created.",
    "SQLITE_CORRUPT": "it is damaged. Move it away, and a new one will be created.",
    "SQLITE_IOERR": "the disk failed or is full. Check the disk and try again.",
}
"""Sentences by the start of SQLite's error name."""

_LOGIN = "it refuses the user name or the password. Correct DATABASE_URL."
_NO_DATABASE = "there is no database or no user of this name. Correct DATABASE_URL."
_RIGHTS = "the user of DATABASE_URL may not write to it. Grant the right, or use another user."
_CROWDED = "its server has no connection left. Try again in a moment, or let it have more."
_POOLER = (
    "the pooler in front of its server splits transactions. Set its pool_mode to transaction or "
    "session, or use the address of the server itself."
)
_POOLER_STATE = "08P01"
"""The SQLSTATE of all errors of PgBouncer's own."""

_TABLES = "its tables are missing or out of date. Try again: the next use makes or upgrades them."
_SQLITE_TABLES = re.compile(r"no such (table|column)|table \w+ has no column")
"""How SQLite, which has no code for it, says that a table is not as expected."""

_POSTGRESQL = {
    "28": _LOGIN,
    "3D": _NO_DATABASE,
    "42501": _RIGHTS,
    "25006": _RIGHTS,
    "53100": _FULL,
    "55P03": _BUSY,
    "40": _BUSY,
    "57014": "its server took too long to answer. Try again in a moment.",
    "53300": _CROWDED,
    "3F": "its user has no schema for the tables. Set the user's search_path, or use another user.",
    "42P01": _TABLES,
    "42703": _TABLES,
}
"""Sentences by the start of the SQLSTATE."""

_UNREACHABLE = "its server does not answer. Start it, or correct DATABASE_URL."
_NOT_LET_IN = (
    "its server does not let this user in from here, or only with encryption. Add a line to its "
    "pg_hba.conf, or ?sslmode=require to DATABASE_URL."
)
_ENCRYPTION = (
    "its server does not offer the encryption or the certificate that DATABASE_URL asks for. "
    "Correct sslmode and sslrootcert there."
)
_PART = "a part of DATABASE_URL is not valid, such as its port or an option. Correct it."

_CONNECTING = {
    **dict.fromkeys(("authentication failed", "no password supplied"), _LOGIN),
    **dict.fromkeys(("too many", "connection slots", "no more connections"), _CROWDED),
    "query_wait_timeout": _CROWDED,
    "statement pooling": _POOLER,
    "pg_hba.conf": _NOT_LET_IN,
    "does not support SSL": _ENCRYPTION,
    **dict.fromkeys(("certificate file", "certificate verify", "certificate for"), _ENCRYPTION),
    **dict.fromkeys(("connection is bad: invalid", "invalid connection option"), _PART),
    "does not exist": _NO_DATABASE,
}
"""Sentences by a part of the text of an error without a SQLSTATE; the first that fits counts."""


@contextmanager
def translate_errors(location: str) -> Iterator[None]:
    """Turn errors of a database or a disk into ``HistoryUnavailable``.

    ``location`` is that of the database as text for users, without a password.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
        raise HistoryUnavailable(
            f"The history ({location}) cannot be used: {explain(error)}"
        ) from error
    except (PoolTimeout, Timeout) as error:
        raise HistoryUnavailable(f"The history ({location}) cannot be used: {_BUSY}") from error
    except OSError as error:
        reason = (error.strerror or "the disk failed").lower()
        raise HistoryUnavailable(
            f"The history ({location}) cannot be used: {reason}. {_ELSEWHERE}"
        ) from error


def location_of(url: sa.URL) -> str:
    """The location of a database as text, without user name and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.database or 'PostgreSQL'} on {url.host or 'this computer'}"


def explain(error: DBAPIError | psycopg.Error | sqlite3.Error) -> str:
    """The cause and what to do, as the second half of a sentence."""
    raised = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(raised, "sqlite_errorname", None)
    if name is not None:
        if _SQLITE_TABLES.match(str(raised)):
            return _TABLES
        return _starting(_SQLITE, name) or f"{str(raised).rstrip('.')}. Try again."
    state = getattr(raised, "sqlstate", None)
    if state in (None, _POOLER_STATE):  # no connection, or it was lost, or a pooler refused it
        text = str(raised)
        return next((cause for part, cause in _CONNECTING.items() if part in text), _UNREACHABLE)
    if state.startswith(("08", "57P")):
        return _UNREACHABLE
    return _starting(_POSTGRESQL, state) or f"its server reports error {state}. Try again."


def lacks_tables(error: DBAPIError) -> bool:
    """Whether the tables went after they were opened, or are those of another version: the database
    was emptied, a backup was restored, or a newer dashboard upgraded them."""
    return explain(error) == _TABLES


def _starting(causes: dict[str, str], code: str) -> str | None:
    return next((text for start, text in causes.items() if code.startswith(start)), None)
