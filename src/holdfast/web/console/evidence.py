"""Evidence for the eye: text cut into marked and plain stretches, signals worth reading first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from holdfast.decision import Span
from holdfast.schema import Field, Type, Value

MARK_LIMIT = 60
"""Spans that one text is marked with; a text full of findings stays readable."""
HEAD_LIMIT = 2_000
"""Code points of a text that are shown before the rest is folded."""
SHAPE_LIMIT = 96
"""Code points of the blurred shape."""
_SHAPE = "aeimnorstu"
_SIZES = ("text.", "language", "classifier.")
LITTLE = 0.05
"""Probabilities and shares below it are as in any harmless text."""


class Piece(NamedTuple):
    """A stretch of text; `marks` are the 1-based numbers of the spans that cover it."""

    text: str
    marks: tuple[int, ...]


class Mark(NamedTuple):
    """What a number in the text stands for."""

    number: int
    signal: str
    label: str


class Marked(NamedTuple):
    """A text ready to be shown: its first part, the folded rest, the key to the marks, marks left out."""

    head: tuple[Piece, ...]
    rest: tuple[Piece, ...]
    marks: tuple[Mark, ...]
    left_out: int

    @property
    def rest_length(self) -> int:
        return sum(len(piece.text) for piece in self.rest)


class Reading(NamedTuple):
    """One signal's field as a reader meets it; `doc` is one sentence. `share`: its value is a part of 1."""

    name: str
    doc: str
    value: Value
    share: bool = False


class Readings(NamedTuple):
    """What stands out, what could not be measured, and what is as in any harmless text."""

    telling: tuple[Reading, ...]
    unknown: tuple[Reading, ...]
    plain: tuple[Reading, ...]


def mark(text: str, spans: Sequence[Span], field: str = "text") -> Marked:
    """Cut `text` at the edges of the `spans` found in `field`."""
    found = sorted(
        (s for s in spans if s.field == field and 0 <= s.start < s.end <= len(text)),
        key=lambda s: (s.start, s.end),
    )
    shown = found[:MARK_LIMIT]
    marks = tuple(Mark(number, span.signal, span.label) for number, span in enumerate(shown, 1))
    edges = {0, len(text)}
    for span in shown:
        edges.update((span.start, span.end))
    if len(text) > HEAD_LIMIT:
        edges.add(HEAD_LIMIT)
    cuts = sorted(edges)
    head: list[Piece] = []
    rest: list[Piece] = []
    for start, end in pairwise(cuts):
        covering = tuple(n for n, span in enumerate(shown, 1) if span.start <= start and end <= span.end)
        (head if start < HEAD_LIMIT else rest).append(Piece(text[start:end], covering))
    return Marked(tuple(head), tuple(rest), marks, len(found) - len(shown))


def shape(text: str) -> str:
    """The outline of `text`, with none of its letters: what is blurred in its place.

    The text itself is not in the outline, so that a screen reader, a copy or a switched-off style
    sheet meets nothing unasked.
    """
    return "".join(
        " " if letter.isspace() else _SHAPE[(place * 7 + ord(letter)) % len(_SHAPE)]
        for place, letter in enumerate(text[:SHAPE_LIMIT])
    )


def because(values: Mapping[str, Value]) -> Mapping[str, Value]:
    """Of what a rule read, that which stands out: no zeros, unless there is nothing else."""
    return {name: value for name, value in values.items() if value or value is None} or values


def readings(signals: Mapping[str, Value], schema: Mapping[str, Field]) -> Readings:
    """Sort signal values into telling, unknown and plain; each keeps the declared order, but of probabilities the
    highest comes first."""
    telling: list[Reading] = []
    unknown: list[Reading] = []
    plain: list[Reading] = []
    for name, value in signals.items():
        reading = _reading(name, value, schema.get(name))
        if value is None:
            unknown.append(reading)
        elif value and not (reading.share and _part(reading) < LITTLE):
            telling.append(reading)
        else:
            plain.append(reading)
    # What was found comes before what is only probable. Size, language and who answered say little: they come last.
    telling.sort(key=lambda reading: (reading.name.startswith(_SIZES), reading.share, -_part(reading)))
    return Readings(tuple(telling), tuple(unknown), tuple(plain))


def _reading(name: str, value: Value, field: Field | None) -> Reading:
    if field is None:
        return Reading(name, "", value)
    share = field.type is Type.NUMBER and (field.low, field.high) == (0, 1)
    return Reading(name, field.doc.partition(". ")[0].rstrip(".").replace("`", "") + ".", value, share)


def _part(reading: Reading) -> float:
    return reading.value if reading.share and isinstance(reading.value, int | float) else 0.0
