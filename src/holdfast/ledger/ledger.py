"""The ledger: append-only events under a Merkle tree, in a database that several processes may share.

Texts have to be known before events can refer to them, and both belong in one transaction:

    with ledger.writing(now, key="request-17", fingerprint=body) as writer:
        commitments = writer.commit(text for item in items for text in texts_of(item))
        first = writer.append(
            [Decided.of(item, decision, commitments, now) for item, decision in zip(items, decisions)]
        )
        writer.respond(encode_response(first))
    writer.appended      # first, count, replayed, response: durable from here on

`append` is the same for events that refer to no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from holdfast.content import Item
from holdfast.decision import Action
from holdfast.ledger import idempotency, merkle, tree
from holdfast.ledger.decisions import DecisionEntry, DecisionFound, decision_in, newest_decisions, parse_ref
from holdfast.ledger.derived import DERIVED, Deriver, load_keys, load_policies
from holdfast.ledger.encoding import decode_body, from_micros, to_micros
from holdfast.ledger.errors import NotFound
from holdfast.ledger.events import Event, ItemRecord, Recorded, TextErased, commitments_in
from holdfast.ledger.export import export
from holdfast.ledger.faults import Fault
from holdfast.ledger.idempotency import Appended
from holdfast.ledger.paging import FETCH_ROWS, event_page, stream_events
from holdfast.ledger.proof import Proof, TextOpening
from holdfast.ledger.reducers import ApiKey, PolicyState
from holdfast.ledger.texts import Texts
from holdfast.ledger.tree import StoredNodes, TreeHead
from holdfast.ledger.verify import FAULT_LIMIT, Progress, verify
from holdfast.ledger.writer import Writer, fingerprint_of
from holdfast.store.database import Database
from holdfast.store.schema import decisions, events


class Ledger:
    """The ledger in `database`. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.text_store = Texts(database)

    @classmethod
    def open(cls, url: str | None = None, *, data: Path | None = None) -> Ledger:
        """The ledger in the database at `url`, or in the folder `data` (see `Database.open`)."""
        database = Database.open(url, data=data)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Appending ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, at: datetime) -> Iterator[Callable[..., Writer]]:
        """Several appends in one transaction: all durable when the `with` is left, none after an exception.

        Gives `open_writer(key=None, fingerprint=None)`; a writer is good until the next is opened.
        """
        micros = to_micros(at)
        writers: list[Writer] = []

        def open_writer(key: str | None = None, fingerprint: bytes | None = None) -> Writer:
            if key is not None:
                idempotency.check_key(key)
            if writers:
                writers[-1].finish()
            writer = Writer(
                self.database, connection, self.text_store, micros, key, fingerprint_of(fingerprint)
            )
            writers.append(writer)
            return writer

        with self.database.writing() as connection:
            yield open_writer
            if writers:
                writers[-1].finish()
        for writer in writers:
            writer.settle()

    @contextmanager
    def writing(
        self, at: datetime, *, key: str | None = None, fingerprint: bytes | None = None
    ) -> Iterator[Writer]:
        """One append, durable when the `with` is left; an exception undoes all of it.

        `key` makes it happen once: when it was seen before, the writer is `replayed` and changes
        nothing. `fingerprint` is the request that the key stands for (any bytes; hashed here).
        Raises `IdempotencyConflict` when the key came with another request.
        """
        with self.transaction(at) as open_writer:
            yield open_writer(key, fingerprint)

    def append(
        self,
        appended: Sequence[Event],
        at: datetime,
        *,
        key: str | None = None,
        fingerprint: bytes | None = None,
        response: Callable[[int], bytes] | None = None,
    ) -> Appended:
        """Append events that refer to no new text, in one transaction. `response` is given the place
        of the first and makes what is kept with the key."""
        with self.writing(at, key=key, fingerprint=fingerprint) as writer:
            first = writer.append(appended)
            if response is not None and not writer.replayed:
                writer.respond(response(first))
        return writer.appended

    def replay(self, key: str, fingerprint: bytes | None = None) -> Appended | None:
        """What the append with `key` did, or `None` when there was none: a look before the work."""
        idempotency.check_key(key)
        with self.database.reading() as connection:
            return idempotency.find(connection, key, fingerprint_of(fingerprint))

    def purge_responses(self, before: datetime) -> int:
        """Let go of the response bytes given before `before`; the keys stay. Returns how many."""
        with self.database.writing() as connection:
            return idempotency.purge(connection, to_micros(before))

    # Reading --------------------------------------------------------------------------------

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Recorded]:
        """The events from `start` up to `stop` (exclusive; default: all there are now), in order.

        Memory stays flat, and no transaction is held open between pages.
        """
        size = self.head().size
        for seq, at, key, _, body, _ in stream_events(
            self.database, start, size if stop is None else min(stop, size)
        ):
            yield Recorded(seq, from_micros(at), key, decode_body(body))

    def page(
        self, start: int, stop: int | None = None, skip: Sequence[range] = ()
    ) -> tuple[list[Recorded], bool]:
        """The first events from `start` up to `stop` that are in none of the places `skip`, and whether there
        may be more: one query, for whoever follows the ledger while others append."""
        with self.database.reading() as connection:
            rows = event_page(connection, start, stop, skip)
        page = [Recorded(seq, from_micros(at), key, decode_body(body)) for seq, at, key, _, body, _ in rows]
        return page, len(page) >= FETCH_ROWS

    def newest(self, items: int) -> int:
        """The place of the event with which the newest `items` decided items begin."""
        query = select(decisions.c.seq).order_by(decisions.c.seq.desc(), decisions.c.slot.desc())
        with self.database.reading() as connection:
            found = connection.execute(query.limit(1).offset(items)).scalar_one_or_none()
        return 0 if found is None else found + 1

    def get(self, seq: int) -> Recorded:
        """The event at `seq`. Raises `NotFound`."""
        with self.database.reading() as connection:
            row = self._row(connection, seq)
        return Recorded(row.seq, from_micros(row.at), row.key, decode_body(row.body))

    def first_after(self, moment: datetime) -> int:
        """The place of the first event that was appended after `moment`, by bisection.

        Events are appended in order of time, but for clocks that differ between processes.
        """
        low, high = 0, self.head().size
        wanted = to_micros(moment)
        with self.database.reading() as connection:
            while low < high:
                middle = (low + high) // 2
                at = connection.execute(
                    select(events.c.at).where(events.c.seq == middle)
                ).scalar_one_or_none()
                low, high = (low, middle) if at is None or at > wanted else (middle + 1, high)
        return low

    def head(self) -> TreeHead:
        """How many events there are, and the root over them."""
        with self.database.reading() as connection:
            state = tree.load(connection)
        return TreeHead(state.size, state.root)

    def text(self, commitment: str) -> str | None:
        """The text behind `commitment` (hex), or `None` when it was erased or never stored."""
        return self.texts([commitment]).get(commitment)

    def texts(self, commitments: Sequence[str]) -> dict[str, str]:
        """The texts behind commitments (hex); erased ones are left out."""
        with self.database.reading() as connection:
            opened = self.text_store.open(connection, commitments)
        return {commitment: opening.text for commitment, opening in opened.items()}

    def item(self, record: ItemRecord) -> Item | None:
        """The item of `record`, or `None` when any of its texts was erased or not kept."""
        return self.items([record])[0]

    def items(self, records: Sequence[ItemRecord]) -> list[Item | None]:
        """`item` for many records, with a few queries for all."""
        texts = self.texts([commitment for record in records for commitment in record.commitments()])
        return [record.opened(texts) for record in records]

    def decision(self, ref: str) -> DecisionFound:
        """The decision at "SEQ" or "SEQ.SLOT". Raises `NotFound`."""
        return decision_in(self.get(parse_ref(ref)[0]), ref)

    def decisions(
        self,
        limit: int = 50,
        before: str | None = None,
        action: Action | None = None,
        *,
        whole: bool = False,
        escalated: bool = False,
    ) -> list[DecisionEntry]:
        """The newest decisions, newest first; `before` is the last reference of the page before.

        `whole` leaves out the compactly kept ones, `escalated` all that were not escalated.
        """
        with self.database.reading() as connection:
            return newest_decisions(
                connection, limit, before=before, action=action, whole=whole, escalated=escalated
            )

    def decisions_of(self, item_id: str, limit: int = 1_000) -> list[DecisionEntry]:
        """The decisions on one item, newest first."""
        with self.database.reading() as connection:
            return newest_decisions(connection, limit, item_id=item_id)

    def policies(self) -> dict[str, PolicyState]:
        """Where every policy that was ever named stands."""
        with self.database.reading() as connection:
            return load_policies(connection)

    def keys(self) -> dict[str, ApiKey]:
        """The API keys by id, revoked ones too."""
        with self.database.reading() as connection:
            return load_keys(connection)

    # Proving --------------------------------------------------------------------------------

    def prove(self, seq: int, size: int | None = None, *, with_texts: bool = False) -> Proof:
        """Proof that the event at `seq` is in the tree over the first `size` events (default: all).

        `with_texts` adds the event's texts that are not erased, each with the salt that proves it.
        """
        with self.database.reading() as connection:
            state = tree.load(connection)
            size = state.size if size is None else size
            row = self._row(connection, seq)
            if not seq < size <= state.size:
                raise NotFound(
                    f"event {seq} is not in a tree of that size",
                    where="size",
                    value=str(size),
                    expected=f"{seq + 1} to {state.size}",
                )
            node_of = StoredNodes(connection)
            path = merkle.inclusion_path(seq, size, node_of)
            root = state.root if size == state.size else merkle.range_root(0, size, node_of)
            openings: tuple[TextOpening, ...] = ()
            if with_texts:
                names = commitments_in(decode_body(row.body))
                openings = tuple(
                    TextOpening(commitment=name, salt=opening.salt.hex(), text=opening.text)
                    for name, opening in self.text_store.open(connection, names).items()
                )
        return Proof(
            seq=seq,
            at=row.at,
            key=row.key,
            type=row.type,
            body=bytes(row.body).decode(),
            leaf=bytes(row.leaf).hex(),
            size=size,
            root=bytes(root).hex(),
            path=tuple(node.hex() for node in path),
            texts=openings,
        )

    def prove_consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Proof that the tree over the first `old` events is a prefix of the one over `new` (RFC 6962)."""
        with self.database.reading() as connection:
            size = tree.load(connection).size
            new = size if new is None else new
            if not 0 <= old <= new <= size:
                raise NotFound(
                    "no tree of that size", where="size", value=f"{old}, {new}", expected=f"0 to {size}"
                )
            return merkle.consistency_path(old, new, StoredNodes(connection))

    def verify(
        self,
        progress: Progress | None = None,
        *,
        heads: Sequence[TreeHead] = (),
        limit: int = FAULT_LIMIT,
    ) -> list[Fault]:
        """Everything stored that is not what was written, up to `limit` faults (`holdfast.ledger.verify`).

        `heads` are heads noted earlier: with them a history that was rewritten as a whole is found too.
        """
        return verify(self.database, heads, progress, limit)

    def export(self, path: Path, *, with_texts: bool = False, progress: Progress | None = None) -> TreeHead:
        """Write all events to a file that anyone can check (`holdfast.ledger.export`). Returns its head."""
        return export(self.database, self.text_store, path, with_texts, progress)

    # Erasing and rebuilding -----------------------------------------------------------------

    def erase(self, commitment: str, by: str, why: str, at: datetime) -> Recorded:
        """Erase the text behind `commitment` (hex) for good, and record who did and why.

        Everything else stays, proofs too. Every item that held the same words loses them. Raises
        `NotFound` or `AlreadyErased`.
        """
        event = TextErased(commitment=commitment, by=by, why=why)
        seq = self.append([event], at).first
        self.database.scrub()
        return Recorded(seq, at, None, event)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Drop the derived tables and derive them again from the events. Returns how many events."""
        with self.database.writing() as connection:
            size = tree.load(connection).size
            for table in DERIVED:
                connection.execute(delete(table))
            deriver = Deriver(self.database, connection)
            start = 0
            while page := event_page(connection, start, size):
                deriver.add((seq, micros, decode_body(body)) for seq, micros, _, _, body, _ in page)
                start = page[-1][0] + 1
                if progress is not None:
                    progress(start, size)
        return size

    # Inside ---------------------------------------------------------------------------------

    @staticmethod
    def _row(connection: Connection, seq: int) -> Row[Any]:
        row = connection.execute(select(events).where(events.c.seq == seq)).first()
        if row is None:
            size = connection.execute(select(func.count()).select_from(events)).scalar_one()
            raise NotFound(
                "there is no such event",
                where="ledger",
                value=str(seq)[:40],
                expected=f"0 to {size - 1}" if size else "an event: the ledger is empty",
            )
        return row
