"""Which words drove a head of the classifier: each is left out in turn, and the answer asked for again (occlusion).

Costs as many runs of the network as the text has words, `PIECES` at most, so it is done only when somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import msgspec

from holdfast.content import Item
from holdfast.decision import Span
from holdfast.schema import Value
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch, Signal

PIECES: Final = 64
"""Pieces that are left out in turn; a longer text is cut into so many runs of words."""
MOST: Final = 5
"""Pieces that are named, unless more are asked for."""
LEAST: Final = 0.8
"""A piece is named if the odds without it are at most this much of the odds with it. Odds, since of two threats in a
text neither moves a probability near 1 by much."""

_WORD: Final = re.compile(r"\S+")
_NEAR: Final = 1e-4


class Driver(msgspec.Struct, frozen=True):
    """A piece of an item's text without which a head is less probable.

    `start` and `end` are code points of the original text, end exclusive. `without` is the head's probability when
    the piece is left out; unknown where nothing that the classifier reads is left.
    """

    start: int
    end: int
    without: float | None


class Occlusion:
    """An item, and it again without each piece of its text: `items`, to be measured in batches of any size."""

    def __init__(self, item: Item) -> None:
        self._item = item
        words = [(match.start(), match.end()) for match in _WORD.finditer(item.text)]
        size = max(-(-len(words) // PIECES), 1)
        runs = [words[at : at + size] for at in range(0, len(words), size)]
        self._pieces = [(run[0][0], run[-1][1]) for run in runs]

    @cached_property
    def items(self) -> list[Item]:
        """The whole item, then without one piece each."""
        text = self._item.text
        whole = msgspec.structs.replace(self._item, transcript=None)  # which the classifier does not read
        return [
            whole,
            *(msgspec.structs.replace(whole, text=text[:start] + text[end:]) for start, end in self._pieces),
        ]

    def drivers(self, column: Sequence[Value], limit: int = MOST) -> list[Driver]:
        """The pieces that a head hangs on, the strongest first, at most `limit`; `column` is the head of `items`.

        Empty where the head is unknown, and where it hangs on no piece alone.
        """
        before, *after = column
        if not isinstance(before, float):
            return []
        # What is unknown without a piece (nothing is left, or nothing in a language that is covered) hangs on it whole.
        left = [value if isinstance(value, float) else 0.0 for value in after]
        order = sorted(range(len(left)), key=lambda piece: (left[piece], piece))
        most = _odds(before) * LEAST
        return [
            Driver(*self._pieces[piece], left[piece] if isinstance(after[piece], float) else None)
            for piece in order[:limit]
            if left[piece] < before and _odds(left[piece]) <= most
        ]


def attribute(
    classifier: Classifier, item: Item, heads: Sequence[str], limit: int = MOST
) -> dict[str, list[Driver]]:
    """What of `item`'s text each of `heads` hangs on. Raises `KeyError` for a head that the classifier does not have."""
    occlusion = Occlusion(item)
    columns = classifier.measure(Batch(occlusion.items)).columns
    return {head: occlusion.drivers(columns[head], limit) for head in heads}


def spans(found: Mapping[str, Sequence[Driver]]) -> list[Span]:
    """`found` as places in the item's text, labelled with the head."""
    return [
        Span(signal=Classifier.name, start=driver.start, end=driver.end, label=head)
        for head, drivers in found.items()
        for driver in drivers
    ]


def classifier_of(signals: Sequence[Signal]) -> Classifier | None:
    """The classifier among `signals`."""
    return next((signal for signal in signals if isinstance(signal, Classifier)), None)


def heads_of(classifier: Classifier) -> tuple[str, ...]:
    """The heads that can be asked for."""
    return classifier.model.manifest.heads


def _odds(probability: float) -> float:
    """`probability` against its opposite. It was rounded, so that 0 and 1 only say that it is near."""
    near = min(max(probability, _NEAR), 1 - _NEAR)
    return near / (1 - near)
