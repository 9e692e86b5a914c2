"""A rule that reads no field fires always or never, which is hardly meant."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding
from holdfast.policy.expression import reads
from holdfast.policy.meaning import Meaning


def findings(meaning: Meaning) -> Iterator[Finding]:
    """A warning for every such rule."""
    for rule in meaning.rules:
        if not reads(rule.condition):
            hint = "let it read a signal or a field of the item"
            yield Finding(
                rule.condition.at, "this condition is the same for every item", hint, severity="warning"
            )
