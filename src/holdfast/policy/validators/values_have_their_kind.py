"""Under each key stands the kind of value that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Mapping, Node, Scalar, Sequence
from holdfast.policy.draft import Draft
from holdfast.policy.shape import NUMBER, Kind

_WANTED: dict[Kind, str] = {
    "text": "a text",
    "truth": "true or false",
    "number": "a number",
    "mapping": "a mapping of names to values",
    "list": "a list",
}


def findings(draft: Draft) -> Iterator[Finding]:
    """Every value of another kind."""
    for mapping, keys, _ in draft.mappings():
        for key in keys:
            value = mapping.get(key.name)
            if value is not None and not fits(value, key.kind):
                yield Finding(
                    value.at, f"{key.name!r} takes {_WANTED[key.kind]}, and this is {kind_of(value)}"
                )
    yield from _of_entries(draft)


def _of_entries(draft: Draft) -> Iterator[Finding]:
    for name, wanted in (("define", Scalar), ("counters", Scalar), ("inputs", Mapping)):
        entries = draft.root.get(name)
        if isinstance(entries, Mapping):
            for key, value in entries.entries:
                if not isinstance(value, wanted):
                    what = "a text" if wanted is Scalar else "a mapping with type and doc"
                    yield Finding(value.at, f"{key.value[:60]!r} takes {what}, and this is {kind_of(value)}")
    rules = draft.root.get("rules")
    if isinstance(rules, Sequence):
        for rule in rules.items:
            if not isinstance(rule, Mapping):
                yield Finding(
                    rule.at, f"a rule is a mapping with name, when and then, and this is {kind_of(rule)}"
                )
    for rule_draft in draft.rules:
        examples = rule_draft.at.get("examples")
        if isinstance(examples, Mapping):
            for action, items in examples.entries:
                if not isinstance(items, Sequence):
                    yield Finding(
                        items.at,
                        f"the examples of {action.value[:20]!r} are a list, and this is {kind_of(items)}",
                        "write each on its own line after a dash",
                    )


def fits(value: Node, kind: Kind) -> bool:
    """Whether a value is of a kind."""
    match kind:
        case "mapping":
            return isinstance(value, Mapping)
        case "list":
            return isinstance(value, Sequence)
        case "truth":
            return isinstance(value, Scalar) and value.plain and value.value in ("true", "false")
        case "number":
            return isinstance(value, Scalar) and value.plain and NUMBER.fullmatch(value.value) is not None
        case "text":
            return isinstance(value, Scalar) and (not value.plain or value.value not in ("", "~", "null"))


def kind_of(value: Node) -> str:
    """What a value is, in words."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list"
    return "empty" if value.plain and value.value in ("", "~", "null") else "a single value"
