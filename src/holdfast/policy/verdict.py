"""Verdicts: what a policy says about one item, before the engine adds the evidence.

All rules of a policy are compiled into one function that loops over rows. A row in which no rule
fires and none is unknown, by far the most common, costs only the rules' own tests.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from holdfast.decision import ACTIONS, SEVERITY, Action, Fired, Unknown
from holdfast.policy.expression import And, Node, Read, reads, walk
from holdfast.policy.live import Scope, define
from holdfast.policy.rule import Rule
from holdfast.schema import Value

_REMEMBERED = 4_096
"""Combinations of unknown rules and missing fields whose verdict is kept."""

Row = tuple[Value, ...]


class Verdict(NamedTuple):
    """The action a policy asks for, the rules that fired and those that could not be decided."""

    action: Action
    escalate: bool
    rules: tuple[Fired, ...]
    unknown: tuple[Unknown, ...]


ALLOWED = Verdict("allow", False, (), ())


class Judge:
    """Rules, compiled. `fields` are the columns that it takes, in order.

    The action is the most severe `then` of the rules that fired. A rule that is unknown and asks
    for more raises it, to what the rule asks for but no further than `on_unknown`.
    """

    def __init__(self, rules: Sequence[Rule], conditions: Sequence[Node], on_unknown: Action) -> None:
        self.fields = tuple(dict.fromkeys(name for rule in rules for name in rule.reads))
        self._rules = rules
        self._on_unknown = SEVERITY[on_unknown]
        place = {name: index for index, name in enumerate(self.fields)}
        nullable = {
            part.name
            for condition in conditions
            for part in walk(condition)
            if isinstance(part, Read) and part.nullable
        }
        self._values = [tuple((name, place[name]) for name in rule.reads) for rule in rules]
        self._missable = [
            tuple((name, place[name]) for name in rule.reads if name in nullable) for rule in rules
        ]
        self._nullable = tuple(place[name] for name in self.fields if name in nullable)
        self._remembered: dict[tuple[tuple[int, ...], tuple[bool, ...]], tuple[Unknown, ...]] = {}
        self._unknown_only: dict[tuple[Unknown, ...], Verdict] = {}
        scope = Scope(self.fields)
        self.source = _function(scope, conditions)
        bound = {**scope.bound, "settle": self._settle, "allowed": ALLOWED}
        self._judge: Callable[[Any, Callable[[Verdict], None]], None] = define("judge", self.source, bound)

    def verdicts(self, columns: Mapping[str, Sequence[Value]], n: int) -> list[Verdict]:
        """The verdict on each of `n` rows."""
        if self.fields:
            rows: Any = zip(*[columns[name] for name in self.fields], strict=True)
        else:
            rows = repeat((), n)
        verdicts: list[Verdict] = []
        self._judge(rows, verdicts.append)
        if len(verdicts) != n:
            raise ValueError(f"the columns have {len(verdicts)} rows; expected {n}")
        return verdicts

    def _settle(self, fired: list[int], unknown: list[int], row: Row) -> Verdict:
        missing = self._missing(unknown, row) if unknown else ()
        if not fired:
            verdict = self._unknown_only.get(missing)
            if verdict is None:
                verdict = Verdict(self._raised(0, unknown), False, (), missing)
                if len(self._unknown_only) >= _REMEMBERED:
                    self._unknown_only.clear()
                self._unknown_only[missing] = verdict
            return verdict
        fired.sort()
        rules = self._rules
        severity = 0
        escalate = False
        names = []
        for index in fired:
            rule = rules[index]
            severity = max(severity, SEVERITY[rule.then])
            escalate = escalate or rule.escalate
            names.append(
                Fired(
                    name=rule.name,
                    then=rule.then,
                    reason=rule.reason,
                    tells=rule.tells,
                    values={name: row[place] for name, place in self._values[index]},
                    escalate=rule.escalate,
                )
            )
        action = self._raised(severity, unknown) if unknown else ACTIONS[severity]
        return Verdict(action, escalate, tuple(names), missing)

    def _raised(self, severity: int, unknown: list[int]) -> Action:
        for index in unknown:
            severity = max(severity, min(self._on_unknown, SEVERITY[self._rules[index].then]))
        return ACTIONS[severity]

    def _missing(self, unknown: list[int], row: Row) -> tuple[Unknown, ...]:
        unknown.sort()
        key = (tuple(unknown), tuple([row[place] is None for place in self._nullable]))
        known = self._remembered.get(key)
        if known is None:
            known = tuple(
                Unknown(
                    name=self._rules[index].name,
                    missing=tuple(name for name, place in self._missable[index] if row[place] is None),
                )
                for index in unknown
            )
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = known
        return known


def _function(scope: Scope, conditions: Sequence[Node]) -> str:
    """The source of `judge(rows, put)`."""
    plans = [_Plan(scope, index, condition) for index, condition in enumerate(conditions)]
    # Rules that share a first test (`lexicon.threat_phrase > 0`) stand under it together.
    shared = Tally(gate for plan in plans for gate in plan.gates)
    groups: dict[str | None, list[_Plan]] = {}
    for plan in plans:
        gate = max(plan.gates, key=lambda text: shared[text], default=None)
        groups.setdefault(gate if gate is not None and shared[gate] > 1 else None, []).append(plan)
    body = []
    for gate, members in groups.items():
        if gate is not None:
            body.append(f"if {gate}:")
        for plan in members:
            body.extend(f"{'' if gate is None else ' '}{line}" for line in plan.lines(without=gate))
    variables = ", ".join(scope.variables.values())
    return "\n".join(
        [
            "def judge(rows, put):",
            " fired = []",
            " unknown = []",
            " for row in rows:",
            *([f"  {variables}, = row"] if variables else []),
            *(f"  {line}" for line in body),
            "  if fired or unknown:",
            "   put(settle(fired, unknown, row))",
            "   fired = []",
            "   unknown = []",
            "  else:",
            "   put(allowed)",
        ]
    )


class _Plan:
    """How one rule is tested: gates that cannot be NULL first, then what can be."""

    def __init__(self, scope: Scope, index: int, condition: Node) -> None:
        terms = condition.terms if isinstance(condition, And) else (condition,)
        codes = [(term, scope.code(term)) for term in terms]
        self.gates = [code.text for _, code in codes if not code.nullable]
        self._index = index
        self._scope = scope
        self._unsure = [term for term, code in codes if code.nullable]

    def lines(self, without: str | None) -> list[str]:
        """Statements that append the rule's index to `fired` or `unknown`."""
        gates = [gate for gate in self.gates if gate != without]
        fire = f"fired.append({self._index})"
        if not self._unsure:
            return [f"if {' and '.join(gates)}: {fire}" if gates else fire]
        lines = [f"if {' and '.join(gates)}:"] if gates else []
        pad = " " if gates else ""
        lines.extend(pad + line for line in self._undecided(fire))
        return lines

    def _undecided(self, fire: str) -> list[str]:
        scope, terms = self._scope, self._unsure
        rest = terms[0] if len(terms) == 1 else _conjunction(terms)
        missable = {part.name for part in walk(rest) if isinstance(part, Read) and part.nullable}
        tests = [f"{scope.variables[name]} is not None" for name in reads(rest) if name in missable]
        known = scope.code(rest, frozenset(missable))
        # Most rows miss nothing: then the rest is plain Python. Only the others need three values.
        lines = []
        if tests:
            lines.append(f"if {' and '.join(tests)}:")
        if not known.nullable:
            lines.append(f" if {known.text}: {fire}")
        else:
            lines.extend(f" {line}" for line in _three_valued(known.text, self._index))
        if not tests:
            return [line[1:] for line in lines]
        lines.append("else:")
        lines.extend(f" {line}" for line in _three_valued(scope.code(rest).text, self._index))
        return lines


def _three_valued(text: str, index: int) -> list[str]:
    return [
        f"outcome = {text}",
        f"if outcome: fired.append({index})",
        f"elif outcome is None: unknown.append({index})",
    ]


def _conjunction(terms: Sequence[Node]) -> And:
    return And(
        terms=tuple(terms),
        type=terms[0].type,
        nullable=True,
        at=terms[0].at.joined(terms[-1].at),
    )
