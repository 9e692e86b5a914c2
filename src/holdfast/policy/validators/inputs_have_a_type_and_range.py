"""An input has a type that an item's context can carry; `low` and `high` are for numbers and in order."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.draft import Draft
from holdfast.policy.validators.values_have_their_kind import fits
from holdfast.schema import Type

TYPES = tuple(str(kind) for kind in Type if kind is not Type.TEXT_LIST)


def findings(draft: Draft) -> Iterator[Finding]:
    """Every type that is none and every range that cannot be."""
    for declared in draft.inputs:
        if declared.type is not None and declared.type.value not in TYPES:
            hint = did_you_mean(declared.type.value, TYPES) or f"the types are {', '.join(TYPES)}"
            yield Finding(declared.type.at, f"an input has no type {declared.type.value[:40]!r}", hint)
            continue
        bounds = [
            bound for bound in (declared.low, declared.high) if bound is not None and fits(bound, "number")
        ]
        numeric = declared.type is not None and declared.type.value in (Type.INTEGER, Type.NUMBER)
        for bound in bounds:
            if declared.type is not None and not numeric:
                yield Finding(bound.at, f"{declared.type.value} has no range", "remove low and high")
            elif abs(float(bound.value)) > limits.INTEGER_MAGNITUDE:
                yield Finding(bound.at, "a bound lies within ±2^53")
        if len(bounds) == 2 and float(bounds[0].value) > float(bounds[1].value):
            yield Finding(bounds[0].at, "low is greater than high", None, (bounds[1].at, "high is here"))
