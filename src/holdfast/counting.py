"""Counting again what the ledger holds: after a restart, and what other workers decided meanwhile.

What an event tells is not measured again: whether an item met a counter's condition, where the event says so,
else the signals of a decision that was kept in full. Only for the others are texts read and signals run, and
only those signals whose fields the counters read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from holdfast.content import Item
from holdfast.engine import Engine, Measured, needed_to_count
from holdfast.ledger.events import ITEM_TEXTS, ItemRecord, Past
from holdfast.ledger.ledger import Ledger
from holdfast.policy.counters import Counters
from holdfast.policy.policy import Policy
from holdfast.schema import Value

BATCH = 500
_WORDS = frozenset(f"item.{part}" for part in ITEM_TEXTS)


def count_past(
    engine: Engine, ledger: Ledger, policy: Policy, counters: Counters, history: Iterable[Past]
) -> int:
    """Move `counters` on by `history`, which comes in the ledger's order. Returns how many items it held."""
    history = iter(history)
    n = 0
    while batch := list(islice(history, BATCH)):
        _count(engine, ledger, policy, counters, batch)
        n += len(batch)
    return n


def _count(engine: Engine, ledger: Ledger, policy: Policy, counters: Counters, batch: Sequence[Past]) -> None:
    marks = [counter.mark for counter in policy.counters if counter.where is not None]
    known = {mark: [past.counted.get(mark) for past in batch] for mark in marks}
    open_rows = {row for told in known.values() for row, met in enumerate(told) if met is None}
    needed = needed_to_count(policy, known)
    keys = {name for counter in policy.counters for name in counter.keys}
    signals = [field.name for signal in engine.signals for field in signal.fields if field.name in needed]

    def lacks(row: int) -> bool:
        """Whether what this row's counting reads is not in its event."""
        wanted = needed if row in open_rows else keys
        said = batch[row].signals
        return not _WORDS.isdisjoint(wanted) or any(name in wanted and name not in said for name in signals)

    items = [_without_words(past.record) for past in batch]
    read = [row for row in range(len(batch)) if lacks(row)]
    found = _measured(engine, ledger, [batch[row].record for row in read], signals)
    columns: dict[str, list[Value]] = {name: [past.signals.get(name) for past in batch] for name in signals}
    for place, row in enumerate(read):
        items[row] = found.items[place]
        for name in signals:
            if name not in batch[row].signals:
                columns[name][row] = found.signals[name][place]
    received = [past.received_at for past in batch]
    engine.count(Measured(items, columns, {}), policy, counters, received, known)


def _measured(
    engine: Engine, ledger: Ledger, records: Sequence[ItemRecord], fields: Collection[str]
) -> Measured:
    # An erased text counts as an empty one: who wrote to whom, and when, is still known.
    items = [
        item or _without_words(record) for item, record in zip(ledger.items(records), records, strict=True)
    ]
    return engine.measure(items, fields)


def _without_words(record: ItemRecord) -> Item:
    return Item(
        id=record.id,
        text="",
        surface=record.surface,
        author=record.author,
        target=record.target,
        language=record.language,
        created_at=record.created_at,
        context=record.context,
    )
