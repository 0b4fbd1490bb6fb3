"""Connections to PostgreSQL that give up a server that does not answer."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

ANSWER_S = 10.0
"""The longest wait for what a server does at once: a sign of life, the begin of a transaction."""

_T = TypeVar("_T")


class ServerSilent(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed."""


class Connection(psycopg.Connection[Any]):
    """A connection that waits for ``statement_s`` at most, and between transactions for
    ``ANSWER_S``.

    Without a limit it waits for ever for a server whose processes are frozen: their machine keeps
    the connection alive, and the time limits of statements are the server's own.
    """

    statement_s = math.inf

    def wait(self, gen: Generator[Any, Any, _T], *others: Any, **options: Any) -> _T:
        """Do the work of ``gen``, as psycopg does. Raises ``ServerSilent``."""
        idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        limit_s = ANSWER_S if idle else self.statement_s
        try:
            return super().wait(_limited(gen, time.monotonic() + limit_s), *others, **options)
        except ServerSilent:
            self.close()
            raise


def set_up(engine: sa.Engine) -> None:
    """Let a new engine make such connections."""
    sa.event.listen(engine, "do_connect", _connect)


def limit_statements(connection: sa.Connection, seconds: float) -> None:
    """Wait for each statement of this transaction for this long at most."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, Connection)
    driver.statement_s = seconds


def _connect(_dialect: sa.Dialect, _record: object, arguments: Any, options: Any) -> Connection:
    return Connection.connect(*arguments, **options)


def _limited(work: Generator[Any, Any, _T], until_s: float) -> Generator[Any, Any, _T]:
    """The same work, until then. While nothing comes, psycopg looks in ten times a second."""
    try:
        ready = yield next(work)
        while ready or time.monotonic() < until_s:
            ready = yield work.send(ready)
    except StopIteration as end:
        result: _T = end.value
        return result
    raise ServerSilent("the server did not answer in time")
