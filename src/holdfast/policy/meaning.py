"""What a policy means once everything has been checked: typed conditions, ready to compile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.policy.counter import Counter
from holdfast.policy.draft import RuleDraft
from holdfast.policy.expression import Node
from holdfast.policy.source import Region
from holdfast.schema import Field


@dataclass
class RuleMeaning:
    """A rule with its typed condition."""

    draft: RuleDraft
    condition: Node


@dataclass
class Meaning:
    """A whole policy. `fields` are all names that rules may read, counters and inputs included.

    `declared` maps "definition", "counter" and "input" to their names and places, `used` holds the
    names that anything reads.
    """

    fields: Mapping[str, Field]
    rules: list[RuleMeaning] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)
    inputs: list[Field] = field(default_factory=list)
    declared: dict[str, dict[str, Region]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def conditions(self) -> Iterator[Node]:
        """Every condition of rules and counters."""
        for rule in self.rules:
            yield rule.condition
        for counter in self.counters:
            if counter.where is not None:
                yield counter.where
