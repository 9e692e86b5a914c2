"""Texts in normal form, one after the other in one array: what the normaliser makes and the lexicon searches."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.signals.codepoints import DIGIT, LETTER, SEPARATOR, tables
from holdfast.signals.normalise_reference import READABLE_RUN

Codes: TypeAlias = NDArray[Any]
"""Code points: uint8 in streams of ASCII texts, int32 in others."""
Places: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

_SPACE = 32


class Stream:
    """Some of a batch's texts in normal form, one after the other, each closed by a SEPARATOR.

    `rows` says which texts; `codes` are their collapsed code points. `first` is where each run begins
    among the `length` code points before collapsing; `sources` leads from there to the source (`None`: one
    to one), in which the n-th text begins at `origins[n]`. `wide` are the places there of characters that
    take two code points: flags.
    """

    def __init__(
        self,
        rows: Places,
        codes: Codes,
        first: Places,
        length: int,
        origins: Places,
        sources: Places | None = None,
        wide: Places | None = None,
    ) -> None:
        self.rows = rows
        self.codes = codes
        self._first = first
        self._length = length
        self._origins = origins
        self._sources = sources
        self._wide = wide

    @cached_property
    def haystack(self) -> str:
        """`codes` as a string."""
        if self.codes.dtype == np.uint8:
            return self.codes.tobytes().decode("ascii")
        return to_text(self.codes)

    @cached_property
    def bounds(self) -> Places:
        """Where in `codes` each text's SEPARATOR stands."""
        return np.flatnonzero(self.codes == SEPARATOR)

    @cached_property
    def runs(self) -> Places:
        """How often each of `codes` stood there."""
        return np.diff(self._first, append=self._length)

    def runs_at(self, places: Places) -> Places:
        """`runs[places]`, without working out the others."""
        following = places + 1
        last = following == len(self._first)
        following[last] = 0
        ends = self._first[following]
        ends[last] = self._length
        return ends - self._first[places]

    def spans(self, starts: Places, ends: Places) -> tuple[Places, Places, Places]:
        """The original code points behind each `codes[start:end]`, none of them empty or across texts.

        Three arrays: the row of the text, and start and end (exclusive) in that text.
        """
        texts = np.searchsorted(self.bounds, starts)
        rows, origins = self.rows[texts], self._origins[texts]
        low = self._first[starts]
        # After a text stands at least its separator, so that there is a run after the last one.
        high = self._first[ends]
        if self._sources is None:
            return rows, low - origins, high - origins
        pairs = np.column_stack((low, high)).ravel()
        begins = np.minimum.reduceat(self._sources, pairs)[::2]
        lasts = np.maximum.reduceat(self._sources, pairs)[::2]
        if self._wide is not None:
            lasts = lasts + np.isin(lasts, self._wide)
        return rows, begins - origins, lasts + 1 - origins

    @cached_property
    def _shown(self) -> Places:
        """How often each of `codes` stands in the readable form."""
        kinds = tables().kind[self.codes]
        runs: Places = np.where(kinds == DIGIT, self.runs, np.minimum(self.runs, READABLE_RUN))
        runs[self.codes == _SPACE] = 1
        return runs

    def readable(self) -> list[str]:
        """The readable form of every text, in the order of `rows`."""
        codes = np.repeat(self.codes, self._shown)
        if codes.dtype == np.uint8:
            return [text.strip(" ") for text in codes.tobytes().decode("ascii").split("\n")[:-1]]
        texts = to_text(codes).split("\n")[:-1]
        return [unicodedata.normalize("NFC", text.strip(" ")) for text in texts]

    def readable_of(self, index: int) -> tuple[str, Places]:
        """The n-th text as `readable` gives it, but for spaces around it and for NFC, and which of `codes` stands behind
        each of its characters."""
        places = np.arange(*self.places_of(index))
        places = np.repeat(places, self._shown[places])
        return to_text(self.codes[places]), places

    def replaced(self, starts: Places, ends: Places, signs: Sequence[int]) -> Stream:
        """The stream with one sign in the place of each `codes[start:end]`: none empty or across texts, all in order."""
        codes = self.codes.astype(np.int32)
        codes[starts] = signs
        keep = np.ones(len(codes), np.bool_)
        keep[within(starts + 1, ends)] = False
        return Stream(
            self.rows, codes[keep], self._first[keep], self._length, self._origins, self._sources, self._wide
        )

    def places_of(self, index: int) -> tuple[int, int]:
        """Where the n-th text lies in `codes`."""
        return (int(self.bounds[index - 1]) + 1 if index else 0), int(self.bounds[index])

    def offsets(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """For each of `codes[start:end]`, of one text: where in the original it starts and ends."""
        places = np.arange(start, end)
        _, starts, ends = self.spans(places, places + 1) if start < end else (places, places, places)
        return starts.tolist(), ends.tolist()


class Counter:
    """Counts disguises by kind and text."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.counts: dict[str, Places] = {}

    def add(self, kind: str, rows: Places) -> None:
        if len(rows):
            counts = np.bincount(rows, minlength=self._size)
            known = self.counts.get(kind)
            self.counts[kind] = counts if known is None else known + counts


def fresh(codes: Codes, closes: Places) -> Mask:
    """Where a code differs from the one before; separators always count as different."""
    keep = np.empty(len(codes), np.bool_)
    keep[0] = True
    np.not_equal(codes[1:], codes[:-1], out=keep[1:])
    keep[closes] = True
    return keep


def stretched(codes: Codes, repeats: Places) -> Places:
    """The second repeat of each letter that stands there three times or more in a row."""
    follows = np.flatnonzero(np.diff(repeats) == 1)  # two repeats side by side: a run of three
    if not len(follows):
        return repeats[:0]
    begins = np.ones(len(follows), np.bool_)
    begins[1:] = np.diff(follows) != 1
    # Two runs may touch ("aaabbb"): the b's first repeat does not follow the a's last one, a b stands between.
    seconds = repeats[follows[begins] + 1]
    letters: Places = seconds[tables().kind[codes[seconds]] == LETTER]
    return letters


def to_codes(text: str) -> NDArray[np.int32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<i4").astype(np.int32)


def to_text(codes: Codes) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le")


def within(starts: Places, ends: Places) -> Places:
    """All places of the stretches."""
    lengths = ends - starts
    total = np.cumsum(lengths)
    places: Places = np.arange(int(total[-1]) if len(total) else 0) + np.repeat(
        starts - (total - lengths), lengths
    )
    return places
