"""Checking the tables beside the events: each row against the events that it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias

from sqlalchemy import Connection

from holdfast.ledger.derived import STANDING
from holdfast.ledger.encoding import decode_body
from holdfast.ledger.events import Event, TextErased, commitments_in
from holdfast.ledger.faults import Report
from holdfast.ledger.idempotency import seal
from holdfast.ledger.merkle import TILE_BITS
from holdfast.ledger.paging import EventRow, fetch, lookup
from holdfast.ledger.reducers import (
    ApiKey,
    DecisionRow,
    PolicyState,
    decision_rows,
    reduce_keys,
    reduce_policies,
)
from holdfast.ledger.texts import NEVER, SALT_SIZE, address_of, commitment_of, erased_row, unfold
from holdfast.store.database import Database
from holdfast.store.schema import api_keys, decisions, policies

SCAN_ROWS = 500
SHOWN = 100

Read: TypeAlias = Sequence[tuple[EventRow, Event]]
"""Events of a page whose leaf is right, with their stored rows."""


def extra_nodes(connection: Connection, report: Report, size: int) -> None:
    """Report nodes that a tree over `size` events does not have."""
    wanted: list[str] = []
    level = TILE_BITS
    while size >> level:
        wanted.append(f"(level = {level} AND position >= 0 AND position < {size >> level})")
        level += TILE_BITS
    query = f"SELECT level, position FROM nodes WHERE NOT ({' OR '.join(wanted) or '1 = 0'}) LIMIT {SHOWN}"  # noqa: S608
    for found, position in fetch(connection, query):
        report.add("nodes", f"level {found}, position {position}", "is not a node of this tree")


class DecisionCheck:
    """The table `decisions`, page by page along with the events."""

    NAMES = tuple(column.name for column in decisions.columns)

    def __init__(self, connection: Connection, report: Report, size: int) -> None:
        self._report = report
        query = f"SELECT seq, slot FROM decisions WHERE seq < 0 OR seq >= ? LIMIT {SHOWN}"  # noqa: S608
        for seq, slot in fetch(connection, query, (size,)):
            report.add("decisions", f"seq {seq}, slot {slot}", "no event holds this decision")

    def check(self, connection: Connection, events: Read, untrusted: set[int], start: int, stop: int) -> None:
        """Compare the rows for the events `start` to `stop` (exclusive); rows of altered events are passed
        over."""
        expected: dict[tuple[int, int], DecisionRow] = {}
        for row, event in events:
            for made in decision_rows(row[0], row[1], event):
                expected[made[:2]] = made
        columns = ", ".join(f'"{name}"' for name in self.NAMES)
        query = f"SELECT {columns} FROM decisions WHERE seq >= ? AND seq < ?"  # noqa: S608
        for found in map(tuple, fetch(connection, query, (start, stop))):
            if found[0] in untrusted:
                continue
            wanted = expected.pop(found[:2], None)
            place = f"seq {found[0]}, slot {found[1]}"
            if wanted is None:
                self._report.add("decisions", place, "no event holds this decision")
            elif wanted != found:
                self._report.add("decisions", place, _differing(self.NAMES, found, wanted))
        for seq, slot in expected:
            self._report.add("decisions", f"seq {seq}, slot {slot}", "missing")


class StandingCheck:
    """The tables `policies` and `api_keys`: replayed, then compared as they stand at the end."""

    def __init__(self, database: Database, report: Report, size: int) -> None:
        self._database = database
        self._report = report
        self._size = size
        self._policies: Mapping[str, PolicyState] = {}
        self._keys: Mapping[str, ApiKey] = {}
        self._certain = True

    def check(self, events: Read, doubtful: bool) -> None:
        """Replay a page."""
        self._certain &= not doubtful
        for row, event in events:
            if isinstance(event, STANDING):
                self._policies = reduce_policies(self._policies, row[0], event)
                self._keys = reduce_keys(self._keys, row[1], event)

    def finish(self) -> None:
        """Compare. Passed over when events were altered: these might be among them."""
        if not self._certain:
            return
        with self._database.inspecting() as connection:
            # What was appended while the check ran counts too: these tables know no older state.
            query = "SELECT seq, at, body FROM events WHERE seq >= ? AND type LIKE ? ORDER BY seq"
            for pattern in ("policy_%", "key_%"):
                for seq, at, body in fetch(connection, query, (self._size, pattern)):
                    event = decode_body(body)
                    self._policies = reduce_policies(self._policies, seq, event)
                    self._keys = reduce_keys(self._keys, at, event)
            for table, expected in ((policies, self._policies), (api_keys, self._keys)):
                names = tuple(column.name for column in table.columns)
                columns = ", ".join(f'"{name}"' for name in names)
                wanted: dict[Any, tuple[Any, ...]] = dict(expected)
                for found in map(tuple, fetch(connection, f'SELECT {columns} FROM "{table.name}"')):  # noqa: S608
                    row = wanted.pop(found[0], None)
                    place = f"{names[0]} {_shown(found[0])}"
                    if row is None:
                        self._report.add(table.name, place, "no event made this row")
                    elif tuple(row) != found:
                        self._report.add(table.name, place, _differing(names, found, tuple(row)))
                for name in wanted:
                    self._report.add(table.name, f"{names[0]} {_shown(name)}", "missing")


class TextCheck:
    """The tables `texts` and `secrets`. A text is checked when the first event that refers to it passes."""

    COLUMNS = "commitment, first, erased, address, salt, coding, content"

    def __init__(self, database: Database, connection: Connection, report: Report, size: int) -> None:
        self._database = database
        self._report = report
        self._size = size
        self._checked = 0
        self._untrusted: set[int] = set()
        (self._count,) = fetch(connection, "SELECT count(*) FROM texts").one()
        self._secret: bytes | None = None
        rows = list(fetch(connection, "SELECT id, secret, digest FROM secrets"))
        for row in rows:
            if row[0] != 1:
                report.add("secrets", f"row {row[0]}", "is not a row that Holdfast writes")
            elif sha256(row[1]).digest() != row[2]:
                report.add("secrets", "row 1", "secret or digest was altered: they do not belong together")
            else:
                self._secret = row[1]
        if not any(row[0] == 1 for row in rows):
            report.add("secrets", "row 1", "is missing")

    def check(self, connection: Connection, events: Read, untrusted: set[int]) -> None:
        """Check the texts that a page of events refers to, and those that it erases."""
        self._untrusted |= untrusted
        first: dict[bytes, int] = {}
        erased: dict[bytes, int] = {}
        for row, event in events:
            for name in commitments_in(event):
                first.setdefault(bytes.fromhex(name), row[0])
            if type(event) is TextErased:
                erased[bytes.fromhex(event.commitment)] = row[0]
        wanted = list(first | erased)
        found = {
            bytes(row[0]): row for row in lookup(connection, self.COLUMNS, "texts", "commitment", wanted)
        }
        for commitment, seq in first.items():
            text = found.get(commitment)
            if text is None:
                self._report.add("texts", _place(commitment), f"missing: event {seq} refers to it")
            elif text[1] == seq:
                self._checked += 1
                self._check_row(text)
            elif text[1] > seq and seq not in self._untrusted:
                self._report.add("texts", _place(commitment), f"first was altered: event {seq} refers to it")
        for commitment, seq in erased.items():
            text = found.get(commitment)
            if text is None:
                self._report.add("texts", _place(commitment), f"missing: event {seq} erased it")
            elif text[2] != seq.to_bytes(8, "big"):
                self._report.add("texts", _place(commitment), f"erased was altered: event {seq} erased it")
        self._check_erased(connection, [row for row in found.values() if row[2] != NEVER])

    def finish(self) -> None:
        """Look for rows that no event refers to, when the count says that there are any."""
        if self._checked == self._count:
            return
        last = b""
        while True:
            with self._database.inspecting() as connection:
                query = f"SELECT {self.COLUMNS} FROM texts WHERE commitment > ? ORDER BY commitment LIMIT ?"  # noqa: S608
                rows = list(fetch(connection, query, (last, SCAN_ROWS)))
                if not rows:
                    return
                places = sorted({row[1] for row in rows})
                bodies = dict(lookup(connection, "seq, body", "events", "seq", places))
            for row in rows:
                self._check_reference(row, bodies.get(row[1]))
            last = rows[-1][0]

    def _check_reference(self, row: Any, body: bytes | None) -> None:
        if row[1] in self._untrusted:
            # Its event was altered, so that it cannot say; the text can still be checked by itself.
            self._check_row(row)
            return
        try:
            names = [] if body is None else commitments_in(decode_body(body))
        except ValueError:
            names = []
        if bytes(row[0]).hex() not in names:
            self._report.add(
                "texts",
                _place(row[0]),
                f"commitment or first was altered, or the row was added: event {row[1]} does not refer to it",
            )

    def _check_row(self, row: Any) -> None:
        commitment, _, erased, address, salt, coding, content = row
        if erased != NEVER:
            wanted = erased_row(bytes(commitment), int.from_bytes(bytes(erased), "big"), len(content))
            found = dict(zip(wanted, row[2:], strict=True))
            left = [name for name in ("address", "salt", "coding", "content") if found[name] != wanted[name]]
            if left:
                self._report.add(
                    "texts", _place(commitment), f"was erased, but {', '.join(left)} hold something"
                )
            return
        try:
            plain = unfold(coding, bytes(content))
            if len(salt) != SALT_SIZE or commitment_of(bytes(salt), plain) != bytes(commitment):
                raise ValueError("is not what was committed to")
        except (ValueError, TypeError):
            what = "salt, coding or content was altered: they do not give the commitment"
            self._report.add("texts", _place(commitment), what)
            return
        if self._secret is not None and address != address_of(self._secret, plain):
            self._report.add("texts", _place(commitment), "address was altered: it is not that of the text")

    def _check_erased(self, connection: Connection, rows: list[Any]) -> None:
        if not rows:
            return
        erasers = {bytes(row[0]): int.from_bytes(bytes(row[2]), "big") for row in rows}
        # No event has a place that SQLite cannot count to.
        places = [seq for seq in erasers.values() if seq < 2**63]
        bodies = dict(lookup(connection, "seq, body", "events", "seq", places))
        for commitment, seq in erasers.items():
            if seq in self._untrusted:
                continue
            try:
                event = decode_body(bodies.get(seq, b""))
            except ValueError:
                event = None
            if type(event) is not TextErased or event.commitment != commitment.hex():
                self._report.add(
                    "texts", _place(commitment), f"erased was altered: event {seq} did not erase it"
                )


class ResponseCheck:
    """The table `responses`: every row carries a checksum, and its key stands in its first event."""

    def __init__(self, database: Database, report: Report, size: int) -> None:
        self._database = database
        self._report = report
        self._size = size

    @staticmethod
    def check_page(connection: Connection, report: Report, events: Read) -> None:
        """Report keys of events that have no row."""
        keys = {row[2]: row[0] for row, _ in events if row[2] is not None}
        found = {key for (key,) in lookup(connection, "key", "responses", "key", list(keys))}
        for key, seq in keys.items():
            if key not in found:
                report.add("responses", f"key of event {seq}", "missing")

    def finish(self, untrusted: set[int]) -> None:
        """Check every row by itself and against its first event, where that was not altered."""
        # A key that is no longer UTF-8 can be handed back to SQLite as bytes only.
        sqlite = self._database.is_sqlite
        query = (
            "SELECT r.key, r.first, r.count, r.fingerprint, r.body, r.at, r.digest, e.key "
            "FROM responses r LEFT JOIN events e ON e.seq = r.first "
            "WHERE r.key > CAST(? AS TEXT) ORDER BY r.key LIMIT ?"
        )
        last = ""
        while True:
            after = last.encode("utf-8", "surrogateescape") if sqlite else last
            with self._database.inspecting() as connection:
                rows = list(fetch(connection, query, (after, SCAN_ROWS)))
            if not rows:
                return
            for key, first, count, fingerprint, body, at, digest, event_key in rows:
                place = f"key {_shown(key)}"
                try:
                    right = seal(key, first, count, fingerprint, body, at) == digest
                except Exception:  # cells of any kind and size may stand here
                    right = False
                if not right:
                    self._report.add("responses", place, "a cell was altered: the digest is of another row")
                elif count and event_key != key and first < self._size and first not in untrusted:
                    self._report.add("responses", place, f"event {first} does not have this key")
            last = rows[-1][0]


def _differing(names: Sequence[str], found: Sequence[Any], wanted: Sequence[Any]) -> str:
    altered = [name for name, one, other in zip(names, found, wanted, strict=True) if one != other]
    return f"{', '.join(altered)} altered: the event says otherwise"


def _place(commitment: bytes) -> str:
    return f"commitment {bytes(commitment).hex()}"


def _shown(value: object) -> str:
    return repr(value)[:80]
