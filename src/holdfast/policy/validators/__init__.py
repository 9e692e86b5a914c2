"""The language's rules, one a file, each named as the rule it checks: this folder is the spec.

`ON_DRAFTS` look at what a policy file declares, `ON_EXPRESSIONS` at each expression as written
(in this order: a later one may rely on the earlier), `ON_MEANINGS` at the typed policy. What types
require of each operator and function stands in `typecheck.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from holdfast.policy.diagnostics import Finding
from holdfast.policy.draft import Draft
from holdfast.policy.grammar import Expression
from holdfast.policy.meaning import Meaning
from holdfast.policy.validators import (
    actions_exist,
    brackets_are_closed,
    comparisons_can_go_both_ways,
    conditions_read_something,
    counts_are_bounded,
    declarations_are_used,
    examples_are_items,
    expressions_are_short,
    expressions_say_one_thing,
    expressions_stay_shallow,
    inputs_have_a_type_and_range,
    keys_are_known,
    keys_are_present,
    keys_are_written_once,
    names_are_free,
    names_are_well_formed,
    operators_stand_between_values,
    prose_can_be_read,
    values_have_their_kind,
)

OnDraft: TypeAlias = Callable[[Draft], Iterator[Finding]]
OnExpression: TypeAlias = Callable[[Expression], Iterator[Finding]]
OnMeaning: TypeAlias = Callable[[Meaning], Iterator[Finding]]

ON_DRAFTS: tuple[OnDraft, ...] = (
    keys_are_known.findings,
    keys_are_written_once.findings,
    keys_are_present.findings,
    values_have_their_kind.findings,
    counts_are_bounded.findings,
    names_are_well_formed.findings,
    actions_exist.findings,
    prose_can_be_read.findings,
    inputs_have_a_type_and_range.findings,
)
"""`names_are_free` and `examples_are_items` also need the fields there are; the loader calls them."""

ON_EXPRESSIONS: tuple[OnExpression, ...] = (
    expressions_say_one_thing.findings,
    operators_stand_between_values.findings,
    brackets_are_closed.findings,
    expressions_stay_shallow.findings,
)

ON_MEANINGS: tuple[OnMeaning, ...] = (
    conditions_read_something.findings,
    comparisons_can_go_both_ways.findings,
    declarations_are_used.findings,
)

__all__ = [
    "ON_DRAFTS",
    "ON_EXPRESSIONS",
    "ON_MEANINGS",
    "examples_are_items",
    "expressions_are_short",
    "names_are_free",
]
