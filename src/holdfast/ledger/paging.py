"""Reading millions of rows with flat memory: page by page along the primary key.

Each page is its own short transaction, so that a slow reader neither pins SQLite's WAL nor holds back
PostgreSQL's vacuum. Events never change, so pages of them need no common snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from holdfast.store.database import Database
from holdfast.store.schema import events

PAGE_ROWS = 512
PAGE_BYTES = 16 * 1024 * 1024
FETCH_ROWS = 32

EventRow = tuple[int, int, str | None, str, bytes, bytes]
"""seq, at, key, type, body, leaf"""


def stream_events(database: Database, start: int, stop: int) -> Iterator[EventRow]:
    """The stored rows of the events from `start` up to `stop` (exclusive), in order."""
    while start < stop:
        page = event_page(database, start, stop)
        if not page:
            return
        yield from page
        start = page[-1][0] + 1


def event_page(database: Database, start: int, stop: int) -> list[EventRow]:
    """As many rows from `start` on as make a page: at most `PAGE_ROWS`, and about `PAGE_BYTES`."""
    query = (
        select(events)
        .where(events.c.seq >= start, events.c.seq < stop)
        .order_by(events.c.seq)
        .limit(PAGE_ROWS)
        .execution_options(yield_per=FETCH_ROWS)
    )
    page: list[Any] = []
    volume = 0
    with database.reading() as connection, connection.execute(query) as result:
        for rows in result.partitions():
            page.extend(tuple(row) for row in rows)
            volume += sum(len(row[4]) for row in rows)
            if volume > PAGE_BYTES:
                break
    return page
