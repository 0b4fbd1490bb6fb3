"""A history in each database: a SQLite file, and a PostgreSQL server started for this run."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from fer_core.history import LOCAL, History, tables
from fer_core.history.migrations import REVISIONS
from tests.servers import free_port

DEBIAN = Path("/usr/lib/postgresql")


class Server:
    """A PostgreSQL server of its own, in a temporary folder, with passwords and without fsync."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.data = folder / "data"
        self.password = secrets.token_hex(8)
        self._numbers = itertools.count()
        self.port = free_port()
        word = folder / "word"
        word.write_text(self.password)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(word, "postgres", "postgres")
        self._run("initdb", "--no-sync", "-A", "scram-sha-256", "-U", "fer", "--pwfile", word)

    def start(self) -> None:
        """Start it and wait until it answers."""
        fast = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        place = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.data}"
        log = self.data.parent / "log"
        self._run("pg_ctl", "-w", "-l", log, "-o", f"{fast} {place}", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it, whoever is connected; "immediate" does not care for what it holds."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """None of its processes does anything, and their connections stay open."""
        with psycopg.connect(self.url(scheme="postgresql")) as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        head = (self.data / "postmaster.pid").read_text().partition("\n")[0]
        processes = [int(head), *(pid for (pid,) in rows)]
        try:
            _send(signal.SIGSTOP, processes)
            yield
        finally:
            _send(signal.SIGCONT, processes)

    def url(self, database: str = "postgres", scheme: str = "postgres") -> str:
        """An address as Heroku gives it."""
        return f"{scheme}://fer:{self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """The address of a new database, empty or a copy of another."""
        name = f"fer{next(self._numbers)}"
        with psycopg.connect(self.url(scheme="postgresql"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), "-D", str(self.data), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # A pipe would stay open as long as the server it starts.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, stdout=said, stderr=said, cwd="/", check=False)
            said.seek(0)
            assert done.returncode == 0, said.read().decode()


def _send(what: signal.Signals, processes: Iterable[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):  # one of them only listed the others
            os.kill(process, what)


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest first."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    paths = [*found, *([Path(on_path)] if on_path else [])]
    return paths[-1].parent if paths else None


@contextmanager
def running_server() -> Iterator[Server]:
    """A PostgreSQL server, with its data in a folder that goes with it; skips where PostgreSQL is
    not installed."""
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is absent (Debian: apt-get install postgresql)")
    with tempfile.TemporaryDirectory(prefix="fer-postgresql-") as folder:
        made = Server(where, Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop("immediate")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server that most tests share."""
    with running_server() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database."""
    return str(request.param)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, kind: str, sqlite_file: Path) -> str:
    """The address of a database without tables, one of each kind."""
    if kind == "sqlite":
        return f"sqlite:///{sqlite_file}"
    made: Server = request.getfixturevalue("server")
    return made.new_database()


def _with_tables(url: str) -> None:
    history = History(url)
    history.count(LOCAL)
    history.close()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables, and nothing in them."""
    file = tmp_path_factory.mktemp("tables") / "history.sqlite3"
    _with_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql_tables(server: Server) -> str:
    """The name of a database with the tables, and nothing in them."""
    url = server.new_database()
    _with_tables(url)
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def used_databases() -> list[str]:
    """The addresses of PostgreSQL databases with tables, for the next test. Each has eight
    megabytes of files; to delete those of a whole run took the disk half a minute."""
    return []


def _emptied(url: str) -> bool:
    """Whether all tables are empty and new now: not where somebody still holds one."""
    try:
        with psycopg.connect(url.replace("postgres:", "postgresql:", 1)) as connection:
            connection.execute("SET lock_timeout = '2s'")
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            names = {name for (name,) in connection.execute(query)}
            if names != {*tables.metadata.tables, "alembic_version"}:
                return False
            [(version,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            emptied = ", ".join(names - {"alembic_version"})
            connection.execute(f"TRUNCATE {emptied} RESTART IDENTITY CASCADE".encode())
            return bool(version == REVISIONS[-1])
    except psycopg.Error:
        return False


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, sqlite_file: Path) -> Iterator[str]:
    """The address of an empty history, one of each kind. Its tables come from a copy or from the
    test before, because the migrations take longer than most tests."""
    if kind == "sqlite":
        sqlite_file.parent.mkdir()
        shutil.copyfile(request.getfixturevalue("sqlite_tables"), sqlite_file)
        yield f"sqlite:///{sqlite_file}"
        return
    made: Server = request.getfixturevalue("server")
    used: list[str] = request.getfixturevalue("used_databases")
    template: str = request.getfixturevalue("postgresql_tables")
    database = used.pop() if used else made.new_database(template)
    yield database
    if _emptied(database):
        used.append(database)


@pytest.fixture
def history(url: str) -> Iterator[History]:
    """An empty history in a database of each kind."""
    made = History(url)
    yield made
    made.close()


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """Where a SQLite history may come to lie."""
    return tmp_path / "history" / "history.sqlite3"


@pytest.fixture
def sqlite_history(sqlite_file: Path) -> Iterator[History]:
    """An empty history in a SQLite file."""
    made = History(f"sqlite:///{sqlite_file}")
    yield made
    made.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def fill(disk: Path, free: int = 0) -> None:
    """Fill a small disk up to these bytes, with a file that is called ``filler``."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        while (room := shutil.disk_usage(disk).free - free) > 0:
            filler.write(bytes(min(4096, room)))
