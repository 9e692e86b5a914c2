"""Items, decisions and events to put into a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from holdfast.content import Account, Item
from holdfast.decision import Action, Decision, Fired, Span
from holdfast.ledger import Appended, ItemRecord, Ledger, texts_of
from holdfast.ledger.events import Allowed, Decided

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def an_item(number: int, text: str | None = None, **more: object) -> Item:
    return Item(
        id=f"c{number}",
        text=f"a remark, number {number}" if text is None else text,
        author=Account(id=f"u{number % 7}", followers=number),
        target=Account(id="creator"),
        created_at=NOW - timedelta(minutes=number),
        **more,  # type: ignore[arg-type]
    )


def a_decision(item: Item, action: Action = "hold") -> Decision:
    fired = Fired(
        name="rule",
        then=action,
        reason="harassment",
        tells="Waits for the creator's say.",
        values={"lexicon.harassment": 2, "item.text": item.text},
    )
    return Decision(
        item_id=item.id,
        action=action,
        escalate=action == "remove",
        rules=(fired,),
        unknown=(),
        signals={"text.length": len(item.text), "language": None},
        spans=(Span(signal="lexicon", start=0, end=1, label="harassment"),),
        policy="community@0123456789ab",
        versions={"lexicon": "1"},
    )


def record(
    ledger: Ledger, items: Sequence[Item], action: Action = "hold", key: str | None = None, at: datetime = NOW
) -> Appended:
    """Append a full decision for every item."""
    with ledger.writing(at, key=key) as writer:
        commitments = writer.commit(text for item in items for text in texts_of(item))
        writer.append([Decided.of(item, a_decision(item, action), commitments, at) for item in items])
    return writer.appended


def record_allowed(ledger: Ledger, items: Sequence[Item], key: str | None = None) -> Appended:
    """Append one compact event that allows every item."""
    with ledger.writing(NOW, key=key) as writer:
        commitments = writer.commit(text for item in items for text in texts_of(item))
        records = tuple(ItemRecord.of(item, commitments) for item in items)
        writer.append([Allowed(policy="community@0123456789ab", items=records, received_at=NOW)])
    return writer.appended
