"""What people will read is there, fits on a page and is one paragraph."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.draft import Draft


def findings(draft: Draft) -> Iterator[Finding]:
    """Every `tells`, `description` and `doc` that is too long, and a `tells` that says nothing."""
    proses = [draft.description, *(declared.doc for declared in draft.inputs)]
    proses += [rule.tells for rule in draft.rules]
    for prose in proses:
        if prose is not None and len(prose.value) > limits.PROSE_CHARACTERS:
            yield Finding(prose.at, f"this has more than {limits.PROSE_CHARACTERS:,} characters")
    for rule in draft.rules:
        if rule.tells is not None and not rule.tells.plain and not rule.tells.value.strip():
            yield Finding(rule.tells.at, "'tells' is a sentence that the people concerned will read")
