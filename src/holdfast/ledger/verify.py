"""Checking everything that is stored against the events, and the events against their tree.

One pass in bounded memory. It finds any altered cell of any table, says where it is, and tells an
altered cell from what merely depends on it. What it cannot find is a history rewritten as a whole,
consistently; for that it takes heads (size and root) that were noted earlier or elsewhere.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError

from holdfast.ledger import merkle
from holdfast.ledger.encoding import decode_body, leaf_of
from holdfast.ledger.events import TYPES, Event, TextErased
from holdfast.ledger.faults import EnoughFaults, Fault, Report
from holdfast.ledger.paging import EventRow, event_page, fetch
from holdfast.ledger.tablecheck import (
    DecisionCheck,
    ResponseCheck,
    StandingCheck,
    TextCheck,
    extra_nodes,
)
from holdfast.ledger.tree import TreeHead
from holdfast.ledger.treecheck import TreeCheck
from holdfast.store.database import Database

FAULT_LIMIT = 100
INTEGRITY_LINES = 20

Progress = Callable[[int, int], None]
"""Called with how many events were checked, and of how many."""


def verify(
    database: Database,
    heads: Sequence[TreeHead] = (),
    progress: Progress | None = None,
    limit: int = FAULT_LIMIT,
) -> list[Fault]:
    """Everything that is wrong in `database`, up to `limit` faults; empty when nothing is.

    `heads` are earlier heads of this ledger that its history must lead to. Appends may go on meanwhile:
    what is checked is the ledger as it stood at the start.
    """
    report = Report(limit)
    with suppress(EnoughFaults):
        _Verification(database, report, heads, progress or _silent).run()
    return report.faults


def _silent(_done: int, _total: int) -> None:
    pass


class _Verification:
    def __init__(
        self, database: Database, report: Report, heads: Sequence[TreeHead], progress: Progress
    ) -> None:
        self._database = database
        self._report = report
        self._heads = list(heads)
        self._progress = progress
        self._untrusted: set[int] = set()

    def run(self) -> None:
        self._guarded(self._check_files)
        self._guarded(self._check_rows)

    def _guarded(self, check: Callable[[], None]) -> None:
        try:
            check()
        except DBAPIError as error:
            # The file itself is damaged; what can still be read was checked up to here.
            self._report.add("database", self._database.name, f"cannot be read: {str(error.orig)[:160]}")

    def _check_files(self) -> None:
        if not self._database.is_sqlite:
            return
        with self._database.inspecting() as connection:
            for (line,) in fetch(connection, f"PRAGMA integrity_check({INTEGRITY_LINES})"):
                if line != "ok":
                    self._report.add("database", self._database.name, str(line)[:160])

    def _check_rows(self) -> None:
        report = self._report
        with self._database.inspecting() as connection:
            rows = list(fetch(connection, "SELECT id, size, frontier, root, erasures FROM tree ORDER BY id"))
            (last,) = fetch(connection, "SELECT max(seq) FROM events").one()
            strays = list(fetch(connection, "SELECT seq FROM events WHERE seq < 0 ORDER BY seq LIMIT 100"))
            size = 0 if last is None else max(last + 1, 0)
            extra_nodes(connection, report, size)
            texts = TextCheck(self._database, connection, report, size)
            decided = DecisionCheck(connection, report, size)
        for (seq,) in strays:
            report.add("events", f"seq {seq}", "stands before the first event")
        row = None
        for candidate in rows:
            if candidate[0] == 1:
                row = (
                    candidate if [type(cell) for cell in candidate[1:]] == [int, bytes, bytes, int] else None
                )
            else:
                report.add("tree", f"row {candidate[0]}", "is not a row that Holdfast writes")
        if row is None:
            report.add("tree", "row 1", "is missing, or holds cells of other types")
        heads = list(self._heads)
        kept = None if row is None or row[1] >= size or row[1] < 0 else TreeHead(row[1], bytes(row[3]))
        tree = TreeCheck(self._database, report, [*heads, *([kept] if kept else [])])
        standing = StandingCheck(self._database, report, size)
        erasures = self._check_events(size, tree, texts, decided, standing)
        self._check_head(size, tree, row, kept, erasures)
        texts.finish()
        standing.finish()
        ResponseCheck(self._database, report, size).finish(self._untrusted)

    def _check_events(
        self,
        size: int,
        tree: TreeCheck,
        texts: TextCheck,
        decided: DecisionCheck,
        standing: StandingCheck,
    ) -> int | None:
        """Check the events one page at a time. Returns how many erased a text, when that is certain."""
        erasures: int | None = 0
        start = 0
        self._progress(0, size)
        while start < size:
            with self._database.inspecting() as connection:
                page = event_page(connection, start, size)
                stop = page[-1][0] + 1 if page else size
                events: list[tuple[EventRow, Event]] = []
                untrusted: set[int] = set()
                for row in page:
                    if row[0] > start:
                        self._gap(tree, start, row[0])
                        untrusted.update(range(start, min(row[0], start + 1000)))
                    own = _own_leaf(row)
                    event = _decoded(row)
                    tree.feed(own, bytes(row[5]) if isinstance(row[5], bytes) else b"")
                    if event is None or own != row[5]:
                        untrusted.add(row[0])
                        if event is None and own == row[5]:
                            self._report.add("events", f"seq {row[0]}", "body is not an event of its type")
                    else:
                        events.append((row, event))
                    start = row[0] + 1
                if start < stop:
                    self._gap(tree, start, stop)
                    start = stop
                decided.check(connection, events, untrusted, page[0][0] if page else start, stop)
                texts.check(connection, events, untrusted)
                ResponseCheck.check_page(connection, self._report, events)
            standing.check(events, bool(untrusted))
            self._untrusted |= untrusted
            if untrusted:
                erasures = None
            elif erasures is not None:
                erasures += sum(type(event) is TextErased for _, event in events)
            self._progress(start, size)
        return erasures

    def _gap(self, tree: TreeCheck, start: int, stop: int) -> None:
        self._report.add("events", _between(start, stop), "missing")
        tree.skip(stop - start)

    def _check_head(
        self, size: int, tree: TreeCheck, row: Any, kept: TreeHead | None, erasures: int | None
    ) -> None:
        report = self._report
        computed = tree.finish(bytes(row[2]) if row is not None else b"")
        for head in self._heads:
            if head.size > size:
                report.add(
                    "events",
                    _between(size, head.size),
                    f"missing: an earlier head counted {head.size} events",
                )
            elif head in tree.rewritten:
                report.add(
                    "events",
                    _between(0, head.size),
                    f"rewritten: they do not lead to the earlier head {head.root.hex()}",
                )
        if row is None:
            return
        _, stored_size, stored_frontier, stored_root, stored_erasures = row
        if erasures is not None and stored_erasures != erasures:
            report.add(
                "tree", "row 1, erasures", f"says {stored_erasures}, but {erasures} events erase a text"
            )
        if stored_size != size:
            if computed is not None and computed[1] == stored_root:
                report.add("tree", "row 1, size", f"says {stored_size}, but its root is over {size} events")
            elif stored_size > size:
                report.add(
                    "events", _between(size, stored_size), f"missing: the tree counts {stored_size} events"
                )
            elif kept is not None and kept not in tree.rewritten:
                report.add("events", _between(stored_size, size), "stand beyond the end of the tree")
            else:
                report.add("tree", "row 1", f"says {stored_size} events, but there are {size}")
        elif computed is not None:
            frontier, root = computed
            if b"".join(frontier) != stored_frontier:
                report.add("tree", "row 1, frontier", "does not follow from the events")
            if root != stored_root:
                report.add("tree", "row 1, root", "does not follow from the events")
        elif len(stored_root) != merkle.HASH_SIZE:
            report.add("tree", "row 1, root", "is not a hash")


def _between(start: int, stop: int) -> str:
    return f"seq {start}" if stop == start + 1 else f"seq {start} to {stop - 1}"


def _own_leaf(row: EventRow) -> bytes | None:
    try:
        return leaf_of(*row[:5])
    except (struct.error, UnicodeEncodeError, TypeError, AttributeError):
        return None  # no event that Holdfast writes has such cells


def _decoded(row: EventRow) -> Event | None:
    try:
        event = decode_body(row[4])
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return None
    return event if TYPES[type(event)] == row[3] else None
