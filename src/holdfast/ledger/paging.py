"""Reading millions of rows with flat memory: page by page along the primary key.

Each page is its own short transaction, so that a slow reader neither pins SQLite's WAL nor holds back
PostgreSQL's vacuum. Events never change, so pages of them need no common snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection

from holdfast.store.database import Database

PAGE_ROWS = 512
PAGE_BYTES = 4 * 1024 * 1024
FETCH_ROWS = 32
LOOKUP = 500
"""Rows that one SELECT looks up: within every engine's limit on parameters."""

EventRow: TypeAlias = tuple[int, int, str | None, str, bytes, bytes]
"""seq, at, key, type, body, leaf"""


def stream_events(database: Database, start: int, stop: int) -> Iterator[EventRow]:
    """The stored rows of the events from `start` up to `stop` (exclusive), in order."""
    while start < stop:
        with database.reading() as connection:
            page = event_page(connection, start, stop)
        if not page:
            return
        yield from page
        start = page[-1][0] + 1


def event_page(
    connection: Connection, start: int, stop: int | None, skip: Sequence[range] = ()
) -> list[EventRow]:
    """As many rows from `start` on, but for the places in `skip`, as make a page: at most `PAGE_ROWS`, and about
    `PAGE_BYTES`. Fewer than `FETCH_ROWS` are all there are."""
    page: list[Any] = []
    volume = 0
    conditions, values = ["seq >= ?"], [start]
    if stop is not None:
        conditions.append("seq < ?")
        values.append(stop)
    for places in skip:
        conditions.append("NOT (seq >= ? AND seq < ?)")
        values += (places.start, places.stop)
    query = (
        f"SELECT seq, at, key, type, body, leaf FROM events WHERE {' AND '.join(conditions)} "  # noqa: S608
        "ORDER BY seq LIMIT ?"
    )
    streaming = {"stream_results": True, "max_row_buffer": FETCH_ROWS}
    with fetch(connection, query, (*values, PAGE_ROWS), streaming) as result:
        while rows := result.fetchmany(FETCH_ROWS):
            page.extend(map(tuple, rows))
            volume += sum(len(row[4]) for row in rows)
            if volume > PAGE_BYTES:
                break
    return page


def fetch(
    connection: Connection,
    query: str,
    values: Sequence[Any] = (),
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Run a query with `?` marks, giving cells exactly as the driver gives them."""
    if connection.dialect.name != "sqlite":
        query = query.replace("?", "%s")
    return connection.exec_driver_sql(query, tuple(values), execution_options=options)


def lookup(connection: Connection, columns: str, table: str, by: str, values: Sequence[Any]) -> list[Any]:
    """The rows whose column `by` is one of `values`, `LOOKUP` at a time."""
    rows: list[Any] = []
    for start in range(0, len(values), LOOKUP):
        chunk = values[start : start + LOOKUP]
        query = f"SELECT {columns} FROM {table} WHERE {by} "  # noqa: S608 - all names are ours
        if connection.dialect.name == "sqlite":
            rows.extend(fetch(connection, f"{query} IN ({','.join('?' * len(chunk))})", chunk))
        else:
            rows.extend(fetch(connection, f"{query} = ANY(?)", (list(chunk),)))
    return rows
