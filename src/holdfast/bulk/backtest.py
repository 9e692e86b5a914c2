"""Backtests: what a new policy would have decided otherwise, per rule and per group.

Both policies are judged by the engine that decides live, on the same measured items, in the same
order; nothing is recorded. Changes of a share come with intervals for paired data
(`holdfast.statistics`), since every item is judged twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from holdfast.content import Item, item_column
from holdfast.decision import SEVERITY, Action, Decision
from holdfast.engine import Engine, Measured
from holdfast.errors import HoldfastError
from holdfast.policy.counters import Counters
from holdfast.policy.policy import Policy
from holdfast.schema import Value
from holdfast.statistics import Interval, paired_difference_interval

GROUP_LIMIT = 200
"""Groups that are told apart; further ones are counted together as `(others)`."""
OTHERS, UNKNOWN = "(others)", "(unknown)"


class UnknownGroup(HoldfastError):
    """`--by` names something that no item has."""

    code = "unknown-group"


class Tally(msgspec.Struct, kw_only=True):
    """How often something held before and after, on the same `n` items."""

    n: int = 0
    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0

    def add(self, before: bool, after: bool) -> None:
        self.n += 1
        self.before += before
        self.after += after
        self.gained += after and not before
        self.lost += before and not after

    @property
    def change(self) -> Interval:
        """Change of the share, with its 95% interval."""
        return paired_difference_interval(self.gained, self.lost, self.n)


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An item that the new policy decides otherwise."""

    id: str
    before: Action
    after: Action
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]
    escalate_before: bool
    escalate_after: bool


class Backtest(msgspec.Struct, kw_only=True):
    """The result: `moves` counts items by (action before, action after); `rules` has the most changed first."""

    old: str
    new: str
    n: int = 0
    changed: int = 0
    moves: Counter[tuple[Action, Action]] = msgspec.field(default_factory=Counter)
    acted_on: Tally = msgspec.field(default_factory=Tally)
    rules: dict[str, Tally] = msgspec.field(default_factory=dict)
    groups: dict[str, dict[str, Tally]] = msgspec.field(default_factory=dict)

    @property
    def stricter(self) -> int:
        """Items on which the new policy acts more severely."""
        return sum(n for (a, b), n in self.moves.items() if SEVERITY[b] > SEVERITY[a])

    @property
    def milder(self) -> int:
        return sum(n for (a, b), n in self.moves.items() if SEVERITY[b] < SEVERITY[a])


def backtest(
    engine: Engine,
    old: Policy,
    new: Policy,
    batches: Iterable[Sequence[Item]],
    now: datetime,
    *,
    by: Sequence[str] = (),
    on_change: Callable[[Item, Changed], None] | None = None,
) -> Backtest:
    """Judge every item under both policies.

    `batches` are in order of time (counters depend on it) and may be endless-sized: memory holds
    one batch and the tallies. `by` names fields (or context entries) whose values are the groups; a
    list-valued field puts an item into each of its groups. `on_change` is called for every item
    that changes. Raises `UnknownGroup` for a name that neither fields nor the first batch know.
    """
    result = Backtest(old=old.id, new=new.id, groups={name: {} for name in by})
    result.rules = {rule.name: Tally() for policy in (old, new) for rule in policy.rules}
    counters = Counters(old.counters), Counters(new.counters)
    for items in batches:
        measured = engine.measure(items)
        before = engine.judge(measured, old, counters[0], now)
        after = engine.judge(measured, new, counters[1], now)
        groups = [(result.groups[name], _group_column(name, measured, now, result.n == 0)) for name in by]
        for row, (item, a, b) in enumerate(zip(items, before, after, strict=True)):
            _tally(result, a, b)
            for tallies, column in groups:
                for group in _groups_of(column[row]):
                    _group_tally(tallies, group).add(a.action != "allow", b.action != "allow")
            if on_change is not None and (change := _change(a, b)) is not None:
                on_change(item, change)
        result.n += len(items)
    # A rule is only tallied where it fired on a side, but its shares are of all items.
    for tally in result.rules.values():
        tally.n = result.n
    result.rules = dict(sorted(result.rules.items(), key=lambda pair: -(pair[1].gained + pair[1].lost)))
    return result


def _tally(result: Backtest, before: Decision, after: Decision) -> None:
    result.moves[before.action, after.action] += 1
    result.changed += before.action != after.action or before.escalate != after.escalate
    result.acted_on.add(before.action != "allow", after.action != "allow")
    fired_before = {rule.name for rule in before.rules}
    fired_after = {rule.name for rule in after.rules}
    for name in fired_before | fired_after:
        result.rules[name].add(name in fired_before, name in fired_after)


def _change(before: Decision, after: Decision) -> Changed | None:
    if before.action == after.action and before.escalate == after.escalate:
        return None
    return Changed(
        id=before.item_id,
        before=before.action,
        after=after.action,
        rules_before=tuple(rule.name for rule in before.rules),
        rules_after=tuple(rule.name for rule in after.rules),
        escalate_before=before.escalate,
        escalate_after=after.escalate,
    )


def _group_column(name: str, measured: Measured, now: datetime, first: bool) -> Sequence[Value]:
    if name in measured.signals:
        return measured.signals[name]
    column = item_column(name, measured.items, now)
    if column is None:
        column = [item.context.get(name) for item in measured.items]
        if first and all(value is None for value in column):
            known = [
                *measured.signals,
                *dict.fromkeys(key for item in measured.items for key in item.context),
            ]
            raise UnknownGroup(
                "is not a field, and no item has it in its context",
                where=f"--by {name}",
                expected=f"an item field such as item.surface, or one of {', '.join(known)}",
            )
    return column


def _groups_of(value: Value) -> Sequence[str]:
    if value is None:
        return (UNKNOWN,)
    if isinstance(value, list):
        return tuple(dict.fromkeys(value)) or ("(none)",)
    return (str(value).lower() if isinstance(value, bool) else str(value),)


def _group_tally(tallies: dict[str, Tally], group: str) -> Tally:
    if group not in tallies and len(tallies) >= GROUP_LIMIT:
        group = OTHERS
    return tallies.setdefault(group, Tally())
