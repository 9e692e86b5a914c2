"""From text to meaning: the order in which a policy is read and checked.

    text ─▶ document ─▶ draft ─▶ expressions ─▶ syntax ─▶ types ─▶ meaning
                          each step with its validators; what cannot be read any further is left out

Everything that can be found is found in one go: a mistake in one rule hides none in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from holdfast.policy import limits
from holdfast.policy.counter import Counter, CounterParts, resolve, take_apart
from holdfast.policy.diagnostics import Diagnostic, Finding, PolicyError, in_order
from holdfast.policy.document import Scalar, Unreadable, read
from holdfast.policy.draft import Draft, draft
from holdfast.policy.expression import Node
from holdfast.policy.grammar import Expression, Malformed, parse, tokenize
from holdfast.policy.meaning import Meaning, RuleMeaning
from holdfast.policy.source import Region, Source
from holdfast.policy.typecheck import typed
from holdfast.policy.validators import (
    ON_DRAFTS,
    ON_EXPRESSIONS,
    ON_MEANINGS,
    definitions_do_not_recurse,
    examples_are_items,
    expressions_are_short,
    functions_exist,
    names_are_free,
    names_exist,
)
from holdfast.schema import Field, Type

_ENOUGH = 500
"""With so many findings, further expressions are not looked at: looking for close names takes time."""


@dataclass
class Loaded:
    """A policy that holds together, and what may still deserve a look."""

    draft: Draft
    meaning: Meaning
    warnings: tuple[Diagnostic, ...]


def load(source: Source, fields: Mapping[str, Field]) -> Loaded:
    """Read and check a policy. Raises `PolicyError` with everything that is wrong."""
    try:
        written = draft(source, read(source))
    except Unreadable as error:
        raise PolicyError(in_order([error.finding], source)) from None
    loader = _Loader(written, fields)
    meaning = loader.meaning()
    errors = [finding for finding in loader.findings if finding.severity == "error"]
    if errors:
        raise PolicyError(in_order(errors, source))
    warnings = [finding for validator in ON_MEANINGS for finding in validator(meaning)]
    return Loaded(written, meaning, in_order(warnings, source))


@dataclass
class _CounterDraft:
    """A counter whose condition is not yet typed; without `parts` it cannot be read."""

    name: Scalar
    keys: list[Field] = field(default_factory=list)
    of: Field | None = None
    expression: Expression | None = None
    parts: CounterParts | None = None

    @property
    def field(self) -> Field:
        return self.counter(None).field

    def counter(self, where: Node | None) -> Counter:
        return Counter(
            name=self.name.value,
            text="" if self.parts is None else self.parts.text,
            of=None if self.of is None else self.of.name,
            where=where,
            per=tuple(key.name for key in self.keys),
            seconds=1 if self.parts is None else self.parts.seconds,
            nullable=any(key.nullable for key in self.keys),
        )


class _Loader:
    def __init__(self, written: Draft, fields: Mapping[str, Field]) -> None:
        self.findings: list[Finding] = []
        self._draft = written
        self._base = fields
        self._size = 0
        self._untyped: set[str] = set()

    def meaning(self) -> Meaning:
        """The meaning of what can be read; `findings` says what cannot."""
        written = self._draft
        for validator in ON_DRAFTS:
            self.findings.extend(validator(written))
        self.findings.extend(names_are_free.findings(written, self._base))
        inputs = self._inputs()
        plain = {**self._base, **{field.name: field for field in inputs}}
        drafts = self._counter_drafts(plain)
        counters = {d.name.value: d.field for d in drafts if d.name.value not in plain}
        meaning = Meaning({**plain, **counters}, inputs=inputs)
        meaning.declared = {
            "definition": {name.value: name.at for name, _ in written.definitions},
            "counter": {name.value: name.at for name, _ in written.counters},
            "input": {declared.name.value: declared.name.at for declared in written.inputs},
        }
        definitions = self._definitions(meaning)
        meaning.counters = self._counters(drafts, meaning, plain, definitions)
        for rule in written.rules[: limits.RULES]:
            condition = None if rule.when is None else self._expression(rule.when, meaning, definitions)
            if condition is None:
                continue
            if condition.type is not Type.BOOLEAN:
                hint = "compare it with something, for example with > 0"
                self._add(condition.at, f"a rule needs a condition, and this is {condition.type}", hint)
            else:
                meaning.rules.append(RuleMeaning(rule, condition))
        self.findings.extend(examples_are_items.findings(written, meaning.fields))
        return meaning

    def _inputs(self) -> list[Field]:
        fields = []
        for declared in self._draft.inputs[: limits.INPUTS]:
            kind = None if declared.type is None else declared.type.value
            if kind not in (Type.BOOLEAN, Type.INTEGER, Type.NUMBER, Type.TEXT):
                kind = Type.TEXT  # already reported; the name exists, but says nothing about types
                self._untyped.add(declared.name.value)
            fields.append(
                Field(
                    name=declared.name.value,
                    type=Type(kind),
                    doc="" if declared.doc is None else declared.doc.value,
                    nullable=True,
                    low=_number(declared.low),
                    high=_number(declared.high),
                )
            )
        return list({field.name: field for field in fields if field.name not in self._base}.values())

    def _counter_drafts(self, plain: Mapping[str, Field]) -> list[_CounterDraft]:
        """Counters with their keys looked up; the conditions wait for the definitions."""
        drafts = []
        for name, text in self._draft.counters[: limits.COUNTERS]:
            pending = _CounterDraft(name)
            drafts.append(pending)
            try:
                expression = self._tokens(text)
                parts = take_apart(expression)
                pending.keys = [resolve(token, expression, plain, key=True) for token in parts.per]
                pending.of = None if parts.of is None else resolve(parts.of, expression, plain, key=False)
            except Malformed as error:
                self.findings.append(error.finding)
            else:
                pending.expression, pending.parts = expression, parts
        return drafts

    def _counters(
        self,
        drafts: list[_CounterDraft],
        meaning: Meaning,
        plain: Mapping[str, Field],
        definitions: Mapping[str, Node | None],
    ) -> list[Counter]:
        counters = []
        for pending in drafts:
            if pending.parts is None or pending.expression is None:
                continue
            where = None
            if pending.parts.where is not None:
                where = self._checked(pending.parts.where, meaning, definitions)
                if where is None:
                    continue
                if where.type is not Type.BOOLEAN:
                    self._add(where.at, f"where needs a condition, and this is {where.type}")
                    continue
            counter = pending.counter(where)
            meaning.used.update((*counter.per, *(() if counter.of is None else (counter.of,))))
            foreign = [name for name in counter.reads if name not in plain]
            if foreign:
                message = f"a counter cannot read a counter, and this reads {foreign[0]}"
                self._add(
                    pending.expression.scalar.at, message, "count by fields of the item and its signals"
                )
            else:
                counters.append(counter)
        return counters

    def _definitions(self, meaning: Meaning) -> dict[str, Node | None]:
        """Each definition's meaning, `None` where it has none."""
        places = dict(self._draft.definitions[: limits.DEFINITIONS][::-1])
        texts = {name.value: text for name, text in places.items() if name.value not in meaning.fields}
        names = {name.value: name for name in places}
        trees: dict[str, tuple[Expression, exp.Expr]] = {}
        uses: dict[str, tuple[str, ...]] = {}
        for name, text in texts.items():
            parsed = self._parse(text, {*meaning.fields, *texts}, meaning)
            if parsed is not None:
                trees[name] = parsed
                used = {column.name for column in parsed[1].find_all(exp.Column)}
                uses[name] = tuple(other for other in texts if other in used)
        uses = {name: tuple(other for other in used if other in uses) for name, used in uses.items()}
        definitions: dict[str, Node | None] = dict.fromkeys(texts)
        cycles = list(definitions_do_not_recurse.findings(uses, names))
        self.findings.extend(cycles)
        if not cycles:
            for name in definitions_do_not_recurse.order(uses):
                expression, tree = trees[name]
                definitions[name] = self._typed(expression, tree, meaning, definitions)
        return definitions

    # One expression -------------------------------------------------------------------------

    def _expression(
        self, scalar: Scalar, meaning: Meaning, definitions: Mapping[str, Node | None]
    ) -> Node | None:
        try:
            expression = self._tokens(scalar)
        except Malformed as error:
            self.findings.append(error.finding)
            return None
        return self._checked(expression, meaning, definitions)

    def _tokens(self, scalar: Scalar) -> Expression:
        for finding in expressions_are_short.findings(scalar):
            raise Malformed(finding)
        return tokenize(scalar)

    def _checked(
        self, expression: Expression, meaning: Meaning, definitions: Mapping[str, Node | None]
    ) -> Node | None:
        tree = self._syntax(expression, {*meaning.fields, *definitions}, meaning)
        return None if tree is None else self._typed(expression, tree, meaning, definitions)

    def _parse(self, scalar: Scalar, names: set[str], meaning: Meaning) -> tuple[Expression, exp.Expr] | None:
        try:
            expression = self._tokens(scalar)
        except Malformed as error:
            self.findings.append(error.finding)
            return None
        tree = self._syntax(expression, names, meaning)
        return None if tree is None else (expression, tree)

    def _syntax(self, expression: Expression, names: set[str], meaning: Meaning) -> exp.Expr | None:
        if len(self.findings) > _ENOUGH:
            return None
        for validator in ON_EXPRESSIONS:
            found = list(validator(expression))
            if found:
                self.findings.extend(found)
                return None
        try:
            tree = parse(expression)
        except Malformed as error:
            self.findings.append(error.finding)
            return None
        meaning.used.update(column.name for column in tree.find_all(exp.Column))
        unknown = [
            *names_exist.findings(tree, expression, names),
            *functions_exist.findings(tree, expression),
        ]
        self.findings.extend(unknown)
        return None if unknown else tree

    def _typed(
        self, expression: Expression, tree: exp.Expr, meaning: Meaning, definitions: Mapping[str, Node | None]
    ) -> Node | None:
        known = {name: node for name, node in definitions.items() if node is not None}
        used = {column.name for column in tree.find_all(exp.Column)}
        if any((name in definitions and name not in known) or name in self._untyped for name in used):
            return None  # what it uses is broken, and reported where it stands
        try:
            node = typed(tree, expression, meaning.fields, known)
        except Malformed as error:
            self.findings.append(error.finding)
            return None
        self._size += node.size
        if self._size > limits.POLICY_NODES:
            message = f"with its definitions the policy has more than {limits.POLICY_NODES:,} parts"
            raise PolicyError(in_order([Finding(node.at, message, "split the policy")], self._draft.source))
        return node

    def _add(self, at: Region, message: str, hint: str | None = None) -> None:
        self.findings.append(Finding(at, message, hint))


def _number(scalar: Scalar | None) -> float | None:
    try:
        return None if scalar is None else float(scalar.value)
    except ValueError:
        return None  # already reported
