"""A policy: written rules, checked once, judged on batches of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from holdfast.content import Item
from holdfast.decision import Action
from holdfast.errors import InvalidItem
from holdfast.policy import sql
from holdfast.policy.counter import Counter
from holdfast.policy.diagnostics import Diagnostic
from holdfast.policy.draft import RuleDraft
from holdfast.policy.example import Example, example
from holdfast.policy.expression import Node, reads
from holdfast.policy.inputs import accept
from holdfast.policy.loading import Loaded, load
from holdfast.policy.rule import Rule
from holdfast.policy.source import Source
from holdfast.policy.verdict import Judge, Verdict
from holdfast.policy.version import version
from holdfast.schema import Field, Schema, Value

__all__ = ["Policy", "Rule"]


class Policy:
    """A versioned set of rules. Make one with `Policy.load`.

    `version` is the hash of its content (`version.py` says what counts), `id` is `name@version`.
    `reads` are the fields that rules and counters read, counters excepted; `inputs` are those that
    the platform must send in an item's `context`. `warnings` are findings that do not stop it.
    """

    def __init__(self, source: Source, schema: Mapping[str, Field], loaded: Loaded) -> None:
        written, meaning = loaded.draft, loaded.meaning
        assert written.name is not None
        self.name = written.name.value
        self.source = source.text
        self.path = source.path
        self.schema = schema
        self.description = "" if written.description is None else written.description.value.strip()
        self.on_unknown = cast("Action", "allow" if written.on_unknown is None else written.on_unknown.value)
        self.version = version(written)
        self.id = f"{self.name}@{self.version}"
        self.warnings: tuple[Diagnostic, ...] = loaded.warnings
        self.fields: Mapping[str, Field] = meaning.fields
        self.inputs: tuple[Field, ...] = tuple(meaning.inputs)
        self.counters: tuple[Counter, ...] = tuple(meaning.counters)
        self.conditions: tuple[Node, ...] = tuple(rule.condition for rule in meaning.rules)
        self.rules: tuple[Rule, ...] = tuple(
            _rule(rule.draft, rule.condition, meaning.fields) for rule in meaning.rules
        )
        counted = {counter.name for counter in self.counters}
        read = [name for rule in self.rules for name in rule.reads]
        read += [name for counter in self.counters for name in counter.reads]
        self.reads: tuple[str, ...] = tuple(dict.fromkeys(name for name in read if name not in counted))
        self._inputs = {field.name: field for field in self.inputs}
        self._judge = Judge(self.rules, self.conditions, self.on_unknown)

    @classmethod
    def load(cls, source: str, schema: Mapping[str, Field], path: str = "policy.yaml") -> Policy:
        """The policy written in `source`, typed against `schema`.

        `path` is what diagnostics call it. Raises `PolicyError` with everything that is wrong.
        """
        text = Source(source, path)
        return cls(text, schema, load(text, schema))

    def __reduce__(self) -> tuple[object, ...]:
        # Compiled code does not travel to worker processes; the text and the fields do.
        return Policy.load, (self.source, Schema(self.schema.values()), self.path)

    def __repr__(self) -> str:
        return f"<Policy {self.id}: {len(self.rules)} rules>"

    @property
    def python(self) -> str:
        """The Python that judges a row, for those who want to see it."""
        return self._judge.source

    def evaluate(self, columns: Mapping[str, Sequence[Value]], n: int) -> list[Verdict]:
        """The verdict on each of `n` rows; `columns` has the fields of `reads` and the counters."""
        return self._judge.verdicts(columns, n)

    def input_column(self, name: str, items: Sequence[Item]) -> list[Value]:
        """The declared input `name` out of every item's context; missing or unusable is `None`."""
        field = self._inputs[name]
        column: list[Value] = []
        for item in items:
            value = item.context.get(name)
            if value is not None:
                try:
                    value = cast("bool | int | float | str | None", accept(field, value))
                except ValueError:
                    value = None
            column.append(value)
        return column

    def validate_context(self, item: Item, where: str = "item") -> None:
        """Raise `InvalidItem` when a declared input has another type or lies outside its range."""
        for name, field in self._inputs.items():
            try:
                accept(field, item.context.get(name))
            except ValueError as error:
                raise InvalidItem(
                    f"is not what policy {self.name} declares",
                    where=f"{where}.context.{name}",
                    value=type(item.context.get(name)).__name__,
                    expected=str(error),
                ) from None

    def render(self, dialect: sql.Dialect, table: str = "items") -> str:
        """The rules as one SELECT with a truth value per rule.

        `table` has a column for every field that rules read, named like the field, dots and all.
        """
        columns = [(rule.name, node) for rule, node in zip(self.rules, self.conditions, strict=True)]
        return sql.select(columns, dialect, table)


def _rule(written: RuleDraft, condition: Node, fields: Mapping[str, Field]) -> Rule:
    assert written.name and written.when and written.then and written.reason and written.tells
    examples: dict[Action, tuple[Example, ...]] = {}
    for action, items in written.examples:
        found = (example(node, fields) for node in items.items)
        examples[cast("Action", action.value)] = tuple(e for e in found if isinstance(e, Example))
    return Rule(
        name=written.name.value,
        when=written.when.value.strip(),
        then=cast("Action", written.then.value),
        escalate=written.escalate is not None and written.escalate.value == "true",
        reason=written.reason.value,
        tells=" ".join(written.tells.value.split()),
        examples=examples,
        reads=reads(condition),
    )
