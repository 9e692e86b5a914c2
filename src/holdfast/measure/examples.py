"""Mistakes that are kept to look at: a bounded random sample, the same one on every run."""

from __future__ import annotations

import msgspec

from holdfast.bulk.blur import blur
from holdfast.bulk.tally import EXAMPLE_CHARACTERS, shuffled
from holdfast.content import Item
from holdfast.decision import Action, Decision

KEPT = 12
"""Mistakes of either kind."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """A row on which the predictor and the label differ. `text` is `None` unless texts are kept; `marks` are
    (start, end, label) within it."""

    rank: int
    row: int
    id: str
    action: Action
    rules: tuple[str, ...]
    blurred: str
    score: float | None = None
    text: str | None = None
    marks: tuple[tuple[int, int, str], ...] = ()


class Examples:
    """A sample of false positives and one of false negatives."""

    def __init__(self, keep_texts: bool) -> None:
        self._keep_texts = keep_texts
        self._kept: dict[bool, list[Mistake]] = {True: [], False: []}

    def add(
        self, item: Item, decision: Decision, row: int, *, predicted: bool, score: float | None = None
    ) -> None:
        kept, rank = self._kept[predicted], shuffled(row)
        if len(kept) >= KEPT and rank > kept[-1].rank:
            return
        text = item.text[:EXAMPLE_CHARACTERS] if self._keep_texts else None
        kept.append(
            Mistake(
                rank=rank,
                row=row,
                id=item.id,
                action=decision.action,
                rules=tuple(rule.name for rule in decision.rules),
                blurred=blur(item.text),
                score=score,
                text=text,
                marks=()
                if text is None
                else tuple(
                    (span.start, min(span.end, len(text)), span.label)
                    for span in decision.spans
                    if span.field == "text" and span.start < len(text)
                ),
            )
        )
        kept.sort(key=lambda mistake: mistake.rank)
        del kept[KEPT:]

    @property
    def false_positives(self) -> tuple[Mistake, ...]:
        return tuple(self._kept[True])

    @property
    def false_negatives(self) -> tuple[Mistake, ...]:
        return tuple(self._kept[False])
