"""A policy as written: its declarations, not yet checked, each knowing its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.policy.document import Mapping, Node, Scalar, Sequence
from holdfast.policy.shape import INPUT_KEYS, POLICY_KEYS, RULE_KEYS, Key
from holdfast.policy.source import Source


@dataclass
class InputDraft:
    """A declared input."""

    name: Scalar
    at: Mapping
    type: Scalar | None
    doc: Scalar | None
    low: Scalar | None
    high: Scalar | None


@dataclass
class RuleDraft:
    """A rule. What is missing or of a wrong kind is `None`."""

    at: Mapping
    name: Scalar | None
    when: Scalar | None
    then: Scalar | None
    escalate: Scalar | None
    reason: Scalar | None
    tells: Scalar | None
    examples: list[tuple[Scalar, Sequence]] = field(default_factory=list)


@dataclass
class Draft:
    """Everything that a policy file declares."""

    source: Source
    root: Mapping
    name: Scalar | None
    description: Scalar | None
    on_unknown: Scalar | None
    inputs: list[InputDraft]
    definitions: list[tuple[Scalar, Scalar]]
    counters: list[tuple[Scalar, Scalar]]
    rules: list[RuleDraft]

    def mappings(self) -> Iterator[tuple[Mapping, tuple[Key, ...], str]]:
        """Every mapping that has fixed keys, with them and with what it is called."""
        yield self.root, POLICY_KEYS, "a policy"
        for declared in self.inputs:
            yield declared.at, INPUT_KEYS, "an input"
        for rule in self.rules:
            yield rule.at, RULE_KEYS, "a rule"


def draft(source: Source, root: Mapping) -> Draft:
    """Read the declarations out of a document, leaving out what has the wrong kind."""
    inputs = root.get("inputs")
    rules = root.get("rules")
    return Draft(
        source=source,
        root=root,
        name=_scalar(root, "policy"),
        description=_scalar(root, "description"),
        on_unknown=_scalar(root, "on_unknown"),
        inputs=[
            InputDraft(
                name, at, _scalar(at, "type"), _scalar(at, "doc"), _scalar(at, "low"), _scalar(at, "high")
            )
            for name, at in (inputs.entries if isinstance(inputs, Mapping) else ())
            if isinstance(at, Mapping)
        ],
        definitions=_texts(root, "define"),
        counters=_texts(root, "counters"),
        rules=[
            _rule(at)
            for at in (rules.items if isinstance(rules, Sequence) else ())
            if isinstance(at, Mapping)
        ],
    )


def _rule(at: Mapping) -> RuleDraft:
    examples = at.get("examples")
    return RuleDraft(
        at=at,
        name=_scalar(at, "name"),
        when=_scalar(at, "when"),
        then=_scalar(at, "then"),
        escalate=_scalar(at, "escalate"),
        reason=_scalar(at, "reason"),
        tells=_scalar(at, "tells"),
        examples=[
            (action, items)
            for action, items in (examples.entries if isinstance(examples, Mapping) else ())
            if isinstance(items, Sequence)
        ],
    )


def _scalar(mapping: Mapping, key: str) -> Scalar | None:
    value = mapping.get(key)
    return value if isinstance(value, Scalar) else None


def _texts(mapping: Mapping, key: str) -> list[tuple[Scalar, Scalar]]:
    values = mapping.get(key)
    entries: list[tuple[Scalar, Node]] = values.entries if isinstance(values, Mapping) else []
    return [(name, value) for name, value in entries if isinstance(value, Scalar)]
