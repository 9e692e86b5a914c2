"""One append: a transaction that commits texts and appends the events that refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from holdfast.ledger import idempotency, merkle, tree
from holdfast.ledger.derived import Deriver
from holdfast.ledger.encoding import encode_body, leaf_of
from holdfast.ledger.errors import AlreadyErased, LedgerError, NotFound
from holdfast.ledger.events import TYPES, Allowed, Decided, Event, ItemRecord, ScoreSuggested, TextErased
from holdfast.ledger.idempotency import Appended
from holdfast.ledger.texts import NEVER, NewText, Texts, erased_row, new_rows
from holdfast.store.database import Database
from holdfast.store.schema import events as events_table
from holdfast.store.schema import nodes, responses, texts


class Writer:
    """What `Ledger.writing` hands out; good inside its `with` only.

    When the key was seen before, `replayed` is true and whatever is committed, appended or responded
    here has no effect.
    """

    def __init__(
        self,
        database: Database,
        connection: Connection,
        store: Texts,
        at: int,
        key: str | None,
        fingerprint: bytes,
    ) -> None:
        self._database = database
        self._connection = connection
        self._store = store
        self._at = at
        self._key = key
        self._fingerprint = fingerprint
        self._seen = None if key is None else idempotency.find(connection, key, fingerprint)
        self._tree = tree.load(connection)
        self._first = self._tree.size
        self._fresh: dict[str, NewText] = {}
        self._commitments: dict[str, str] = {}
        self._known: set[str] = set()
        self._stored: dict[bytes, str] = {}
        self._response: bytes | None = None
        self._derived = Deriver(database, connection)

    @property
    def replayed(self) -> bool:
        """Whether the key was seen before."""
        return self._seen is not None

    @property
    def appended(self) -> Appended:
        """What this writer did so far, or what the append with the same key did."""
        if self._seen is not None:
            return self._seen
        return Appended(self._first, self._tree.size - self._first, False, self._response)

    def commit(self, wanted: Iterable[str]) -> dict[str, str]:
        """Commitments (hex) for texts, by text.

        A text is stored together with the first event appended here that refers to it; one that no
        event refers to is not stored.
        """
        unknown = [text for text in wanted if text not in self._commitments]
        committed = self._store.commit(self._connection, unknown, self._tree.erasures)
        self._commitments.update(committed.commitments)
        self._known.update(committed.commitments.values())
        self._fresh.update(committed.fresh)
        self._stored.update(committed.found)
        return self._commitments

    def append(self, events: Sequence[Event]) -> int:
        """Append events and derive from them. Returns the place of the first.

        Raises `LedgerError` for an item whose commitments `commit` did not give, `NotFound` or
        `AlreadyErased` for a `TextErased` that erases nothing.
        """
        if self._seen is not None:
            return self._seen.first
        first = seq = self._tree.size
        at, fresh, firsts = self._at, self._fresh, dict[str, int]()
        key = self._key if first == self._first else None
        rows, leaves = [], []
        for event in events:
            body = encode_body(event)
            kind = TYPES[type(event)]
            leaf = leaf_of(seq, at, key, kind, body)
            rows.append((seq, at, key, kind, body, leaf))
            leaves.append(leaf)
            if type(event) is Decided or type(event) is ScoreSuggested:
                self._refer(event.item, seq, firsts)
            elif type(event) is Allowed:
                for item in event.items:
                    self._refer(item, seq, firsts)
            key = None
            seq += 1
        frontier, completed = merkle.extend(first, self._tree.frontier, leaves)
        erasures = self._tree.erasures
        try:
            self._database.insert(self._connection, events_table, rows)
            self._database.insert(self._connection, nodes, completed)
        except IntegrityError:
            raise tree.damaged("events and tree", "disagree about how many events there are") from None
        if firsts:
            self._database.insert(self._connection, texts, new_rows(fresh, firsts))
            self._stored.update((fresh.pop(name).address, name) for name in firsts)
        for place, event in enumerate(events, first):
            if type(event) is TextErased:
                self._erase(event, place)
                erasures += 1
                # What this writer knows may be the erased text; let it ask the store again.
                self._commitments.clear()
                self._known.clear()
                self._fresh.clear()
        self._derived.add((place, at, event) for place, event in enumerate(events, first))
        self._tree = tree.TreeState(seq, frontier, merkle.root(frontier), erasures)
        return first

    def respond(self, response: bytes) -> None:
        """Keep `response` with the key, for whoever sends the same key again."""
        self._response = response

    def finish(self) -> None:
        """Write what belongs to the append as a whole; the last step of the transaction."""
        if self._seen is not None:
            return
        tree.save(self._connection, self._tree)
        if self._key is not None:
            row = idempotency.row_of(
                self._key,
                self._first,
                self._tree.size - self._first,
                self._fingerprint,
                self._response,
                self._at,
            )
            self._database.insert(self._connection, responses, [row])

    def settle(self) -> None:
        """The transaction is through: what was stored may be remembered."""
        if self._stored:
            self._store.remember(self._stored, self._tree.erasures)

    def _refer(self, record: ItemRecord, seq: int, firsts: dict[str, int]) -> None:
        fresh, known = self._fresh, self._known
        for commitment in (record.text, record.caption, record.parent, record.transcript):
            if commitment is None:
                continue
            if commitment in fresh:
                firsts.setdefault(commitment, seq)
            elif commitment not in known:
                raise LedgerError(
                    "an event refers to a text that was not committed with it",
                    where=f"item {record.id[:64]!r}",
                    next_step="call Writer.commit with the item's texts, in the same `writing`",
                )

    def _erase(self, event: TextErased, seq: int) -> None:
        try:
            commitment = bytes.fromhex(event.commitment)
        except ValueError:
            commitment = b""
        row = self._connection.execute(
            select(texts.c.erased, func.length(texts.c.content)).where(texts.c.commitment == commitment)
        ).first()
        if row is None:
            raise NotFound("no text has this commitment", where="texts", value=event.commitment[:64])
        erased, size = row
        if erased != NEVER:
            event_before = int.from_bytes(erased, "big")
            raise AlreadyErased("this text was erased before", where=f"texts, by event {event_before}")
        self._connection.execute(
            update(texts).where(texts.c.commitment == commitment).values(erased_row(commitment, seq, size))
        )


def fingerprint_of(request: bytes | None) -> bytes:
    """What tells a request from another: 32 bytes."""
    return sha256(request or b"").digest()
