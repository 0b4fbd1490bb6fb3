"""Tests of the database: addresses, tables, migrations, and error messages."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

import fer_core.history as package
from fer_core.errors import HistoryUnavailable
from fer_core.history import LOCAL, History, database, migrations
from fer_core.history.database import _MIGRATION_LOCK, database_url, lift_time_limit
from fer_core.history.error_messages import explain
from fer_core.history.migrations.versions import r0003_problems_of_faces, r0004_movements
from fer_core.history.tables import metadata, sessions
from fer_core.paths import ROOT
from fer_core.schema import FaceQuality
from tests.history.conftest import Server, fill, running_server
from tests.history.frames import begin, face, frame, frames, times, whole
from tests.history.openings import NOWHERE, told_together


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_addresses_of_postgresql(scheme):
    url = database_url(f"{scheme}://ann:s%40cret@host:5433/name?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port) == ("ann", "s@cret", "host", 5433)
    assert url.query["sslmode"] == "require"


@pytest.mark.parametrize(
    "address",
    ["s3cret", "mysql://a:s3cret@h/n", "postgres://a:s3cret@h:port/n", "sqlite://", "sqlite:///:memory:"],
)  # fmt: skip
def test_addresses_nobody_can_use(address):
    with pytest.raises(HistoryUnavailable, match="DATABASE_URL") as caught:
        History(address).sessions(LOCAL)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_connection_in_use_is_closed_when_it_is_given_back(history):
    with history.database.reading() as connection:
        driver = connection.connection.dbapi_connection
        history.close()
        assert connection.scalar(sa.text("SELECT 1")) == 1
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
        driver.cursor()


def test_the_history_of_the_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "one"))
    history = package.history()
    begin(history, "first")
    assert (tmp_path / "one" / "history.sqlite3").is_file()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/two.sqlite3")
    assert package.history() is history
    assert history.sessions(LOCAL) == []
    monkeypatch.delenv("DATABASE_URL")
    assert [info.name for info in history.sessions(LOCAL)] == ["first"]
    history.close()


def test_a_sqlite_file_is_its_owners(sqlite_history, sqlite_file):
    begin(sqlite_history)
    assert stat.S_IMODE(sqlite_file.parent.stat().st_mode) == 0o700
    files = list(sqlite_file.parent.iterdir())
    assert len(files) >= 3  # with its log
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    with sqlite_history.database.reading() as connection:
        pragmas = ("journal_mode", "foreign_keys", "secure_delete", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert found == ["wal", 1, 1, 10_000]


def test_tables_and_migrations_agree(history):
    history.sessions(LOCAL)
    with history.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_revision_is_named():
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    assert [script.revision for script in scripts] == list(reversed(migrations.REVISIONS))


def test_a_history_stays_when_it_is_opened_again(history, url):
    session_id = begin(history)
    history.append(session_id, frames(3))
    again = History(url)
    assert times(again, session_id) == whole(frames(3))
    again.close()


def test_faces_saved_before_their_problems_were_measured(history, url):
    session_id = begin(history)
    history.append(session_id, frames(3))
    with history.database.writing() as connection:  # as the version before this one left it
        with Operations.context(MigrationContext.configure(connection)):
            r0004_movements.downgrade()
            r0003_problems_of_faces.downgrade()
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    again = History(url)
    dark = replace(face(), quality=FaceQuality(problems=("dark",)))
    again.append(session_id, [frame(1.0, dark), frame(2.0, replace(face(), quality=FaceQuality()))])
    table = again.table(session_id, LOCAL)
    again.close()
    assert list(table["problems"].isna()) == [True, True, True, False, False]
    assert list(table["problems"].dropna()) == ["dark", ""]
    assert list(table["t_s"]) == [*whole(frames(3)), 1.0, 2.0]


def test_a_history_of_a_newer_version(history, url):
    history.sessions(LOCAL)
    with history.database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    again = History(url)
    with pytest.raises(HistoryUnavailable, match="made by a newer version"):
        again.sessions(LOCAL)
    again.close()


@pytest.mark.parametrize(
    "made",
    [
        ["CREATE TABLE sessions (key TEXT)"],
        [
            "CREATE TABLE alembic_version (version_num TEXT)",
            "INSERT INTO alembic_version VALUES ('1c0cd7e3fabb')",
        ],
    ],
)
def test_a_database_of_another_program(empty_url, sqlite_file, made):
    sqlite_file.parent.mkdir()
    history = History(empty_url)
    engine = sa.create_engine(database_url(empty_url))
    with engine.begin() as connection:
        for statement in made:
            connection.execute(sa.text(statement))
    engine.dispose()
    with pytest.raises(HistoryUnavailable, match="tables of another program"):
        history.sessions(LOCAL)
    history.close()


def test_a_database_that_is_emptied(history):
    begin(history)
    with history.database.writing() as connection:
        for table in [*reversed(metadata.sorted_tables), sa.table("alembic_version")]:
            connection.execute(sa.text(f"DROP TABLE {table.name}"))
    with pytest.raises(HistoryUnavailable, match="missing or out of date"):
        begin(history)
    begin(history)
    assert history.count(LOCAL) == 1


@pytest.fixture
def backup(sqlite_history, sqlite_file, tmp_path):
    """A copy of a history with one session; then that got another, which is only in its log."""
    begin(sqlite_history, "before the backup")
    sqlite_history.close()
    copy = tmp_path / "backup.sqlite3"
    shutil.copyfile(sqlite_file, copy)
    begin(sqlite_history, "after the backup")
    assert log_of(sqlite_file).stat().st_size
    return copy


def log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def listed(history: History) -> list[str]:
    return [info.name for info in history.sessions(LOCAL)]


@pytest.mark.parametrize("with_logs", [False, True])
def test_a_backup_is_restored_while_the_file_is_open(
    backup, sqlite_history, sqlite_file, with_logs
):
    second = History(f"sqlite:///{sqlite_file}")
    assert len(listed(second)) == 2
    if with_logs:  # as one should
        log_of(sqlite_file).unlink()
        sqlite_file.with_name(f"{sqlite_file.name}-shm").unlink()
    backup.replace(sqlite_file)
    assert listed(sqlite_history) == ["before the backup"]
    begin(sqlite_history, "after the restoration")
    begin(second, "of another process")
    both = ["of another process", "after the restoration", "before the backup"]
    assert listed(second) == listed(sqlite_history) == both
    second.close()
    sqlite_history.close()
    with closing(sqlite3.connect(sqlite_file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (3,)


def test_a_transaction_that_a_restoration_interrupts_harms_nobody(
    backup, sqlite_history, sqlite_file
):
    with sqlite_history.database.writing() as connection:
        connection.execute(sa.update(sessions).values(name="lost"))
        backup.replace(sqlite_file)
        assert listed(sqlite_history) == ["before the backup"]
        begin(sqlite_history, "after the restoration")
    assert listed(sqlite_history) == ["after the restoration", "before the backup"]
    sqlite_history.close()
    with closing(sqlite3.connect(sqlite_file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("logs_too", [False, True])
def test_a_file_that_is_removed_is_made_anew_for_all(backup, sqlite_history, sqlite_file, logs_too):
    second = History(f"sqlite:///{sqlite_file}")
    assert len(listed(second)) == 2
    for path in (sqlite_file, *(sqlite_file.parent.glob("*-*") if logs_too else ())):
        path.unlink()
    begin(sqlite_history, "new")
    begin(second, "of another process")
    assert listed(second) == listed(sqlite_history) == ["of another process", "new"]
    second.close()


def test_tables_that_a_newer_version_changes_meanwhile(history, url):
    session_id = begin(history)
    with history.database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(sa.text("ALTER TABLE sessions RENAME COLUMN note TO remark"))
    with pytest.raises(HistoryUnavailable, match="missing or out of date"):
        begin(history)
    with pytest.raises(HistoryUnavailable, match="made by a newer version"):
        history.session(session_id, LOCAL)


def test_a_migration_that_breaks_leaves_nothing(empty_url, monkeypatch):
    def broken(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    history = History(empty_url)
    monkeypatch.setattr("alembic.command.upgrade", broken)
    with pytest.raises(HistoryUnavailable, match="no space left"):
        history.sessions(LOCAL)
    monkeypatch.undo()
    assert history.sessions(LOCAL) == []
    history.close()


def refused(path: Path) -> str:
    """Why a history cannot lie there."""
    history = History(f"sqlite:///{path}")
    with pytest.raises(HistoryUnavailable) as caught:
        history.sessions(LOCAL)
    history.close()
    return str(caught.value)


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "history.sqlite3"
    path.write_bytes(b"holiday pictures " * 999)
    assert "is not a database. Move it away" in refused(path)
    assert path.read_bytes() == b"holiday pictures " * 999


def test_a_damaged_database(sqlite_history, sqlite_file):
    sqlite_history.append(begin(sqlite_history), frames(300))
    sqlite_history.close()
    with sqlite_file.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (sqlite_file.stat().st_size - 4096))
    assert "damaged" in refused(sqlite_file)


def test_no_place_for_a_file(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert "FER_DATA_DIR" in refused(tmp_path / "file" / "history.sqlite3")
    (tmp_path / "folder").mkdir()
    assert "FER_DATA_DIR" in refused(tmp_path / "folder")


READER = """
import os, sys, tempfile
from fer_core.errors import HistoryUnavailable
from fer_core.history import History
with tempfile.TemporaryDirectory() as folder:  # what is imported late is then there
    history = History(f"sqlite:///{folder}/warm.sqlite3")
    history.sessions("local")
    history.close()
if os.geteuid() == 0:  # root may write everything
    os.setuid(65534)
for path in sys.argv[1:]:
    history = History(f"sqlite:///{path}")
    try:
        history.begin("live", "name", ("a", "b"), "m", "d")
    except HistoryUnavailable as error:
        print(error)
    history.close()
"""


def test_a_folder_and_a_file_that_may_only_be_read():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = folder / "made" / "history.sqlite3"
        for path in (made, folder / "file" / "history.sqlite3"):
            history = History(f"sqlite:///{path}")
            begin(history)
            history.close()
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o444)
        (folder / "file").chmod(0o777)
        (folder / "file" / "history.sqlite3.lock").unlink()
        paths = [folder / "none" / "history.sqlite3", made, folder / "file" / "history.sqlite3"]
        command = [sys.executable, "-c", READER, *map(str, paths)]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    sentences = said.stdout.splitlines()
    assert len(sentences) == 3, said.stderr
    assert all("permission denied" in each and "FER_DATA_DIR" in each for each in sentences)


def test_a_file_that_disappears_is_made_anew(sqlite_history, sqlite_file):
    begin(sqlite_history)
    shutil.rmtree(sqlite_file.parent)
    assert sqlite_history.sessions(LOCAL) == []
    begin(sqlite_history)
    with closing(sqlite3.connect(sqlite_file)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


def test_a_file_another_program_holds(sqlite_history, sqlite_file, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.1)
    session_id = begin(sqlite_history)
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HistoryUnavailable, match="another program is using it"):
        sqlite_history.rename(session_id, LOCAL, "new")
    assert sqlite_history.session(session_id, LOCAL).name == "name"  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    sqlite_history.rename(session_id, LOCAL, "new")


def test_a_full_disk(small_disk):
    history = History(f"sqlite:///{small_disk}/history.sqlite3")
    session_id = begin(history)
    history.append(session_id, frames(30))
    fill(small_disk)
    with pytest.raises(HistoryUnavailable, match="disk is full"):
        history.append(session_id, frames(2_000))
    assert len(times(history, session_id)) == 30
    (small_disk / "filler").unlink()
    history.append(session_id, frames(60))
    assert times(history, session_id) == whole(frames(60))
    history.close()


def test_a_history_is_opened_while_another_program_writes(history, url, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.1)
    session_id = begin(history)
    with history.database.writing():
        again = History(url)
        assert again.session(session_id, LOCAL).name == "name"
        again.close()


def test_a_file_is_rebuilt_where_it_lies(small_disk, tmp_path_factory):
    """And not where SQLite makes its temporary files by itself, which may be too small for it."""
    folder = tmp_path_factory.mktemp("Ann's")
    history = History(f"sqlite:///{folder}/history.sqlite3")
    with closing(sqlite3.connect(":memory:")) as connection:  # it is the same in all connections
        connection.execute(f"PRAGMA temp_store_directory = '{small_disk}'")
    history.set_thumbnail(begin(history), LOCAL, bytes(8_000_000))
    begin(history, owner="somebody else")
    assert history.delete_all("somebody else") == 1
    assert history.database.scrub()
    history.close()


def other_user(server: Server) -> str:
    return server.url().replace("//fer:", "//nobody-of-this-name:")


FAULTS: dict[str, tuple[Callable[[Server], str], str]] = {
    "password": (lambda s: s.url().replace(s.password, "s3cret"), "user name or the password"),
    "user": (lambda s: other_user(s), "user name or the password"),
    "database": (lambda s: s.url("absent"), "no database"),
    "server": (lambda s: "postgres://a:s3cret@127.0.0.1:9/n", "does not answer"),
    "option": (lambda s: s.url() + "?colour=s3cret", "part of DATABASE_URL is not valid"),
    "port": (lambda s: s.url().replace(str(s.port), "99999"), "part of DATABASE_URL is not valid"),
    "no password": (lambda s: s.url().replace(f":{s.password}", ""), "user name or the password"),
    "no encryption": (lambda s: s.url() + "?sslmode=require", "does not offer the encryption"),
    "no certificate": (
        lambda s: s.url() + "?sslmode=verify-full&sslrootcert=/s3cret", "the certificate that",
    ),
    "no schema": (lambda s: s.url() + "?options=-csearch_path%3Dnowhere", "no schema"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_servers_that_cannot_be_used(server, fault):
    address, sentence = FAULTS[fault]
    history = History(address(server))
    with pytest.raises(HistoryUnavailable, match=sentence) as caught:
        history.sessions(LOCAL)
    assert "s3cret" not in str(caught.value)
    assert server.password not in str(caught.value)


def test_a_server_that_lets_nobody_in():
    with running_server() as strict:
        strict.stop()
        (strict.data / "pg_hba.conf").write_text("host all all 192.0.2.1/32 scram-sha-256\n")
        strict.start()
        history = History(strict.url())
        with pytest.raises(HistoryUnavailable, match=r"does not let this user in .*pg_hba\.conf"):
            history.sessions(LOCAL)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('root certificate file "/root/.postgresql/root.crt" does not exist', "encryption"),
        ('server certificate for "a" does not match host name "b"', "encryption"),
        ("SSL error: certificate verify failed", "encryption"),
        ("SSL error: unexpected eof while reading", "does not answer"),
        ("SSL connection has been closed unexpectedly", "does not answer"),
    ],
)
def test_what_the_driver_says_of_encryption(said, sentence):
    assert sentence in explain(psycopg.OperationalError(f"connection failed: {said}"))


def test_who_waits_for_a_server_that_cannot_be_reached_waits_once(monkeypatch):
    history = History(NOWHERE)
    told, attempts = told_together(lambda: history.count(LOCAL), monkeypatch)
    assert all("does not answer" in each for each in told)
    assert attempts == 1
    tried: list[sa.Engine] = []
    monkeypatch.setattr(database, "_create_or_upgrade", tried.append)
    with pytest.raises(HistoryUnavailable):
        history.count(LOCAL)
    assert tried  # for who asks later


def test_a_table_another_program_locks(server, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.1)
    address = server.new_database()
    history = History(address)
    session_id = begin(history)
    with psycopg.connect(address.replace("postgres:", "postgresql:", 1)) as other:
        other.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        for use in (history.check, lambda: history.count(LOCAL), lambda: begin(history)):
            with pytest.raises(HistoryUnavailable, match="another program is using it"):
                use()
    assert history.session(session_id, LOCAL).name == "name"
    history.close()


def test_tables_another_process_upgrades(server, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.1)
    address = server.new_database()
    history = History(address)
    with psycopg.connect(address.replace("postgres:", "postgresql:", 1)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATION_LOCK])
        with pytest.raises(HistoryUnavailable, match="another program is using it"):
            history.count(LOCAL)
    assert history.count(LOCAL) == 0
    history.close()


def test_statements_that_take_too_long(server, monkeypatch):
    monkeypatch.setattr("fer_core.history.database._STATEMENT_S", 2.0)
    history = History(server.new_database())
    with (
        pytest.raises(HistoryUnavailable, match="took too long"),
        history.database.reading() as connection,
    ):
        connection.execute(sa.select(sa.func.pg_sleep(600.0)))
    limit = sa.text("SHOW statement_timeout")
    with history.database.writing() as connection:
        assert connection.execute(limit).scalar_one() == "2s"
        lift_time_limit(connection)
        assert connection.execute(limit).scalar_one() == "0"
    history.close()


def test_a_server_without_a_free_connection(server):
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as admin:
        admin.execute("CREATE ROLE crowd LOGIN PASSWORD 'word' CONNECTION LIMIT 0")
        history = History(f"postgres://crowd:word@127.0.0.1:{server.port}/postgres")
        with pytest.raises(HistoryUnavailable, match="has no connection left"):
            history.count(LOCAL)
        admin.execute("DROP ROLE crowd")


def test_two_processes_fit_a_server_that_lets_twenty_in(server, monkeypatch):
    monkeypatch.setattr("fer_core.history.database.BUSY_S", 0.1)
    history = History(server.new_database())
    history.count(LOCAL)
    with ExitStack() as held:
        opened = [held.enter_context(history.database.reading()) for _ in range(9)]
        with pytest.raises(HistoryUnavailable, match="Try again in a moment"):
            held.enter_context(history.database.reading())
    assert len(opened) == 9
    history.close()


def test_two_that_wait_for_each_other(server):
    history = History(server.new_database())
    first, second = begin(history), begin(history)
    held = threading.Barrier(2)

    def lock_both(*ids: int) -> str:
        try:
            with history.database.writing() as connection:
                for number in ids:
                    rows = sa.select(sessions.c.id).where(sessions.c.id == number)
                    connection.execute(rows.with_for_update())
                    if number == ids[0]:
                        held.wait()
        except HistoryUnavailable as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as both:
        told = [both.submit(lock_both, *ids) for ids in ((first, second), (second, first))]
    fine, lost = sorted(each.result() for each in told)
    assert fine == ""
    assert "another program is using it. Try again in a moment." in lost
    history.close()


def test_connections_that_broke_are_replaced(server):
    history = History(server.new_database())
    session_id = begin(history)
    server.stop()
    with pytest.raises(HistoryUnavailable, match="does not answer"):
        history.sessions(LOCAL)
    server.start()
    assert history.session(session_id, LOCAL).name == "name"
    history.close()
