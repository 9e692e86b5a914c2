"""Decisions found again: by reference, in lists, and of one item.

A decision's public reference is its place: "SEQ", or "SEQ.SLOT" inside an `Allowed`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from holdfast.decision import Action, Decision
from holdfast.ledger.encoding import from_micros
from holdfast.ledger.errors import NotFound
from holdfast.ledger.events import Allowed, Decided, ItemRecord, Recorded
from holdfast.ledger.reducers import WHOLE
from holdfast.store.schema import decisions


class DecisionEntry(NamedTuple):
    """A decision in a list: enough to show and to look up the rest."""

    ref: str
    item_id: str
    action: Action
    policy: str
    at: datetime
    escalate: bool


class DecisionFound(NamedTuple):
    """A decision by its reference. `decision` is `None` for an allow that was kept compactly."""

    ref: str
    at: datetime
    item: ItemRecord
    action: Action
    policy: str
    decision: Decision | None


def make_ref(seq: int, slot: int) -> str:
    """The public reference of a decision."""
    return str(seq) if slot == WHOLE else f"{seq}.{slot}"


def parse_ref(ref: str) -> tuple[int, int]:
    """Place and slot of a reference. Raises `NotFound` for what cannot be one."""
    seq, dot, slot = ref.partition(".")
    if not (seq.isascii() and seq.isdigit() and len(seq) <= 18) or (
        dot and not (slot.isascii() and slot.isdigit() and len(slot) <= 9)
    ):
        raise _no_decision(ref)
    return int(seq), int(slot) if dot else WHOLE


def decision_in(recorded: Recorded, ref: str) -> DecisionFound:
    """The decision that `ref` names, which refers to the event `recorded`. Raises `NotFound`."""
    slot = parse_ref(ref)[1]
    event = recorded.event
    if type(event) is Decided and slot == WHOLE:
        decision = event.decision
        return DecisionFound(ref, recorded.at, event.item, decision.action, decision.policy, decision)
    if type(event) is Allowed and 0 <= slot < len(event.items):
        return DecisionFound(ref, recorded.at, event.items[slot], "allow", event.policy, None)
    raise _no_decision(ref)


def newest_decisions(
    connection: Connection,
    limit: int,
    *,
    before: str | None = None,
    action: Action | None = None,
    item_id: str | None = None,
    whole: bool = False,
    escalated: bool = False,
) -> list[DecisionEntry]:
    """The newest decisions, newest first; `before` is the last reference of the page before.

    `whole` leaves out the compactly kept ones, `escalated` all that were not escalated.
    """
    query = select(decisions).order_by(decisions.c.seq.desc(), decisions.c.slot.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(decisions.c.seq, decisions.c.slot) < parse_ref(before))
    if action is not None:
        query = query.where(decisions.c.action == action)
    if item_id is not None:
        query = query.where(decisions.c.item_id == item_id)
    if whole:
        query = query.where(decisions.c.slot == WHOLE)
    if escalated:
        query = query.where(decisions.c.escalate == 1)
    return [
        DecisionEntry(
            make_ref(row.seq, row.slot),
            row.item_id,
            row.action,
            row.policy,
            from_micros(row.at),
            bool(row.escalate),
        )
        for row in connection.execute(query)
    ]


def _no_decision(ref: str) -> NotFound:
    return NotFound(
        "no decision has this reference",
        where="ledger",
        value=repr(ref[:40]),
        expected="SEQ or SEQ.SLOT, as decisions are returned and listed with",
    )
