"""A comparison that a field's declared range settles beforehand is a slip."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding
from holdfast.policy.expression import Compare, Constant, Node, Read, walk
from holdfast.policy.meaning import Meaning
from holdfast.schema import Field, Type

_NUMERIC = (Type.INTEGER, Type.NUMBER)


def findings(meaning: Meaning) -> Iterator[Finding]:
    """A warning for every comparison of a field with a constant beyond its range."""
    seen: set[int] = set()
    for condition in meaning.conditions():
        for node in walk(condition):
            if id(node) in seen or not isinstance(node, Compare):
                continue
            seen.add(id(node))
            field = _compared_field(node.left, node.right, meaning) or _compared_field(
                node.right, node.left, meaning
            )
            outcome = _settled(node)
            if field is not None and outcome is not None:
                yield Finding(
                    node.at,
                    f"this is always {outcome}: {field.name} is {_span(field)}",
                    "compare it with a value inside that range",
                    severity="warning",
                )


def _span(field: Field) -> str:
    if field.high is None:
        return f"at least {field.low:g}"
    return f"at most {field.high:g}" if field.low is None else f"from {field.low:g} to {field.high:g}"


def _compared_field(one: Node, other: Node, meaning: Meaning) -> Field | None:
    if isinstance(one, Read) and isinstance(other, Constant) and one.type in _NUMERIC:
        field = meaning.fields[one.name]
        if field.low is not None or field.high is not None:
            return field
    return None


def _settled(node: Compare) -> str | None:
    left, right = node.left, node.right
    below, above = left.high < right.low, left.low > right.high
    match node.operator:
        case "<":
            return "true" if below else "false" if left.low >= right.high else None
        case "<=":
            return "true" if left.high <= right.low else "false" if above else None
        case ">":
            return "true" if above else "false" if left.high <= right.low else None
        case ">=":
            return "true" if left.low >= right.high else "false" if below else None
        case "=":
            return "false" if below or above else None
        case "<>":
            return "true" if below or above else None
