"""Actions are those of `holdfast.decision`."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.decision import ACTIONS
from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.document import Mapping
from holdfast.policy.draft import Draft


def findings(draft: Draft) -> Iterator[Finding]:
    """Every word that is none, under `then`, `on_unknown` and `examples`."""
    words = [draft.on_unknown]
    for rule in draft.rules:
        words.append(rule.then)
        examples = rule.at.get("examples")
        if isinstance(examples, Mapping):
            words += [action for action, _ in examples.entries]
    for word in words:
        if word is not None and word.value not in ACTIONS:
            hint = did_you_mean(word.value, ACTIONS) or f"the actions are {', '.join(ACTIONS)}"
            if word.value == "escalate":
                hint = "escalate goes beside an action: write escalate: true"
            yield Finding(word.at, f"there is no action {word.value[:40]!r}", hint)
