"""A PostgreSQL server that is frozen: its connections stay open, and it answers nothing."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from fer_core.errors import HistoryUnavailable
from fer_core.history import LOCAL, History, postgresql
from fer_core.history.database import lift_time_limit
from tests.history.conftest import Server, running_server
from tests.history.frames import begin
from tests.waiting import DEADLINE_S, until

SILENT = "its server does not answer. Start it"


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """One whose other users are not frozen with it."""
    with running_server() as made:
        yield made


@pytest.fixture
def history(own_server: Server) -> Iterator[History]:
    made = History(own_server.new_database())
    begin(made)
    yield made
    made.close()


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """A thread that may wait for ever."""
    with ThreadPoolExecutor(1) as made:
        yield made


def test_who_waits_for_a_frozen_server_is_told(history, own_server, elsewhere, monkeypatch):
    with own_server.frozen(), monkeypatch.context() as patch:
        patch.setattr(postgresql, "ANSWER_S", 0.1)
        waiting = elsewhere.submit(history.sessions, LOCAL)
        until(waiting.done)
    with pytest.raises(HistoryUnavailable, match=SILENT):
        waiting.result()
    assert history.count(LOCAL) == 1


def test_a_server_that_freezes_in_a_transaction(history, own_server, elsewhere):
    begun, frozen = threading.Event(), threading.Event()

    def write() -> None:
        with history.database.writing() as connection:
            postgresql.limit_statements(connection, 0.1)
            begun.set()
            frozen.wait(DEADLINE_S)
            connection.execute(sa.text("SELECT 1"))

    writing = elsewhere.submit(write)
    until(begun.is_set)
    with own_server.frozen():
        frozen.set()
        until(writing.done)
    with pytest.raises(HistoryUnavailable, match=SILENT):
        writing.result()
    assert history.count(LOCAL) == 1


def test_a_long_statement_is_no_silence(history, monkeypatch):
    with history.database.reading() as connection, monkeypatch.context() as patch:
        patch.setattr(postgresql, "ANSWER_S", 0.0)
        connection.execute(sa.text("SELECT pg_sleep(0.3)"))
        lift_time_limit(connection)
        driver = connection.connection.driver_connection
        assert isinstance(driver, postgresql.Connection)
        assert driver.statement_s == math.inf
    assert history.count(LOCAL) == 1
