"""The text normaliser: disguises undone for a whole batch at once, with the way back kept.

It equals `normalise_reference.py`, which gives the rules, and works on NumPy arrays of code points in
which the batch's texts stand one after the other. Two kinds of stream:

- *plain*: ASCII texts in which a cheap test finds nothing that could be a disguise. Lower case, white
  space to a space, repeats collapsed, on bytes; nothing moves, so places need no table;
- *general*: all others, on 32-bit code points, through every step.

A text's result does not depend on the batch that it stands in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np

from holdfast.signals import leet
from holdfast.signals.codepoints import SEPARATOR, tables
from holdfast.signals.normalise_general import general
from holdfast.signals.normalise_reference import DISGUISES, JOINER_LIMIT, NormalisedText
from holdfast.signals.stream import Codes, Counter, Places, Stream, fresh, stretched, to_text

__all__ = ["Normalised", "NormalisedText", "Stream", "normalise"]


class Normalised:
    """A batch of texts in normal form.

    `disguises[kind][n]` counts what was undone in the n-th text; a kind that the batch does not hold is
    missing.
    """

    def __init__(self, size: int, streams: list[Stream], disguises: dict[str, Places]) -> None:
        self.size = size
        self.streams = streams
        self.disguises = disguises

    def __len__(self) -> int:
        return self.size

    @cached_property
    def evasions(self) -> Places:
        """Disguises undone in each text, of all kinds."""
        total = np.zeros(self.size, np.int64)
        for counts in self.disguises.values():
            total += counts
        return total

    @cached_property
    def texts(self) -> list[str]:
        """Every text in readable form: words kept, disguises undone, repeats cut to two."""
        texts = [""] * self.size
        for stream in self.streams:
            for row, text in zip(stream.rows.tolist(), stream.readable(), strict=True):
                texts[row] = text
        return texts

    def __getitem__(self, row: int) -> NormalisedText:
        """The n-th text, as the reference gives it (for tests and explanations; slow)."""
        for stream in self.streams:
            for index in np.flatnonzero(stream.rows == row).tolist():
                start, end = stream.places_of(index)
                starts, ends = stream.offsets(start, end)
                return NormalisedText(
                    to_text(stream.codes[start:end]),
                    stream.runs[start:end].tolist(),
                    starts,
                    ends,
                    self.texts[row],
                    {
                        kind: int(self.disguises[kind][row]) if kind in self.disguises else 0
                        for kind in DISGUISES
                    },
                )
        raise IndexError(row)


def normalise(texts: Sequence[str]) -> Normalised:
    """The normal form of a batch of texts, in one pass."""
    counter = Counter(len(texts))
    streams: list[Stream] = []
    ascii_rows = [row for row, text in enumerate(texts) if text.isascii()]
    others = (
        [row for row, text in enumerate(texts) if not text.isascii()] if len(ascii_rows) < len(texts) else []
    )
    if ascii_rows:
        whole = len(ascii_rows) == len(texts)
        plain, suspects = _plain(texts if whole else [texts[row] for row in ascii_rows], ascii_rows, counter)
        others.extend(suspects)
        if plain is not None:
            streams.append(plain)
    if others:
        streams.append(general([texts[row] for row in others], others, counter))
    return Normalised(len(texts), streams, counter.counts)


# Plain texts ----------------------------------------------------------------------------------

_ODD = 1
"""What a plain text holds in the place of a control character."""


@cache
def _ascii_lower() -> bytes:
    table = tables()
    lower = bytearray(_ODD if table.length[code] == 0 else int(table.single[code]) for code in range(128))
    lower[0] = SEPARATOR
    return bytes(lower) + bytes([_ODD]) * 128


# Classes of the suspicion test: a letter, a digit that nothing hides behind, one that may stand for a letter,
# a sign that may inside a word, "$".
_WORD_LETTER, _PLAIN_DIGIT, _LEET_DIGIT, _SIGN, _DOLLAR = 1, 2, 4, 8, 16


@cache
def _ascii_classes() -> bytes:
    classes = bytearray(256)
    for code in range(128):
        if leet.is_letter(code):
            classes[code] = _WORD_LETTER
        elif leet.is_digit(code):
            classes[code] = _LEET_DIGIT if code in leet.DIGITS else _PLAIN_DIGIT
        elif code in leet.SIGNS:
            classes[code] = _DOLLAR if chr(code) == "$" else _SIGN
    return bytes(classes)


def _plain(texts: Sequence[str], rows: list[int], counter: Counter) -> tuple[Stream | None, list[int]]:
    """The stream of the texts that hold no disguise but repeats, and the rows of the others."""
    raw = "\0".join([*texts, ""]).encode("ascii")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    if raw.count(0) != len(texts):  # a text holds NUL itself
        raw = "\0".join([*(text.replace("\0", chr(_ODD)) for text in texts), ""]).encode("ascii")
    lower = raw.translate(_ascii_lower())
    codes: Codes = np.frombuffer(lower, np.uint8)
    closes = np.cumsum(lengths + 1) - 1
    places = np.array(rows, np.int64)
    suspects = _suspects(lower, codes)
    kicked: list[int] = []
    if len(suspects):
        suspicious = np.zeros(len(texts), np.bool_)
        suspicious[np.searchsorted(closes, suspects)] = True
        kicked = places[suspicious].tolist()
        if len(kicked) == len(texts):
            return None, kicked
        codes = codes[np.repeat(~suspicious, lengths + 1)]
        places, lengths = places[~suspicious], lengths[~suspicious]
        closes = np.cumsum(lengths + 1) - 1
    keep = fresh(codes, closes)
    repeats = np.flatnonzero(~keep)
    counter.add("repeated", places[np.searchsorted(closes, stretched(codes, repeats))])
    first = np.flatnonzero(keep)
    return Stream(places, codes[first], first, len(codes), closes - lengths), kicked


def _suspects(lower: bytes, codes: Codes) -> Places:
    """Places that may be part of a disguise; every disguise (repeats aside) has one."""
    classes = np.frombuffer(lower.translate(_ascii_classes()), np.uint8)
    found: list[Places] = []
    if bytes([_ODD]) in lower:
        found.append(np.flatnonzero(codes == _ODD))
    signs = np.flatnonzero(classes > _PLAIN_DIGIT)  # the last code is a separator: none of these stands there
    before, at, after = classes[signs - 1], classes[signs], classes[signs + 1]
    hides = (after == _WORD_LETTER) & ((at != _SIGN) | (before == _WORD_LETTER))
    hides |= (at == _DOLLAR) & (after == _DOLLAR)
    found.append(signs[hides])
    # Letters that stand alone, three within reach of each other.
    word = (classes - 1) < _LEET_DIGIT  # uint8 wraps: class 0 becomes 255
    alone = classes == _WORD_LETTER
    alone[1:] &= ~word[:-1]
    alone[:-1] &= ~word[1:]
    single = np.flatnonzero(alone)
    reach = JOINER_LIMIT + 1
    near = np.diff(single) <= reach
    found.append(single[:-2][near[:-1] & near[1:]] if len(single) > 2 else single[:0])
    return np.concatenate(found)
