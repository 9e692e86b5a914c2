from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.exc import DBAPIError
from tests.ledger.samples import NOW, an_item, record

from holdfast.ledger import Ledger
from holdfast.ledger.suggestions import Suggested, suggest
from holdfast.store import Database, StoreBusy, StoreTooNew, StoreUnavailable, database, upgrade
from holdfast.store.errors import explained
from holdfast.store.schema import REVISION, metadata

ROOT = Path(__file__).parents[2]


def test_the_migrations_make_the_tables_that_the_code_expects(database_url: str) -> None:
    with Database.open(database_url) as opened, opened.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION


def test_on_sqlite_they_are_the_same_to_the_letter(tmp_path: Path) -> None:
    def statements(connection: object) -> dict[str, str]:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")  # type: ignore[attr-defined]
        return {name: sql for name, sql in rows if "alembic" not in name}

    plain = create_engine("sqlite://")
    metadata.create_all(plain)
    with Database.open(data=tmp_path) as opened, opened.reading() as migrated, plain.connect() as made:
        assert statements(migrated) == statements(made)
    plain.dispose()


def test_the_newest_migration_is_the_revision_that_the_code_names() -> None:
    config = Config()
    config.set_main_option("script_location", "holdfast.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_a_database_of_an_older_holdfast_is_upgraded_with_all_that_it_holds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    real = command.upgrade
    with monkeypatch.context() as older:
        older.setattr(upgrade, "REVISION", "0001")
        older.setattr(command, "upgrade", lambda config, _: real(config, "0001"))
        with Ledger.open(database_url) as ledger:
            record(ledger, [an_item(n) for n in range(30)])
            before = (list(ledger.read()), ledger.head())
            with ledger.database.reading() as connection:
                assert "ix_events_suggested" not in indexes_of(connection)
    with Ledger.open(database_url) as ledger:
        with ledger.database.reading() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == REVISION
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
            assert "ix_events_suggested" in indexes_of(connection)
        assert (list(ledger.read()), ledger.head()) == before
        assert suggest(ledger, [Suggested(an_item(0), {"THREAT": 1.0}, "k")], NOW) == [30]
        assert ledger.verify() == []


def indexes_of(connection: Connection) -> set[str | None]:
    return {index["name"] for index in inspect(connection).get_indexes("events")}


def test_sqlite_is_opened_to_survive(tmp_path: Path) -> None:
    with Database.open(data=tmp_path / "made" / "on first use") as opened:
        for _ in range(2):  # from the pool as well as fresh
            with opened.reading() as connection:
                found = {
                    name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
                }
            assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    folder = tmp_path / "made" / "on first use"
    assert (folder / "holdfast.db").is_file()
    assert folder.stat().st_mode & 0o077 == 0, "for its owner only"


def test_a_database_of_a_newer_holdfast_is_refused_and_left_alone(database_url: str) -> None:
    with Database.open(database_url) as opened, opened.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="newer") as refused:
        Database.open(database_url)
    assert "9999" in str(refused.value)
    assert "holdfast@" not in str(refused.value) or "password" not in str(refused.value)


def test_an_unfinished_upgrade_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    def fail(config: Config, revision: str) -> None:
        real(config, revision)
        raise KeyboardInterrupt

    real = command.upgrade
    monkeypatch.setattr(command, "upgrade", fail)
    with pytest.raises(KeyboardInterrupt):
        Database.open(data=tmp_path)
    plain = create_engine(f"sqlite:///{tmp_path / 'holdfast.db'}")
    assert inspect(plain).get_table_names() == []
    plain.dispose()
    monkeypatch.undo()
    Database.open(data=tmp_path).close()


def test_processes_may_open_a_new_database_at_once(database_url: str) -> None:
    code = "import sys; from holdfast.store import Database; Database.open(sys.argv[1]).close()"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, database_url], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    with Database.open(database_url) as opened, opened.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tree").scalar_one() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM secrets").scalar_one() == 1


def test_a_reader_sees_one_state_throughout(database_url: str) -> None:
    with Database.open(database_url) as opened:
        with opened.reading() as reader:
            before = reader.exec_driver_sql("SELECT size FROM tree").scalar_one()
            with opened.writing() as writer:
                writer.exec_driver_sql("UPDATE tree SET size = 7")
            assert reader.exec_driver_sql("SELECT size FROM tree").scalar_one() == before
        with opened.reading() as reader:
            assert reader.exec_driver_sql("SELECT size FROM tree").scalar_one() == 7


def test_an_exception_undoes_a_transaction(database_url: str) -> None:
    with Database.open(database_url) as opened:
        with pytest.raises(ZeroDivisionError), opened.writing() as writer:
            writer.exec_driver_sql("UPDATE tree SET size = 7")
            raise ZeroDivisionError
        with opened.reading() as reader:
            assert reader.exec_driver_sql("SELECT size FROM tree").scalar_one() == 0


def test_one_writer_at_a_time_and_no_wait_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 0.2)
    with Database.open(database_url) as one, Database.open(database_url) as other, one.writing():
        with pytest.raises(StoreBusy, match="too long"), other.writing():
            pass  # another process's writer, as it were
        failures: list[BaseException] = []

        def write() -> None:
            try:
                with one.writing():
                    pass
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert [type(failure) for failure in failures] == [StoreBusy]
    with Database.open(database_url) as again, again.writing():
        pass


@pytest.mark.parametrize(
    "url",
    [
        "no url at all",
        "mysql://user@host/name",
        "nonsense://x",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+asyncpg://host/name",
        "",
    ],
)
def test_what_cannot_be_used_is_said_so(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        Database.open(url)


def test_a_server_that_is_not_there_is_said_so_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailable, match="cannot be opened") as refused:
        Database.open("postgresql://user:sesame@127.0.0.1:1/name")
    assert "sesame" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        Database.open(data=tmp_path / "file" / "data")


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "holdfast.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreUnavailable):
        Database.open(data=tmp_path)


def test_errors_of_the_driver_do_not_quote_rows(tmp_path: Path) -> None:
    from sqlalchemy.exc import IntegrityError

    from holdfast.store.schema import policies

    with (
        Database.open(data=tmp_path) as opened,
        pytest.raises(IntegrityError) as failure,
        opened.writing() as writer,
    ):
        opened.insert(writer, policies, [("p", "words of a person", None, 0, 0, None)])
    assert "words of a person" not in str(failure.value)


def test_an_explanation_quotes_no_row() -> None:
    class FromTheServer(Exception):
        sqlstate = "22P02"

    refusal = explained(DBAPIError(None, None, FromTheServer("invalid input: unmistakable")), "the ledger")
    assert "unmistakable" not in str(refusal)
    assert "FromTheServer 22P02" in str(refusal)
    full = explained(
        DBAPIError(None, None, sqlite3.OperationalError("database or disk is full")), "the ledger"
    )
    assert "make room" in str(full)


def test_words_are_for_the_owner_even_in_a_folder_made_by_hand(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Database.open(data=tmp_path) as opened, opened.writing():
        for file in tmp_path.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file.name
