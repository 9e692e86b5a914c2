"""Many patterns at once in a normalised batch (Aho-Corasick), each held to its word boundaries and runs of letters.

What a pattern, a run and a boundary are is said, text by text, in `lexicon_reference.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import ahocorasick_rs
import numpy as np
from numpy.typing import NDArray

from holdfast.signals.codepoints import DIGIT, LETTER, MARK, tables
from holdfast.signals.lexicon_reference import LETTER_WORDS
from holdfast.signals.normalise import normalise
from holdfast.signals.stream import Places, Stream


class Hits(NamedTuple):
    """Which pattern stands where in a stream's `codes` (end exclusive): three arrays of one length."""

    pattern: Places
    start: Places
    end: Places


class Automaton:
    """Collapsed texts with the run of each character (`Pattern`), and whether each must stand alone."""

    def __init__(
        self, texts: Sequence[str], runs: Sequence[Sequence[int]], whole_word: Sequence[bool]
    ) -> None:
        kinds = tables().kind
        self._automaton = ahocorasick_rs.AhoCorasick(texts, store_patterns=False)
        whole = np.array(whole_word, np.bool_)
        # Which kinds beside the edge mean that the word goes on; 0 where anything may stand there.
        self._left = np.where(whole, [_goes_on(int(kinds[ord(text[0])])) for text in texts], 0)
        self._right = np.where(whole, [_goes_on(int(kinds[ord(text[-1])])) for text in texts], 0)
        self._length = np.array([len(text) for text in texts], np.int64)
        self._offset = np.cumsum(self._length) - self._length
        # A run of 0 stands for "any": spaces.
        self._runs = np.fromiter(chain.from_iterable(runs), np.int64, int(self._length.sum()))
        self._runs[np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4") == ord(" ")] = 0

    def search(self, stream: Stream) -> Hits | None:
        """Every match, overlapping ones too; `None` where there is none."""
        hits = self._automaton.find_matches_as_indexes(stream.haystack, overlapping=True)
        if not hits:
            return None
        found = np.fromiter(chain.from_iterable(hits), np.int64, 3 * len(hits)).reshape(-1, 3)
        pattern, start, end = found[:, 0], found[:, 1], found[:, 2]
        kinds = tables().kind
        # Before the first code point stands, by wrapping round, the last one: a separator.
        alone = (self._left[pattern] & _kind_bit(kinds[stream.codes[start - 1]])) == 0
        _excuse(stream, start, alone)
        alone &= (self._right[pattern] & _kind_bit(kinds[stream.codes[end]])) == 0
        pattern, start, end = pattern[alone], start[alone], end[alone]
        if not len(pattern):
            return None
        same = self._same_runs(stream, pattern, start)
        pattern, start, end = pattern[same], start[same], end[same]
        return Hits(pattern, start, end) if len(pattern) else None

    def _same_runs(
        self, stream: Stream, pattern: NDArray[np.int64], start: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        length = self._length[pattern]
        total = np.cumsum(length)
        within = np.arange(int(total[-1])) - np.repeat(total - length, length)
        written = self._runs[within + np.repeat(self._offset[pattern], length)]
        runs = stream.runs_at(within + np.repeat(start, length))
        fits = (written == 0) | (runs == written) | ((runs >= 3) & (runs >= written))
        return np.logical_and.reduceat(fits, total - length)


def normal_forms(forms: Sequence[str]) -> list[tuple[int, str, tuple[int, ...]]]:
    """Place, collapsed text and runs of every form that leaves something to look for, in order."""
    found: list[tuple[int, str, tuple[int, ...]]] = []
    for stream in normalise(forms).streams:
        runs = stream.runs.tolist()
        haystack = stream.haystack
        start = 0
        for row, bound in zip(stream.rows.tolist(), stream.bounds.tolist(), strict=True):
            low, high = start, bound
            while low < high and haystack[low] == " ":
                low += 1
            while high > low and haystack[high - 1] == " ":
                high -= 1
            if low < high:
                found.append((row, haystack[low:high], tuple(runs[low:high])))
            start = bound + 1
    return sorted(found)


_LETTERS, _DIGITS = 1, 2
_LETTER_WORDS = np.array([ord(letter) for letter in LETTER_WORDS])


def _excuse(stream: Stream, start: Places, alone: NDArray[np.bool_]) -> None:
    """Set `alone` where what goes before is a word of one letter that was joined to a spaced-out one."""
    rest = np.flatnonzero(~alone & (start > 0))
    rest = rest[np.isin(stream.codes[start[rest] - 1], _LETTER_WORDS)]
    rest = rest[_kind_bit(tables().kind[stream.codes[start[rest] - 2]]) == 0]
    if len(rest):
        places = start[rest]
        _, _, before = stream.spans(places - 1, places)
        _, begins, _ = stream.spans(places, places + 1)
        alone[rest] = before < begins


def _goes_on(kind: int) -> int:
    if kind == DIGIT:
        return _LETTERS | _DIGITS
    return _LETTERS if kind in (LETTER, MARK) else 0


def _kind_bit(kinds: NDArray[np.uint8]) -> NDArray[Any]:
    bits = np.zeros(5, np.int64)
    bits[[LETTER, MARK]] = _LETTERS
    bits[DIGIT] = _DIGITS
    return bits[kinds]
