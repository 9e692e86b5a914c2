"""From decisions to events: what of a batch is kept in full, what compactly, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from holdfast.content import Item
from holdfast.decision import Decision
from holdfast.ledger.decisions import make_ref
from holdfast.ledger.events import (
    Allowed,
    Decided,
    Event,
    ItemRecord,
    ShadowDecided,
    ShadowDifference,
    texts_of,
)
from holdfast.ledger.reducers import WHOLE
from holdfast.ledger.writer import Writer
from holdfast.settings import LedgerSettings


class Counted(NamedTuple):
    """For which items of a batch counters' conditions held, by the counters' marks."""

    met: Mapping[str, Sequence[bool | None]]

    def rows(self, rows: Sequence[int]) -> Counted:
        """The same for a batch of these rows."""
        return Counted({mark: [met[row] for row in rows] for mark, met in self.met.items()})

    def of(self, row: int) -> dict[str, bool]:
        return {mark: bool(met[row]) for mark, met in self.met.items()}

    def among(self, rows: Sequence[int]) -> dict[str, tuple[int, ...]]:
        """Of these rows, the places of those that met each."""
        return {
            mark: tuple(place for place, row in enumerate(rows) if met[row]) for mark, met in self.met.items()
        }


def record(
    writer: Writer,
    items: Sequence[Item],
    decisions: Sequence[Decision],
    now: datetime,
    settings: LedgerSettings,
    further: Sequence[Event] = (),
    counted: Counted | None = None,
) -> list[str]:
    """Append the decisions, and `further` events after them; the reference of each decision.

    An `allow` in which no rule held is kept compactly, but for the sampled share; everything else in full.
    `counted` is kept with them for whoever follows the ledger.
    """
    keep = settings.keep_allowed_text
    full = [_in_full(decision, settings.allow_sample_rate) for decision in decisions]
    commitments = writer.commit(
        text for item, whole in zip(items, full, strict=True) if whole or keep for text in texts_of(item)
    )
    events: list[Event] = [
        Decided.of(item, decision, commitments, now, counted and counted.of(row))
        for row, (item, decision, whole) in enumerate(zip(items, decisions, full, strict=True))
        if whole
    ]
    compact: dict[str, list[ItemRecord]] = {}
    rows: dict[str, list[int]] = {}
    slots: list[tuple[str, int]] = []
    for row, (item, decision, whole) in enumerate(zip(items, decisions, full, strict=True)):
        if not whole:
            records = compact.setdefault(decision.policy, [])
            slots.append((decision.policy, len(records)))
            records.append(ItemRecord.of(item, commitments if keep else None))
            rows.setdefault(decision.policy, []).append(row)
    allowed_at = {policy: len(events) + n for n, policy in enumerate(compact)}
    events += [
        Allowed(
            policy=policy,
            items=tuple(records),
            received_at=now,
            counted={} if counted is None else counted.among(rows[policy]),
        )
        for policy, records in compact.items()
    ]
    events += further
    first = writer.append(events) if events else 0
    place, slot = iter(range(first, first + len(events))), iter(slots)
    refs = []
    for whole in full:
        if whole:
            refs.append(make_ref(next(place), WHOLE))
        else:
            policy, number = next(slot)
            refs.append(make_ref(first + allowed_at[policy], number))
    return refs


def _in_full(decision: Decision, rate: float) -> bool:
    return decision.action != "allow" or decision.escalate or bool(decision.rules) or _sampled(decision, rate)


def _sampled(decision: Decision, rate: float) -> bool:
    """Whether an allow is kept in full: by a hash, so that deciding again samples the same."""
    if rate <= 0 or rate >= 1:
        return rate >= 1
    name = f"{decision.policy}\0{decision.item_id}".encode()
    digest = blake2b(name, digest_size=4, person=b"allow sample").digest()
    return int.from_bytes(digest, "big") < rate * 2**32


def shadowed(live: str, shadow: str, acted: Sequence[Decision], shadows: Sequence[Decision]) -> ShadowDecided:
    """How the policy `shadow` would have decided what `live` decided."""
    return ShadowDecided(
        live=live,
        shadow=shadow,
        n=len(acted),
        differs=tuple(
            ShadowDifference(
                item_id=one.item_id,
                live_action=one.action,
                shadow_action=other.action,
                rules=tuple(rule.name for rule in other.rules),
            )
            for one, other in zip(acted, shadows, strict=True)
            if one.action != other.action
        ),
    )
