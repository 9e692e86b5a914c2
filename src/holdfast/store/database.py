"""Opening a database, and the two ways to use it: reading a snapshot, and writing alone.

SQLite runs in WAL mode, so readers never wait; writers take their turn by BEGIN IMMEDIATE. PostgreSQL
writers take their turn by an advisory lock that lasts for the transaction. Either way one transaction
at a time appends, in whatever process it runs.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError

from holdfast.store.errors import StoreBusy, StoreUnavailable, explained
from holdfast.store.upgrade import upgrade

FILE_NAME = "holdfast.db"
LOCK_TIMEOUT_S = 30.0
SCRUB_TIMEOUT_MS = 1_000
CACHE_BYTES = 64 * 1024 * 1024
CHECKPOINT_PAGES = 8_192
"""Pages after which the WAL is folded into the database: 32 MiB, so that an index page which many
appends touch is written once for all of them."""
ADVISORY_LOCK = 0x686F6C64666173  # "holdfas": one lock a database, as PostgreSQL's are per database

DRIVERS = ("sqlite", "postgresql+psycopg")
Synchronous = Literal["FULL", "NORMAL"]


class Database:
    """A database with Holdfast's tables in it. Safe to share between threads; use `close` at the end."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()
        self._inserts: dict[str, str] = {}

    @classmethod
    def open(
        cls, url: str | None = None, *, data: Path | None = None, synchronous: Synchronous = "FULL"
    ) -> Database:
        """Open the database at the SQLAlchemy URL `url`, or `holdfast.db` in the folder `data`.

        Makes folder and tables on first use and brings older tables up to date. `synchronous` is
        SQLite's: FULL survives loss of power, NORMAL only the death of the process. Raises
        `StoreUnavailable`, and `StoreTooNew` for tables of a newer Holdfast.
        """
        place = _place(url, data)
        if place.get_backend_name() == "sqlite":
            engine = _open_sqlite(place, synchronous)
        else:
            engine = create_engine(place, pool_pre_ping=True, hide_parameters=True)
        database = cls(engine)
        try:
            upgrade(database.engine, ADVISORY_LOCK)
        except DBAPIError as error:
            engine.dispose()
            refusal = explained(
                error, place.render_as_string(hide_password=True), "the database cannot be opened"
            )
            # No row was read or written yet that the driver could quote.
            refusal.value = str(error.orig).strip()[:200]
            raise refusal from None
        except BaseException:
            engine.dispose()
            raise
        return database

    @property
    def name(self) -> str:
        """What to call this database in messages; without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one snapshot of the database throughout."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

    @contextmanager
    def inspecting(self) -> Iterator[Connection]:
        """Like `reading`, for cells that may have been tampered with: text that is not UTF-8 comes with
        surrogate escapes instead of an error."""
        with self.reading() as connection:
            if not self.is_sqlite:
                yield connection
                return
            driver: Any = connection.connection.driver_connection
            driver.text_factory = _lenient
            try:
                yield connection
            finally:
                driver.text_factory = str

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside; committed at the end, undone by an exception.

        Raises `StoreBusy` when the turn does not come within thirty seconds.
        """
        if not self._turn.acquire(timeout=LOCK_TIMEOUT_S):
            raise self._busy()
        try:
            with self.engine.connect() as connection:
                connection = connection.execution_options(holdfast_begin="BEGIN IMMEDIATE")
                try:
                    transaction = connection.begin()
                    if not self.is_sqlite:
                        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(LOCK_TIMEOUT_S * 1000)}")
                        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
                except OperationalError as error:
                    if "locked" in str(error.orig) or "lock timeout" in str(error.orig):
                        raise self._busy() from None
                    raise
                with transaction:
                    yield connection
        finally:
            self._turn.release()

    def insert(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert `rows`, each a value for every column of `table` in the order of its declaration.

        Goes to the driver directly: at 20,000 decisions a second the compilation of each statement
        would cost more than the inserts.
        """
        if not rows:
            return
        if not self.is_sqlite:
            _copy(connection, table, rows)
            return
        statement = self._inserts.get(table.name)
        if statement is None:
            marks = ", ".join("?" * len(table.columns))
            statement = f'INSERT INTO "{table.name}" ({_columns(table)}) VALUES ({marks})'  # noqa: S608
            self._inserts[table.name] = statement
        connection.exec_driver_sql(statement, list(rows))

    def scrub(self) -> bool:
        """Take what was just erased out of the files. Returns whether nothing is left in SQLite's WAL.

        A reader with an old snapshot can keep the WAL from being emptied; it is emptied by the next
        call once the reader is gone. On PostgreSQL this vacuums the texts; its own WAL and backups are
        the operator's to expire.
        """
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            if not self.is_sqlite:
                connection.exec_driver_sql("VACUUM texts")
                return True
            # While it waits for readers it holds up writers.
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {SCRUB_TIMEOUT_MS}")
            try:
                busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(LOCK_TIMEOUT_S * 1000)}")
            return not busy

    def compact(self) -> None:
        """Rewrite the whole database without its unused space, in which traces of what was erased may stand.

        Takes a while, as much disk again, and keeps writers out meanwhile.
        """
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                connection.exec_driver_sql("VACUUM" if self.is_sqlite else "VACUUM FULL")
            except OperationalError as error:
                if "locked" in str(error.orig):
                    raise self._busy() from None
                raise
        self.scrub()

    def _busy(self) -> StoreBusy:
        return StoreBusy(
            "another writer held the database for too long",
            where=self.name,
            expected=f"its turn within {LOCK_TIMEOUT_S:.0f} s",
            next_step="see whether another Holdfast process hangs on this database; then try again",
        )


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


_POSTGRESQL_TYPES: dict[type, str] = {BigInteger: "int8", Integer: "int4", Text: "text", LargeBinary: "bytea"}


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY in binary: an INSERT a row, even pipelined, is three times slower."""
    from psycopg import errors

    driver: Any = connection.connection.driver_connection
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({_columns(table)}) FROM STDIN (FORMAT BINARY)') as copy,
        ):
            copy.set_types([_POSTGRESQL_TYPES[type(column.type)] for column in table.columns])
            for row in rows:
                copy.write_row(row)
    except errors.IntegrityError as error:
        raise IntegrityError("COPY", None, error, hide_parameters=True) from None


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _place(url: str | None, data: Path | None) -> URL:
    if url is None:
        folder = Path() if data is None else data
        try:
            # What people wrote is in there: for the owner's eyes only.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                "the data folder cannot be made",
                where=str(folder),
                value=error.strerror,
                next_step="name another folder with --data or HOLDFAST_DATA",
            ) from None
        file = folder / FILE_NAME
        with contextlib.suppress(OSError):
            # The folder may have been made by hand. SQLite gives its other files the same rights.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        return URL.create("sqlite", database=str(file))
    try:
        place = make_url(url)
        if place.drivername in ("postgresql", "postgres"):
            place = place.set(drivername="postgresql+psycopg")
        place.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreUnavailable(
            "is not the URL of a database that Holdfast can use",
            where="database",
            value=str(error).splitlines()[0][:120],
            expected="sqlite:///FILE or postgresql://USER@HOST/NAME",
            next_step="for PostgreSQL install the extra: pip install 'holdfast[postgresql]'",
        ) from None
    if place.drivername not in DRIVERS:
        raise StoreUnavailable(
            "names a kind of database that Holdfast does not use",
            where="database",
            value=place.drivername,
            expected=" or ".join(DRIVERS),
        )
    return place


def _open_sqlite(place: URL, synchronous: Synchronous) -> Engine:
    if place.database in (None, "", ":memory:"):
        raise StoreUnavailable(
            "a database in memory forgets and cannot be shared",
            where="database",
            value=str(place),
            expected="sqlite:///FILE",
        )
    engine = create_engine(place, connect_args={"timeout": LOCK_TIMEOUT_S}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        # The driver's own BEGIN comes too late for a snapshot; `begin` below says it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "secure_delete = ON",
            f"cache_size = -{CACHE_BYTES // 1024}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(options.get("holdfast_begin", "BEGIN"))

    return engine


__all__ = ["Database"]
