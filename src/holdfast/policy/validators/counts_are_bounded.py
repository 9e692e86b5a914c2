"""A policy has at most so many of everything (`limits.py`), and at least one rule."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Mapping, Sequence
from holdfast.policy.draft import Draft


def findings(draft: Draft) -> Iterator[Finding]:
    """Every list that is too long, and rules that are none."""
    for key, most in (
        ("rules", limits.RULES),
        ("define", limits.DEFINITIONS),
        ("counters", limits.COUNTERS),
        ("inputs", limits.INPUTS),
    ):
        value = draft.root.get(key)
        if isinstance(value, Mapping | Sequence):
            entries = [name for name, _ in value.entries] if isinstance(value, Mapping) else value.items
            if len(entries) > most:
                yield Finding(
                    entries[most].at, f"{key} has {len(entries):,} entries; at most {most:,} are read"
                )
    rules = draft.root.get("rules")
    if isinstance(rules, Sequence) and not rules.items:
        yield Finding(rules.at, "a policy needs at least one rule")
    for rule in draft.rules:
        count = 0
        for _, items in rule.examples:
            count += len(items.items)
            if count > limits.EXAMPLES:
                yield Finding(items.at, f"a rule has at most {limits.EXAMPLES} examples")
                break
