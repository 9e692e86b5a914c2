"""Run a policy's examples through the real engine.

What an example claims, standing under `ACTION` in rule R:

- The whole policy, R and all other rules together, decides `ACTION` for this item.
- When `ACTION` is what R asks for (`then`), R is among the rules that fired.

So an example under `allow` also says that R does not fire, and one under a third action that
another rule is meant to decide. Every example is decided alone, with fresh counters; `given`
replaces what signals, the item or counters would say. `now` is a fixed moment, so that a check
does not depend on the day: an example that needs an account's age says when things were created,
or gives `author.age_days`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from holdfast.content import Item
from holdfast.decision import Action, Decision, Unknown
from holdfast.policy.counter import Counter
from holdfast.policy.diagnostics import Diagnostic, Finding, in_order
from holdfast.policy.policy import Policy
from holdfast.policy.rule import Rule
from holdfast.policy.source import Source
from holdfast.policy.verdict import Verdict
from holdfast.schema import Value

NOW = datetime(2024, 1, 1, tzinfo=UTC)
"""The moment of every check."""
_SHOWN_VALUES = 6


class Decides(Protocol):
    """What runs the examples: `holdfast.engine.Engine`, or anything that decides like it."""

    def decide(self, items: Sequence[Item], policy: Policy, now: datetime) -> list[Decision]: ...


def check(policy: Policy, engine: Decides) -> list[Diagnostic]:
    """What is wrong with the examples, pointing at their lines; empty when all hold."""
    findings = []
    for rule in policy.rules:
        for action, examples in rule.examples.items():
            for example in examples:
                assumed = _Assumed(policy, example.given)
                (decision,) = engine.decide([example.item], assumed, NOW)
                message = _complaint(rule, action, decision, assumed.row)
                if message is not None:
                    findings.append(Finding(example.at, message))
    return list(in_order(findings, Source(policy.source, policy.path)))


class _Assumed(Policy):
    """A policy that is told some of its columns, and remembers the row that it judged."""

    def __init__(self, policy: Policy, given: Mapping[str, Value]) -> None:
        self.__dict__.update(policy.__dict__)
        self.row: dict[str, Value] = {}
        self._given = given
        # A counter that is given need not be counted, and `engine` must not look for its columns.
        self.counters: tuple[Counter, ...] = policy.counters

    def evaluate(self, columns: Mapping[str, Sequence[Value]], n: int) -> list[Verdict]:
        assumed = {**columns, **{name: [value] * n for name, value in self._given.items()}}
        self.row = {name: column[0] for name, column in assumed.items() if len(column)}
        return super().evaluate(assumed, n)


def _complaint(rule: Rule, action: Action, decision: Decision, row: Mapping[str, Value]) -> str | None:
    fired = {other.name for other in decision.rules}
    wanted = action == rule.then
    if decision.action == action and (not wanted or rule.name in fired):
        return None
    if decision.action == action:
        return f"got {action}, but not by rule {rule.name}: {_why_not(rule, decision, row)}"
    got = f"expected {action}, got {decision.action}"
    if wanted and rule.name not in fired:
        return f"{got}: {_why_not(rule, decision, row)}"
    others = sorted(fired) or sorted(unknown.name for unknown in decision.unknown)
    if not others:
        return f"{got}: no rule fired"
    verb = "fired" if fired else "could not be decided"
    return f"{got}: {', '.join(others)} {verb}{_values(rule, row) if rule.name in fired else ''}"


def _why_not(rule: Rule, decision: Decision, row: Mapping[str, Value]) -> str:
    unknown: Unknown | None = next((u for u in decision.unknown if u.name == rule.name), None)
    if unknown is not None:
        missing = f": {', '.join(unknown.missing)} is missing" if unknown.missing else ""
        return f"rule {rule.name} could not be decided{missing}"
    return f"rule {rule.name} did not fire{_values(rule, row)}"


def _values(rule: Rule, row: Mapping[str, Value]) -> str:
    shown = [f"{name} = {_value(row.get(name))}" for name in rule.reads[:_SHOWN_VALUES]]
    return f": {', '.join(shown)}" if shown else ""


def _value(value: Value) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value if len(value) <= 40 else value[:39] + "…")
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)
