"""Required keys are there."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding
from holdfast.policy.draft import Draft
from holdfast.policy.source import Region


def findings(draft: Draft) -> Iterator[Finding]:
    """Every mapping that lacks a required key."""
    for mapping, keys, what in draft.mappings():
        for key in keys:
            if key.required and mapping.key(key.name) is None:
                at = Region(mapping.at.start, mapping.at.start + 1)
                yield Finding(at, f"{what} needs the key {key.name!r}", key.doc)
