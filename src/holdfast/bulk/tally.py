"""What a run found, in bounded memory: counts, and a sample of examples that a resumed run shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from holdfast.bulk.blur import blur
from holdfast.bulk.rows import Rejected
from holdfast.content import Item
from holdfast.decider import DecidedItem
from holdfast.decision import ACTIONS, SEVERITY, Action, Decision

EXAMPLES = 6
"""Examples that are kept for a rule."""
EXAMPLE_CHARACTERS = 600
KINDS = 60
"""Reasons for rejecting that are told apart."""
BUCKETS = 240
"""Points of the timeline, at most."""
_HOUR = 3_600
OTHERS = "(others)"


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An item on which a rule fired. `text` is `None` unless the run keeps texts for its report;
    `marks` are (start, end, label) within it."""

    rank: int
    row: int
    id: str
    action: Action
    blurred: str
    text: str | None = None
    marks: tuple[tuple[int, int, str], ...] = ()
    ref: str | None = None


class RuleTally(msgspec.Struct, kw_only=True):
    """How often a rule fired. `alone` counts the items on which no other did."""

    then: Action
    reason: str
    tells: str
    escalate: bool
    count: int = 0
    alone: int = 0
    examples: list[Example] = []


class UnknownTally(msgspec.Struct, kw_only=True):
    """How often a rule could not be decided, and for want of which fields."""

    count: int = 0
    missing: dict[str, int] = msgspec.field(default_factory=dict)


class Timeline(msgspec.Struct, kw_only=True):
    """Decisions by action in stretches of `width` seconds since 1970."""

    width: int = _HOUR
    buckets: dict[int, dict[Action, int]] = msgspec.field(default_factory=dict)

    def add(self, second: float, action: Action) -> None:
        bucket = self.buckets.setdefault(int(second // self.width), {})
        bucket[action] = bucket.get(action, 0) + 1
        while len(self.buckets) > BUCKETS:
            self._widen()

    def _widen(self) -> None:
        steps = (_HOUR, 6 * _HOUR, 24 * _HOUR, 7 * 24 * _HOUR, 28 * 24 * _HOUR, 364 * 24 * _HOUR)
        width = next((step for step in steps if step > self.width), 2 * self.width)
        wider: dict[int, dict[Action, int]] = {}
        for place, counts in self.buckets.items():
            bucket = wider.setdefault(place * self.width // width, {})
            for action, count in counts.items():
                bucket[action] = bucket.get(action, 0) + count
        self.width, self.buckets = width, wider


class Tally(msgspec.Struct, kw_only=True):
    """Counts over a whole run; `keep_texts` lets examples hold what people wrote."""

    keep_texts: bool = False
    rows: int = 0
    decided: int = 0
    rejected: int = 0
    escalated: int = 0
    with_unknown: int = 0
    """Items on which some rule could not tell."""
    by_unknown: int = 0
    """Of these, the ones whose action no rule asked for: the policy's `on_unknown` did."""
    actions: dict[Action, int] = msgspec.field(default_factory=lambda: dict.fromkeys(ACTIONS, 0))
    rules: dict[str, RuleTally] = msgspec.field(default_factory=dict)
    unknown: dict[str, UnknownTally] = msgspec.field(default_factory=dict)
    languages: dict[str, dict[Action, int]] = msgspec.field(default_factory=dict)
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    first_at: datetime | None = None
    last_at: datetime | None = None
    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    first_rejected: list[Rejected] = []

    @property
    def acted_on(self) -> int:
        return self.decided - self.actions["allow"]

    def add(self, items: Sequence[Item], decided: Sequence[DecidedItem], rows: Sequence[int]) -> None:
        """Count a batch; `rows` are the items' row numbers."""
        self.decided += len(decided)
        for (language, action), count in Counter(
            (d.signals.get("language"), d.action) for _, d in decided
        ).items():
            self.actions[action] += count
            if "language" in decided[0].decision.signals:
                counts = self.languages.setdefault(str(language or ""), {})
                counts[action] = counts.get(action, 0) + count
        for place, (ref, decision) in enumerate(decided):
            created_at = items[place].created_at
            if created_at is not None:
                self._time(created_at, decision.action)
            if decision.rules:
                self._fired(items[place], decision, ref, rows[place])
            if decision.unknown:
                self._unknown(decision)
            self.escalated += decision.escalate

    def reject(self, rejected: Sequence[Rejected]) -> None:
        self.rejected += len(rejected)
        for one in rejected:
            kind = one.kind
            if kind not in self.kinds and len(self.kinds) >= KINDS:
                kind = OTHERS
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
            if len(self.first_rejected) < EXAMPLES:
                self.first_rejected.append(one)

    def _time(self, moment: datetime, action: Action) -> None:
        self.timeline.add(moment.timestamp(), action)
        if self.first_at is None or moment < self.first_at:
            self.first_at = moment.astimezone(UTC)
        if self.last_at is None or moment > self.last_at:
            self.last_at = moment.astimezone(UTC)

    def _fired(self, item: Item, decision: Decision, ref: str | None, row: int) -> None:
        rank = shuffled(row)
        for rule in decision.rules:
            tally = self.rules.get(rule.name)
            if tally is None:
                tally = self.rules[rule.name] = RuleTally(
                    then=rule.then, reason=rule.reason, tells=rule.tells, escalate=rule.escalate
                )
            tally.count += 1
            tally.alone += len(decision.rules) == 1
            examples = tally.examples
            if len(examples) < EXAMPLES or rank < examples[-1].rank:
                examples.append(self._example(item, decision, ref, row, rank))
                examples.sort(key=lambda example: example.rank)
                del examples[EXAMPLES:]

    def _example(self, item: Item, decision: Decision, ref: str | None, row: int, rank: int) -> Example:
        kept = item.text[:EXAMPLE_CHARACTERS]
        return Example(
            rank=rank,
            row=row,
            id=item.id,
            action=decision.action,
            blurred=blur(item.text),
            text=kept if self.keep_texts else None,
            marks=tuple(
                (span.start, min(span.end, len(kept)), span.label)
                for span in decision.spans
                if span.field == "text" and span.start < len(kept)
            )
            if self.keep_texts
            else (),
            ref=ref,
        )

    def _unknown(self, decision: Decision) -> None:
        self.with_unknown += 1
        asked = max((SEVERITY[rule.then] for rule in decision.rules), default=0)
        self.by_unknown += SEVERITY[decision.action] > asked
        for unknown in decision.unknown:
            tally = self.unknown.setdefault(unknown.name, UnknownTally())
            tally.count += 1
            for name in unknown.missing:
                tally.missing[name] = tally.missing.get(name, 0) + 1


def shuffled(row: int) -> int:
    """A fixed shuffle of the row numbers (the finaliser of splitmix64): the examples with the lowest
    ranks are a random sample that no restart changes."""
    mixed = (row + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ (mixed >> 31)) & 0x1FFFFFFFFFFFFF
