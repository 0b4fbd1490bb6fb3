"""A history on PostgreSQL behind PgBouncer, which gives each transaction any of its connections."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from fer_core.errors import HistoryUnavailable
from fer_core.history import LOCAL, History
from tests.history.conftest import Server
from tests.history.frames import begin
from tests.servers import free_port, wait_until_it_listens

OFTEN = 10
"""More often than psycopg executes a statement before it prepares it."""

Pooled = Callable[[str], str]


class PgBouncer:
    """PgBouncer in front of a server, with a single connection to it for each database."""

    def __init__(self, program: str, server: Server, folder: Path, mode: str) -> None:
        self.port = free_port()
        self.log = folder / "log"
        users, settings = folder / "users.txt", folder / "pgbouncer.ini"
        users.write_text(f'"fer" "{server.password}"\n')
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {users}\n"
            f"pool_mode = {mode}\ndefault_pool_size = 1\nquery_wait_timeout = 1\n"
        )
        command = [program, str(settings)]
        if os.geteuid() == 0:  # PgBouncer refuses to run as root
            for path in (folder, users, settings):
                shutil.chown(path, "postgres", "postgres")
            command = [program, "-u", "postgres", str(settings)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until_it_listens(self._process, self.port, self.log)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def pooled(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    """``pooled(mode)`` is the address of a new database behind PgBouncer in this mode."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is absent (Debian: apt-get install pgbouncer)")
    running: list[PgBouncer] = []

    def start(mode: str) -> str:
        running.append(PgBouncer(program, server, tmp_path_factory.mktemp("pgbouncer"), mode))
        return server.new_database().replace(f":{server.port}/", f":{running[-1].port}/")

    yield start
    for each in running:
        each.stop()


def direct(server: Server, address: str) -> str:
    """The address of the same database without PgBouncer, for psycopg."""
    return server.url(address.rpartition("/")[2], scheme="postgresql")


def test_processes_share_the_connections_of_a_pooler(pooled):
    address = pooled("transaction")
    first, second = History(address), History(address)
    for history in (first, second, first):
        for _ in range(OFTEN):
            begin(history)
    assert first.count(LOCAL) == second.count(LOCAL) == 3 * OFTEN
    first.close()
    second.close()


def test_other_programs_do_not_get_the_time_limits(pooled):
    address = pooled("transaction")
    history = History(address)
    begin(history)
    with psycopg.connect(address.replace("postgres:", "postgresql:", 1)) as other:
        for name in ("lock_timeout", "statement_timeout"):
            assert other.execute(f"SHOW {name}".encode()).fetchall() == [("0",)]
    history.close()


def test_the_time_limits_hold_behind_a_pooler(server, pooled, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.1)
    address = pooled("transaction")
    history = History(address)
    begin(history)
    with psycopg.connect(direct(server, address)) as other:
        other.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(HistoryUnavailable, match="another program is using it"):
            history.count(LOCAL)
    history.close()


def test_a_pooler_that_splits_transactions_is_named(pooled):
    history = History(pooled("statement"))
    with pytest.raises(HistoryUnavailable, match="pool_mode to transaction or session"):
        history.count(LOCAL)


def test_a_pooler_without_a_free_connection(pooled):
    address = pooled("session")
    first, second = History(address), History(address)
    assert first.count(LOCAL) == 0  # keeps the only connection
    with pytest.raises(HistoryUnavailable, match="has no connection left"):
        second.count(LOCAL)
    first.close()
    assert second.count(LOCAL) == 0
    second.close()


def test_a_database_that_a_pooler_does_not_know(server, pooled):
    address = pooled("transaction")
    stranger = address.replace("//fer:", "//stranger:")
    for unknown in (stranger, f"{address}no"):
        with pytest.raises(HistoryUnavailable, match=r"no database or no user|refuses the user"):
            History(unknown).count(LOCAL)
