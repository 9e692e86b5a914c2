"""A rule as the rest of Holdfast sees it."""

from __future__ import annotations

import msgspec

from holdfast.decision import Action
from holdfast.policy.example import Example


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    `when` is its SQL as written, `reads` the fields (counters included) that it reads, definitions
    put in. `tells` is what the people concerned will read. `examples` maps an action to the items
    that must lead to it.
    """

    name: str
    when: str
    then: Action
    escalate: bool
    reason: str
    tells: str
    examples: dict[Action, tuple[Example, ...]]
    reads: tuple[str, ...]
