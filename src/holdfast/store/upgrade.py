"""Bringing a database's tables up to date: forward only, once, whoever opens first.

The whole upgrade is one transaction under the writers' lock, so of several processes that open a new
database at once one makes the tables and the others find them.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect

from holdfast.store.errors import StoreTooNew
from holdfast.store.schema import REVISION

VERSION_TABLE = "alembic_version"


def upgrade(engine: Engine, lock: int) -> None:
    """Make or upgrade the tables. Raises `StoreTooNew` when the database is ahead of this Holdfast."""
    with engine.connect() as connection:
        if _revision(connection) == REVISION:
            return  # nearly always; spares the import of Alembic
    with engine.connect() as connection:
        connection = connection.execution_options(holdfast_begin="BEGIN IMMEDIATE")
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")
            found = _revision(connection)
            if found != REVISION:
                _run(connection, found)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    row = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").first()  # noqa: S608
    return None if row is None else str(row[0])


def _run(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "holdfast.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreTooNew(
            "the database was written by another, probably newer, Holdfast",
            where=connection.engine.url.render_as_string(hide_password=True),
            value=f"schema {found}"[:80],
            expected=f"schema {REVISION} or older",
            next_step="install the Holdfast that wrote it, or a newer one; nothing was changed",
        )
    command.upgrade(config, "head")
