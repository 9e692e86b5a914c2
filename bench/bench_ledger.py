"""The ledger on SQLite: appends in full and compact, reading, proving, verifying.

A full decision has twenty signal values, one or two rules, a span and a text of its own; they come in
batches of a thousand, one durable transaction each. Peers: the same JSON written to a plain SQLite table
(no hashes, no texts apart, nothing derived), and pymerkle's trees (in memory, and in SQLite).
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from table import Table

from holdfast.content import Account, Item
from holdfast.decision import Decision, Fired, Span
from holdfast.ledger import ItemRecord, Ledger, texts_of
from holdfast.ledger.encoding import encode_body
from holdfast.ledger.events import Allowed, Decided
from holdfast.store import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
N = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
BATCH = 1_000
PROOFS = 500
PEER_N = 5_000


def made(seed: int = 1) -> list[tuple[Item, Decision]]:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(5_000)]
    zeros = {
        f"lexicon.{name}": 0 for name in ("slur", "threat", "dehumanising", "harassment", "sexual", "spam")
    }
    signals = zeros | {
        "text.length": 120, "text.letters": 90, "text.evasion": 0, "text.emoji": 1, "text.links": 0,
        "text.capitals": 0.1, "language": "en", "language_confidence": 0.98, "contact.phone": 0,
        "contact.email": 0, "contact.address": 0, "contact.plate": 0, "contact.kinds": [], "other": None,
    }  # fmt: skip
    fired = Fired(
        name="harassment_at_a_creator",
        then="hold",
        reason="harassment",
        tells="Comments that attack people for who they are wait for the creator's say.",
        values={"lexicon.harassment": 2, "author.age_days": 3.5},
    )
    span = Span(signal="lexicon", start=3, end=9, label="harassment")
    pairs = []
    for number in range(N):
        item = Item(
            id=f"c{rng.getrandbits(48):x}",
            text=f"{' '.join(rng.choices(words, k=15))} {number}",
            author=Account(id=f"u{number % 9_999}", followers=number),
            target=Account(id=f"creator{number % 99}"),
            caption=f"the caption of video {number % 99}",
            created_at=NOW,
        )
        decision = Decision(
            item_id=item.id,
            action="hold",
            escalate=False,
            rules=(fired,) * (1 + number % 2),
            unknown=(),
            signals=dict(signals),
            spans=(span,),
            policy="community@0123456789ab",
            versions={"text": "1", "lexicon": "a1b2c3d4e5f6", "language": "1", "contact": "1"},
        )
        pairs.append((item, decision))
    return pairs


def append_full(ledger: Ledger, pairs: list[tuple[Item, Decision]]) -> None:
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        with ledger.writing(NOW, key=f"full/{start}") as writer:
            commitments = writer.commit(text for item, _ in batch for text in texts_of(item))
            writer.append([Decided.of(item, decision, commitments, NOW) for item, decision in batch])


def append_compact(ledger: Ledger, pairs: list[tuple[Item, Decision]]) -> None:
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        with ledger.writing(NOW, key=f"compact/{start}") as writer:
            commitments = writer.commit(text for item, _ in batch for text in texts_of(item))
            records = tuple(ItemRecord.of(item, commitments) for item, _ in batch)
            writer.append([Allowed(policy="community@0123456789ab", items=records, received_at=NOW)])


def plain_inserts(path: Path, pairs: list[tuple[Item, Decision]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE decisions (seq INTEGER PRIMARY KEY, at INTEGER, item TEXT, body BLOB)")
    for start in range(0, len(pairs), BATCH):
        rows = [
            (0, item.id, encode_body((item, decision)))  # type: ignore[arg-type]
            for item, decision in pairs[start : start + BATCH]
        ]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO decisions (at, item, body) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    connection.close()


@contextmanager
def ledger_in(folder: Path, name: str, synchronous: str = "FULL") -> Iterator[Ledger]:
    with Database.open(data=folder / name, synchronous=synchronous) as database:  # type: ignore[arg-type]
        yield Ledger(database)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    pairs = made()
    table = Table(f"ledger on SQLite, one process, {N:,} decisions", ("what", "per second", "µs each"))

    def add(name: str, count: int, took: float) -> None:
        table.add(name, f"{count / took:,.0f}", f"{took / count * 1e6:.1f}")

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with ledger_in(folder, "full") as ledger:
            add("append in full", N, seconds(lambda: append_full(ledger, pairs)))
            add("append the same words again", N, seconds(lambda: append_full_again(ledger, pairs)))
            size = ledger.head().size
            add("read", size, seconds(lambda: sum(1 for _ in ledger.read())))
            faults: list[object] = []
            add("verify everything", size, seconds(lambda: faults.extend(ledger.verify())))
            assert faults == []
            places = random.Random(2).choices(range(size), k=PROOFS)
            add("prove", PROOFS, seconds(lambda: [ledger.prove(seq) for seq in places]))
            add(
                "look one up by reference", PROOFS, seconds(lambda: [ledger.decision(str(s)) for s in places])
            )
            export = folder / "export.jsonl"
            add("export", size, seconds(lambda: ledger.export(export)))
        with ledger_in(folder, "normal", "NORMAL") as ledger:
            add("append in full, synchronous=NORMAL", N, seconds(lambda: append_full(ledger, pairs)))
        with ledger_in(folder, "compact") as ledger:
            add("append compactly (allow)", N, seconds(lambda: append_compact(ledger, pairs)))
        add("peer: plain SQLite inserts", N, seconds(lambda: plain_inserts(folder / "plain.db", pairs)))
        for name, took in peers(folder, pairs[:PEER_N]):
            add(name, PEER_N, took)
    table.print()


def append_full_again(ledger: Ledger, pairs: list[tuple[Item, Decision]]) -> None:
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        with ledger.writing(NOW) as writer:
            commitments = writer.commit(text for item, _ in batch for text in texts_of(item))
            writer.append([Decided.of(item, decision, commitments, NOW) for item, decision in batch])


def peers(folder: Path, pairs: list[tuple[Item, Decision]]) -> Iterator[tuple[str, float]]:
    """pymerkle, when it is installed (it is needed for nothing else)."""
    try:
        from pymerkle import InmemoryTree, SqliteTree
    except ImportError:
        return
    bodies = [encode_body(pair) for pair in pairs]  # type: ignore[arg-type]
    memory = InmemoryTree(algorithm="sha256")
    yield "peer: pymerkle in memory", seconds(lambda: [memory.append_entry(body) for body in bodies])
    with SqliteTree(str(folder / "pymerkle.db"), algorithm="sha256") as tree:
        few = bodies[: len(bodies) // 10]
        yield "peer: pymerkle in SQLite", 10 * seconds(lambda: [tree.append_entry(body) for body in few])


if __name__ == "__main__":
    main()
