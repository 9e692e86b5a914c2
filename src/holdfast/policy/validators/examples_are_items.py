"""An example is a text, or an item with its fields; `given` may set fields that the rules read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.policy.diagnostics import Finding
from holdfast.policy.draft import Draft
from holdfast.policy.example import Example, example
from holdfast.schema import Field


def findings(draft: Draft, fields: Mapping[str, Field]) -> Iterator[Finding]:
    """Every example that is no item."""
    for rule in draft.rules:
        for _, items in rule.examples:
            for node in items.items:
                found = example(node, fields)
                if not isinstance(found, Example):
                    yield found
