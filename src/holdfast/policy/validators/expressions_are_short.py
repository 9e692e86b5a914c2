"""An expression has a bounded length; this is looked at before anything reads it."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Scalar
from holdfast.policy.source import Region


def findings(scalar: Scalar) -> Iterator[Finding]:
    """An expression that is too long, or that holds a character which nobody can see."""
    if len(scalar.value) > limits.EXPRESSION_CHARACTERS:
        yield Finding(
            Region(scalar.at.start, scalar.at.start + 1),
            f"this expression has {len(scalar.value):,} characters; at most {limits.EXPRESSION_CHARACTERS:,} are read",
            "name parts of it under define:",
        )
        return
    for index, character in enumerate(scalar.value):
        if not character.isprintable() and character not in "\n\t\r":
            yield Finding(
                scalar.region(index, index + 1),
                f"the character U+{ord(character):04X} cannot be seen",
                "remove it",
            )
            return
