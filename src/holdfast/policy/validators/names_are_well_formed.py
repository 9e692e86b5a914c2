"""Names are lower-case words with digits and `_`; those of inputs may have dots."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Scalar
from holdfast.policy.draft import Draft

WORD = re.compile(r"[a-z][a-z0-9_]*")
DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


def findings(draft: Draft) -> Iterator[Finding]:
    """Every name of another form."""
    words = [draft.name]
    words += [name for name, _ in (*draft.definitions, *draft.counters)]
    for rule in draft.rules:
        words += [rule.name, rule.reason]
    for word in words:
        if word is not None:
            yield from _of(word, WORD, "lower-case letters, digits and _, beginning with a letter")
    for declared in draft.inputs:
        yield from _of(declared.name, DOTTED, "lower-case words joined by dots, such as shield.level")


def _of(name: Scalar, form: re.Pattern[str], wanted: str) -> Iterator[Finding]:
    if len(name.value) > limits.NAME_CHARACTERS:
        yield Finding(name.at, f"this name has more than {limits.NAME_CHARACTERS} characters")
    elif not form.fullmatch(name.value):
        suggestion = re.sub(r"[^a-z0-9_.]+", "_", name.value.lower()).strip("_.")
        hint = f"did you mean {suggestion}?" if form.fullmatch(suggestion) else None
        yield Finding(name.at, f"{name.value!r} is no name: a name is {wanted}", hint)
