"""The engine: a batch of items in, decisions out. Nothing else decides.

The same path serves a live comment (a batch of one), a shadow policy, a backtest and a cluster:

    items ─▶ signals ─▶ columns (+ context, + counters) ─▶ policy ─▶ decisions
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from holdfast.content import ITEM_FIELDS, Item, item_column, validate_item
from holdfast.decision import Decision, Span
from holdfast.policy.counters import Counters
from holdfast.policy.policy import Policy
from holdfast.schema import Schema, Value
from holdfast.signals import Batch, Signal, default_signals


class Measured(NamedTuple):
    """Items with what every signal found; policies are judged on this."""

    items: Sequence[Item]
    signals: Mapping[str, Sequence[Value]]
    spans: Mapping[int, Sequence[Span]]

    def split(self, row: int) -> tuple[Measured, Measured]:
        """The items before `row`, and those from there on."""
        if row == len(self.items):
            return self, Measured((), dict.fromkeys(self.signals, ()), {})
        return self._part(0, row), self._part(row, len(self.items))

    def _part(self, start: int, end: int) -> Measured:
        return Measured(
            self.items[start:end],
            {name: column[start:end] for name, column in self.signals.items()},
            {row - start: found for row, found in self.spans.items() if start <= row < end},
        )

    def rows(self) -> list[dict[str, Value]]:
        """For each item the value of every field."""
        return [dict(zip(self.signals, row, strict=True)) for row in zip(*self.signals.values(), strict=True)]


class Engine:
    """Signals, and the policies judged on them.

    Deterministic: the same items, `now`, policy and counters give the same decisions, whatever the
    batch's size.
    """

    def __init__(self, signals: Sequence[Signal] | None = None) -> None:
        self.signals = tuple(default_signals() if signals is None else signals)
        self.schema = Schema(ITEM_FIELDS).with_fields(f for s in self.signals for f in s.fields)
        self.versions = {signal.name: signal.version for signal in self.signals}

    def decide(self, items: Sequence[Item], policy: Policy, now: datetime) -> list[Decision]:
        """Check and decide a batch with fresh counters: what an embedder calls.

        A service that counts over time checks items at its own edge and keeps its own counters
        (`measure`, `judge`). Raises `InvalidItem`, naming item and field.
        """
        valid = [validate_item(item, f"items[{row}]") for row, item in enumerate(items)]
        for row, item in enumerate(valid):
            policy.validate_context(item, f"items[{row}]")
        return self.judge(self.measure(valid), policy, Counters(policy.counters), now)

    def measure(self, items: Sequence[Item], fields: Collection[str] | None = None) -> Measured:
        """Run every signal once over the batch; with `fields`, only those that tell one of them."""
        batch = Batch(items)
        columns: dict[str, Sequence[Value]] = {}
        spans: dict[int, list[Span]] = {}
        for signal in self.signals:
            if fields is not None and not any(field.name in fields for field in signal.fields):
                continue
            evidence = signal.measure(batch)
            columns.update(evidence.columns)
            for row, found in evidence.spans.items():
                spans.setdefault(row, []).extend(found)
        return Measured(items, columns, spans)

    def judge(self, measured: Measured, policy: Policy, counters: Counters, now: datetime) -> list[Decision]:
        """Judge measured items under `policy`, in order; `counters` moves on by these items."""
        columns = self.columns(measured, policy, now)
        columns.update(counters.advance(columns, _times(measured.items, now)))
        names = tuple(measured.signals)
        rows = zip(*measured.signals.values(), strict=True)
        return [
            Decision(
                item_id=item.id,
                action=verdict.action,
                escalate=verdict.escalate,
                rules=verdict.rules,
                unknown=verdict.unknown,
                signals=dict(zip(names, values, strict=True)),
                spans=tuple(measured.spans.get(row, ())),
                policy=policy.id,
                versions=self.versions,
            )
            for row, (item, verdict, values) in enumerate(
                zip(measured.items, policy.evaluate(columns, len(measured.items)), rows, strict=True)
            )
        ]

    def count(
        self,
        measured: Measured,
        policy: Policy,
        counters: Counters,
        received: Sequence[datetime],
        known: Mapping[str, Sequence[bool | None]] | None = None,
    ) -> None:
        """Move `counters` on by items that were decided before, received at these times, without judging.

        `measured` needs the signals that `needed_to_count` names, and no others.
        """
        columns = self.columns(measured, policy, received[-1], needed_to_count(policy, known or {}))
        times = [
            _happened(item, moment.timestamp()) for item, moment in zip(measured.items, received, strict=True)
        ]
        counters.advance(columns, times, known)

    def columns(
        self, measured: Measured, policy: Policy, now: datetime, names: Iterable[str] | None = None
    ) -> dict[str, Sequence[Value]]:
        """The columns that `policy` reads, counters excepted: signals, item properties, declared inputs.

        With `names`, these of them.
        """
        columns: dict[str, Sequence[Value]] = {}
        for name in policy.reads if names is None else names:
            if name in measured.signals:
                columns[name] = measured.signals[name]
            elif (column := item_column(name, measured.items, now)) is not None:
                columns[name] = column
            else:
                columns[name] = policy.input_column(name, measured.items)
        return columns


def needed_to_count(policy: Policy, known: Mapping[str, Sequence[bool | None]]) -> dict[str, None]:
    """The fields that counting under `policy` reads where the conditions in `known` are known (see
    `Counters.advance`), in order."""
    needed: dict[str, None] = {}
    for counter in policy.counters:
        told = known.get(counter.mark)
        needed |= dict.fromkeys(counter.reads if told is None or None in told else counter.keys)
    return needed


def _times(items: Sequence[Item], now: datetime) -> list[float]:
    """Seconds since the epoch at which each item happened."""
    arrived = now.timestamp()
    return [_happened(item, arrived) for item in items]


def _happened(item: Item, arrived: float) -> float:
    # Nothing is written after it arrives: a time from the future would push all others out of a window.
    return arrived if item.created_at is None else min(item.created_at.timestamp(), arrived)
