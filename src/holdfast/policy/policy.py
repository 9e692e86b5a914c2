"""A policy: loaded from YAML, judged on columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import msgspec
import sqlglot
from ruamel.yaml import YAML
from sqlglot import exp

from holdfast.content import Item
from holdfast.decision import SEVERITY, Action, Fired, Unknown
from holdfast.policy.diagnostics import PolicyError
from holdfast.policy.verdict import Verdict
from holdfast.schema import Field, Schema, Value


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: a SQL predicate and what follows when it holds."""

    name: str
    when: str
    then: Action
    escalate: bool = False
    reason: str
    tells: str
    examples: dict[str, tuple[Any, ...]] = {}
    reads: tuple[str, ...] = ()


class Policy:
    """A versioned set of rules."""

    def __init__(
        self,
        name: str,
        source: str,
        description: str,
        on_unknown: Action,
        rules: tuple[Rule, ...],
        trees: list[exp.Expression],
    ) -> None:
        self.name = name
        self.source = source
        self.description = description
        self.on_unknown = on_unknown
        self.rules = rules
        self.counters: tuple[Any, ...] = ()
        self.inputs: tuple[Field, ...] = ()
        self.version = hashlib.sha256(source.encode()).hexdigest()[:12]
        self.id = f"{name}@{self.version}"
        self.reads = tuple(dict.fromkeys(name for rule in rules for name in rule.reads))
        self._trees = trees

    @classmethod
    def load(cls, source: str, schema: Schema, path: str = "policy.yaml") -> Policy:
        """The policy written in `source`, typed against `schema`."""
        data = YAML(typ="safe", pure=True).load(source)
        rules, trees = [], []
        for entry in data["rules"]:
            tree = sqlglot.parse_one(entry["when"])
            reads = tuple(dict.fromkeys(_name(c) for c in tree.find_all(exp.Column)))
            for name in reads:
                if name not in schema:
                    raise PolicyError(f"there is no field called {name}", where=path)
            rules.append(Rule(**{"escalate": False, **entry}, reads=reads))
            trees.append(tree)
        return cls(
            data["policy"],
            source,
            data.get("description", ""),
            data.get("on_unknown", "allow"),
            tuple(rules),
            trees,
        )

    def evaluate(self, columns: Mapping[str, Sequence[Value]], n: int) -> list[Verdict]:
        """The verdict on each of `n` rows."""
        verdicts = []
        for i in range(n):
            row = {name: columns[name][i] for name in self.reads}
            fired, unknown = [], []
            action: Action = "allow"
            for rule, tree in zip(self.rules, self._trees, strict=True):
                held = _value(tree, row)
                if held:
                    fired.append(
                        Fired(
                            name=rule.name,
                            then=rule.then,
                            reason=rule.reason,
                            tells=rule.tells,
                            values={r: row[r] for r in rule.reads},
                            escalate=rule.escalate,
                        )
                    )
                    action = max(action, rule.then, key=SEVERITY.__getitem__)
                elif held is None:
                    unknown.append(
                        Unknown(name=rule.name, missing=tuple(r for r in rule.reads if row[r] is None))
                    )
            verdicts.append(Verdict(action, any(f.escalate for f in fired), tuple(fired), tuple(unknown)))
        return verdicts

    def input_column(self, name: str, items: Sequence[Item]) -> list[Value]:
        """The declared input `name` out of every item's context."""
        return [item.context.get(name) for item in items]

    def validate_context(self, item: Item, where: str = "item") -> None:
        """Raise `InvalidItem` when a declared input has another type."""

    def render(self, dialect: Literal["duckdb", "spark"]) -> str:
        """The rules as one SELECT."""
        raise PolicyError("rendering comes with the typed tree")


def _name(column: exp.Column) -> str:
    return ".".join(part.name for part in column.parts)


def _value(tree: exp.Expression, row: Mapping[str, Value]) -> Any:
    if isinstance(tree, exp.Paren):
        return _value(tree.this, row)
    if isinstance(tree, exp.Column):
        return row[_name(tree)]
    if isinstance(tree, exp.Literal):
        return tree.this if tree.is_string else float(tree.this)
    if isinstance(tree, exp.Not):
        value = _value(tree.this, row)
        return None if value is None else not value
    left, right = _value(tree.left, row), _value(tree.right, row)  # type: ignore[attr-defined]
    if isinstance(tree, exp.And):
        return False if left is False or right is False else None if left is None or right is None else True
    if isinstance(tree, exp.Or):
        return True if left is True or right is True else None if left is None or right is None else False
    if left is None or right is None:
        return None
    compare = {
        exp.GT: "__gt__",
        exp.GTE: "__ge__",
        exp.LT: "__lt__",
        exp.LTE: "__le__",
        exp.EQ: "__eq__",
        exp.NEQ: "__ne__",
    }
    return cast(bool, getattr(float(left) if not isinstance(left, str) else left, compare[type(tree)])(right))
