"""Leet, undone in a whole batch: the rules of `leet.py` on arrays of code points."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from holdfast.signals import leet
from holdfast.signals.codepoints import TABLE_SIZE
from holdfast.signals.stream import Mask, Places, within


@cache
def _is_sign() -> Mask:
    flags = np.zeros(TABLE_SIZE, np.bool_)
    flags[list(leet.SIGNS)] = True
    return flags


def undo_leet(codes: NDArray[np.int32]) -> Places:
    """Undo leet in place; where each run of it begins."""
    letter = (codes - 97).view(np.uint32) < 26
    digit = (codes - 48).view(np.uint32) < 10
    signs = _leet_signs(codes, letter, digit)
    chosen_first, chosen_last = _leet_digits(codes, letter, digit)
    places = within(chosen_first, chosen_last)
    ones = places[codes[places] == leet.ONE]
    # Digits beside a chosen one are chosen with it: a run is undone whole.
    doubled = ones[(codes[ones - 1] == leet.ONE) | (codes[ones + 1] == leet.ONE)]
    codes[places] = _leet_letters()[codes[places]]
    codes[doubled] = leet.EL
    same = np.zeros(len(signs), np.bool_)
    same[1:] = (np.diff(signs) == 1) & (np.diff(codes[signs]) == 0)
    for place in signs.tolist():
        codes[place] = leet.SIGNS[int(codes[place])]
    return np.concatenate((chosen_first, signs[~same]))


@cache
def _leet_letters() -> NDArray[np.int32]:
    letters = np.zeros(128, np.int32)
    letters[list(leet.DIGITS)] = list(leet.DIGITS.values())
    return letters


def _leet_digits(codes: NDArray[np.int32], letter: Mask, digit: Mask) -> tuple[Places, Places]:
    places = np.flatnonzero(digit)
    if not len(places):
        return places, places
    breaks = np.flatnonzero(np.diff(places) != 1)
    first = places[np.concatenate(([0], breaks + 1))]
    last = places[np.concatenate((breaks, [len(places) - 1]))] + 1
    length = last - first
    left, right = letter[first - 1], letter[last]  # place -1 is the closing separator
    stubborn = np.concatenate(([0], np.cumsum(_leet_letters()[codes[places]] == 0)))
    ends = np.cumsum(length)
    eligible = stubborn[ends] == stubborn[ends - length]
    clock = digit[first - 2] & ((codes[first - 1] == 104) | (codes[first - 1] == 109))
    begins = _word_begins(letter, digit) if clock.any() else None
    if begins is not None:
        clock &= digit[begins[np.searchsorted(begins, first, side="right") - 1]]
    inside = left & right & eligible & (length <= leet.INSIDE_LIMIT) & ~clock
    chosen = inside.copy()
    lone = np.flatnonzero(~left & right & eligible & (length == 1))
    for run in lone.tolist():
        start = int(last[run])
        chosen[run] = leet.starts_word(codes[start : start + leet.COUNTED_LIMIT + 1].tolist())
    if inside.any():
        begins = _word_begins(letter, digit) if begins is None else begins
        word = np.searchsorted(begins, first, side="right")
        leet_word = np.isin(word, word[inside])
        chosen |= leet_word & eligible & (left != right) & (length <= leet.END_LIMIT)
    return first[chosen], last[chosen]


def _word_begins(letter: Mask, digit: Mask) -> Places:
    whole = letter | digit
    begins: Places = np.flatnonzero(whole & ~np.concatenate(([False], whole[:-1])))
    return begins


def _leet_signs(codes: NDArray[np.int32], letter: Mask, digit: Mask) -> Places:
    places = np.flatnonzero(_is_sign()[codes])
    if not len(places):
        return places
    at = codes[places]
    inside = letter[places - 1] & letter[places + 1] & (at != leet.DOLLAR)
    for index in np.flatnonzero(inside & (at == leet.AT)).tolist():
        place = int(places[index])
        ahead = codes[place : place + leet.ADDRESS_LIMIT + 1].tolist()
        inside[index] = not leet.is_address(ahead, 0)
    # Runs of "$", of which no third one stands beside them.
    dollars = np.flatnonzero(at == leet.DOLLAR)
    if len(dollars):
        stood = places[dollars]
        begins = np.flatnonzero(np.diff(stood, prepend=-2) != 1)
        lengths = np.diff(begins, append=len(stood))
        before, after = stood[begins] - 1, stood[begins] + lengths
        chosen = (
            (lengths <= 2)
            & ~digit[before]
            & ~digit[after]
            & (letter[after] | ((lengths == 2) & letter[before]))
        )
        inside[dollars] = np.repeat(chosen, lengths)
    chosen_places: Places = places[inside]
    return chosen_places
