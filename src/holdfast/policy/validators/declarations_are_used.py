"""What is declared is used; a definition or counter that nothing reads is often a typing slip."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy.diagnostics import Finding
from holdfast.policy.meaning import Meaning


def findings(meaning: Meaning) -> Iterator[Finding]:
    """A warning for every definition, counter and input that no rule, counter or definition reads."""
    for kind, names in meaning.declared.items():
        for name, at in names.items():
            if name not in meaning.used:
                yield Finding(at, f"the {kind} {name} is not used", "use it or remove it", severity="warning")
