"""A mapping holds the keys of `shape.py` and no others."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.draft import Draft


def findings(draft: Draft) -> Iterator[Finding]:
    """Every key that is none."""
    for mapping, keys, what in draft.mappings():
        names = [key.name for key in keys]
        for key, _ in mapping.entries:
            if key.value not in names:
                hint = did_you_mean(key.value, names) or f"the keys are {', '.join(names)}"
                yield Finding(key.at, f"{what} has no key {key.value[:60]!r}", hint)
