"""Which words drove a head of the classifier: each is left out in turn, and the answer asked for again.

Costs as many runs of the network as the text has words, so it is done only when somebody asks.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from holdfast.content import Item
from holdfast.decision import Span
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch

PIECES: Final = 64
"""Pieces that are left out in turn; a longer text is cut into so many runs of words."""
LEAST: Final = 0.05
"""How much of the probability a piece must carry to be named."""

_WORD: Final = re.compile(r"\S+")


def attribute(classifier: Classifier, item: Item, head: str, limit: int = 5) -> list[Span]:
    """The words of `item`'s text without which `head` would be less probable, by how much less, at most `limit`.

    Empty where the head is unknown, and where no single piece carries `LEAST` of it. Raises `KeyError` for a head
    that the classifier does not have.
    """
    words = [(match.start(), match.end()) for match in _WORD.finditer(item.text)]
    size = max(-(-len(words) // PIECES), 1)
    pieces = [(run[0][0], run[-1][1]) for run in (words[at : at + size] for at in range(0, len(words), size))]
    without = [
        msgspec.structs.replace(item, text=item.text[:start] + item.text[end:], transcript=None)
        for start, end in pieces
    ]
    before, *after = classifier.measure(Batch([item, *without])).columns[head]
    if not isinstance(before, float):
        return []
    # What is unknown without a piece (nothing is left, or nothing in a language that is covered) hangs on it whole.
    drops = [before - (value if isinstance(value, float) else 0.0) for value in after]
    order = sorted(range(len(pieces)), key=lambda piece: (-drops[piece], piece))
    return [
        Span(signal=classifier.name, start=pieces[piece][0], end=pieces[piece][1], label=head, field="text")
        for piece in order[:limit]
        if drops[piece] >= LEAST * before and drops[piece] > 0
    ]
