"""A name means one thing: no two rules share one, and no declaration hides a field or a word of SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Scalar
from holdfast.policy.draft import Draft
from holdfast.policy.grammar import WORDS
from holdfast.schema import Field


def findings(draft: Draft, fields: Mapping[str, Field]) -> Iterator[Finding]:
    """Every name that is taken; `fields` are those of items and signals."""
    rules: dict[str, Scalar] = {}
    for rule in draft.rules:
        if rule.name is not None:
            earlier = rules.setdefault(rule.name.value, rule.name)
            if earlier is not rule.name:
                yield Finding(
                    rule.name.at,
                    f"a second rule is called {rule.name.value[:80]}",
                    "give it another name",
                    (earlier.at, "the first is here"),
                )
    declared: dict[str, tuple[Scalar, str]] = {}
    for kind, names in (
        ("an input", [entry.name for entry in draft.inputs]),
        ("a definition", [name for name, _ in draft.definitions]),
        ("a counter", [name for name, _ in draft.counters]),
    ):
        for name in names:
            if name.value.upper() in WORDS:
                yield Finding(name.at, f"{name.value} is a word of the language", "choose another name")
            elif name.value in fields:
                hint = f"{name.value}: {fields[name.value].doc}"
                yield Finding(name.at, f"there is already a field called {name.value}", hint)
            elif name.value not in declared:
                declared[name.value] = (name, kind)
            elif declared[name.value][1] != kind:  # twice under one key: see keys_are_written_once
                earlier, other = declared[name.value]
                yield Finding(
                    name.at,
                    f"{other} is already called {name.value}",
                    "give one of them another name",
                    (earlier.at, "it is here"),
                )
