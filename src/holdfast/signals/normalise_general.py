"""The text normaliser's long way: every step, on arrays of 32-bit code points.

Each function here is one step of `normalise_reference.py`, for all texts of a batch that need it.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from holdfast.signals import leet
from holdfast.signals.codepoints import (
    BREAK,
    DIGIT,
    FLAG_BASE,
    HARD,
    LATIN,
    LETTER,
    MARK,
    NOT_CYRILLIC,
    NOT_GREEK,
    REGIONAL_A,
    SEPARATOR,
    SOFT,
    TABLE_SIZE,
    TO_CYRILLIC,
    TO_GREEK,
    Tables,
    tables,
)
from holdfast.signals.normalise_reference import JOINER_LIMIT, JOINERS
from holdfast.signals.stream import Codes, Counter, Mask, Places, Stream, fresh, stretched, to_codes
from holdfast.signals.upside_down import DISTINCTIVE, restore


class _Chars(NamedTuple):
    """Code points on their way: with each its alternate, whether it was styled, and its place in the source."""

    codes: NDArray[np.int32]
    alternates: NDArray[np.int32]
    styled: Mask
    starts: Places
    ends: Places


def general(texts: list[str], rows: list[int], counter: Counter) -> Stream:
    table = tables()
    places = np.array(rows, np.int64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    closes = np.cumsum(lengths + 1) - 1
    origins = closes - lengths
    source = to_codes("\0".join([*texts, ""]))
    source[closes] = BREAK
    starts, turned = _turn_upright(source, texts, origins, closes)
    counter.add("upside_down", places[turned])
    ends = starts + 1
    _name_flags(source, starts, ends, table)

    chars, invisible = _expand(source, starts, ends, table)

    def count(kind: str, found: Places, codes: Codes) -> None:
        if len(found):
            counter.add(kind, places[np.searchsorted(np.flatnonzero(codes == SEPARATOR), found)])

    count("invisible", invisible, chars.codes)
    kinds = table.kind[chars.codes]
    if _order_marks(chars, kinds):
        kinds = table.kind[chars.codes]
    words = _words(kinds)
    codes, changed = _resolve_scripts(chars, words, table)
    count("look_alike", _run_starts(changed), codes)
    drop, joined = _spaced_out(codes, kinds, words)
    starts, ends = chars.starts, chars.ends
    if len(drop):
        count("spaced", joined, codes)
        codes, starts, ends = np.delete(codes, drop), np.delete(starts, drop), np.delete(ends, drop)
    undone = _undo_leet(codes)
    count("leet", undone, codes)

    closes = np.flatnonzero(codes == SEPARATOR)
    keep = fresh(codes, closes)
    repeats = np.flatnonzero(~keep)
    count("repeated", stretched(codes, repeats), codes)
    first = np.flatnonzero(keep)
    return Stream(places, codes[first], first, len(codes), origins, starts, ends)


@cache
def _is_distinctive() -> Mask:
    flags = np.zeros(TABLE_SIZE, np.bool_)
    flags[[ord(c) for c in DISTINCTIVE]] = True
    return flags


def _turn_upright(
    source: NDArray[np.int32], texts: list[str], origins: Places, closes: Places
) -> tuple[Places, Places]:
    """Turn upside-down runs in place. Where each code point was, and the texts that runs were turned in."""
    starts = np.arange(len(source))
    turned: list[int] = []
    hits = np.flatnonzero(_is_distinctive()[source])
    if len(hits):
        for text in np.unique(np.searchsorted(closes, hits)).tolist():
            restored = restore(texts[text])
            if restored.runs:
                begin, end = int(origins[text]), int(closes[text])
                source[begin:end] = to_codes(restored.text)
                starts[begin:end] = np.array(restored.origin, np.int64) + begin
                turned.extend([text] * restored.runs)
    return starts, np.array(turned, np.int64)


def _name_flags(source: NDArray[np.int32], starts: Places, ends: Places, table: Tables) -> None:
    """Put one flag in the place of two regional indicators, in place; the second becomes invisible."""
    letters = np.flatnonzero((source >= REGIONAL_A) & (source < REGIONAL_A + 26))
    if not len(letters):
        return
    cuts = np.flatnonzero(np.diff(letters) != 1) + 1
    for run in np.split(letters, cuts):
        if len(run) % 2:
            continue
        values = source[run] - REGIONAL_A
        flags = FLAG_BASE + 26 * values[::2] + values[1::2]
        if all(flag in table.flags for flag in flags.tolist()):
            first, second = run[::2], run[1::2]
            source[first] = flags
            source[second] = _GONE
            starts[first] = np.minimum(starts[first], starts[second])
            ends[first] = np.maximum(ends[first], ends[second])


_GONE = 0x301
"""A code point that is removed and does not count as hidden."""


def _expand(source: NDArray[np.int32], starts: Places, ends: Places, table: Tables) -> tuple[_Chars, Places]:
    """The expansions, and the places after hidden characters that split a word."""
    length = table.length[source]
    single, alternate, styled = table.single[source], table.alternate[source], table.styled[source]
    if length.min() == 1 and length.max() == 1:
        return _Chars(single, alternate, styled, starts, ends), starts[:0]
    origin = np.repeat(np.arange(len(source)), length)
    codes, alternates = single[origin], alternate[origin]
    firsts = np.cumsum(length, dtype=np.int64) - length
    long = np.flatnonzero(length[origin] > 1)
    if len(long):
        within = table.offset[source[origin[long]]] + (long - firsts[origin[long]])
        codes[long], alternates[long] = table.pool[within], table.alternate_pool[within]
    hidden = np.flatnonzero(table.ignorable[source])
    following = np.unique(np.searchsorted(origin, hidden))
    following = following[following > 0]
    splits = (table.script[codes[following - 1]] != 0) & (table.script[codes[following]] != 0)
    return _Chars(codes, alternates, styled[origin], starts[origin], ends[origin]), following[splits]


def _order_marks(chars: _Chars, kinds: NDArray[np.uint8]) -> bool:
    """Put neighbouring marks in canonical order, in place. Whether anything moved."""
    marks = kinds == MARK
    pairs = np.flatnonzero(marks[1:] & marks[:-1])
    done = -1
    moved = False
    for pair in pairs.tolist():
        if pair < done:
            continue
        stop = pair
        while unicodedata.combining(chr(chars.codes[stop])):
            stop += 1
        done = max(stop, pair + 1)
        if stop - pair < 2:
            continue
        ranks = np.array([unicodedata.combining(chr(code)) for code in chars.codes[pair:stop].tolist()])
        order = np.argsort(ranks, kind="stable")
        if (order[1:] > order[:-1]).all():
            continue
        moved = True
        for array in chars[:3]:
            array[pair:stop] = array[pair:stop][order]
        chars.starts[pair:stop] = chars.starts[pair:stop].min()
        chars.ends[pair:stop] = chars.ends[pair:stop].max()
    return moved


class _Words(NamedTuple):
    """Stretches of letters, marks and digits."""

    starts: Places
    ends: Places


def _words(kinds: NDArray[np.uint8]) -> _Words:
    inside = (kinds - 1) < DIGIT  # uint8 wraps: OTHER becomes 255
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        edges = np.concatenate(([0], edges))
    # The last code point is a separator, so that every word has an end.
    return _Words(edges[::2], edges[1::2])


def _within(starts: Places, ends: Places) -> Places:
    """All places of the stretches."""
    lengths = ends - starts
    total = np.cumsum(lengths)
    places: Places = np.arange(int(total[-1]) if len(total) else 0) + np.repeat(
        starts - (total - lengths), lengths
    )
    return places


@cache
def _native(index: int) -> tuple[int, NDArray[np.int32]] | None:
    letters = {0: (NOT_CYRILLIC, TO_CYRILLIC), 1: (NOT_GREEK, TO_GREEK)}.get(index)
    if letters is None:
        return None
    table = np.zeros(128, np.int32)
    for latin, native in letters[1].items():
        table[ord(latin)] = ord(native)
    return letters[0], table


def _resolve_scripts(chars: _Chars, words: _Words, table: Tables) -> tuple[NDArray[np.int32], Mask]:
    """The codes with look-alikes chosen, and where a disguise was undone (styled letters among them)."""
    codes = chars.codes
    imitators = table.imitator[codes]
    if not imitators.any():
        return codes, chars.styled
    changed = chars.styled.copy()
    bits = table.script[codes]
    soft_places = np.flatnonzero((chars.alternates != 0) & (imitators != 0))
    bits[soft_places] = np.array((0, *SOFT), np.uint32)[imitators[soft_places]]
    word_bits = np.bitwise_or.reduceat(bits, words.starts)
    closes = np.flatnonzero(codes == SEPARATOR)
    text_bits = np.bitwise_or.reduceat(bits, np.concatenate(([0], closes[:-1] + 1)))
    around = text_bits[np.searchsorted(closes, words.starts)]
    present = int(np.bitwise_or.reduce(text_bits))
    open_ = np.ones(len(word_bits), np.bool_)
    result = codes.copy()
    has_latin = (word_bits & LATIN) != 0
    for index, (soft, hard) in enumerate(zip(SOFT, HARD, strict=True)):
        if not present & (soft | hard):
            continue
        mine = ((word_bits & (soft | hard)) != 0) & open_
        native = _native(index)
        if native is not None:
            restored = mine & has_latin & ((word_bits & hard) != 0) & ((word_bits & native[0]) == 0)
            if restored.any():
                places = _within(words.starts[restored], words.ends[restored])
                letters = native[1][np.minimum(codes[places], 127)]
                letters[codes[places] > 127] = 0
                result[places[letters != 0]] = letters[letters != 0]
                changed[places[letters != 0]] = True
                open_ &= ~restored
                mine &= ~restored
        mine &= has_latin | ((around & hard) == 0)
        if mine.any():
            places = _within(words.starts[mine], words.ends[mine])
            places = places[(bits[places] & soft) != 0]
            result[places] = chars.alternates[places]
            changed[places] = True
    return result, changed


def _run_starts(mask: Mask) -> Places:
    if not mask.any():
        return np.empty(0, np.int64)
    begins = mask.copy()
    begins[1:] &= ~mask[:-1]
    return np.flatnonzero(begins)


@cache
def _joiner_numbers() -> NDArray[np.int64]:
    numbers = np.zeros(128, np.int64)
    for number, code in enumerate(sorted(JOINERS), 1):
        numbers[code] = number
    return numbers


def _spaced_out(codes: NDArray[np.int32], kinds: NDArray[np.uint8], words: _Words) -> tuple[Places, Places]:
    """Where joiners stand between spaced-out letters, and where each such word begins."""
    nothing = words.starts[:0]
    single = (words.ends - words.starts == 1) & (kinds[words.starts] == LETTER)
    links = np.flatnonzero(single[1:] & single[:-1])
    if len(links) < 2:
        return nothing, nothing
    gap_starts, gap_ends = words.ends[links], words.starts[links + 1]
    gap = np.zeros(len(links), np.int64)
    fits = gap_ends - gap_starts <= JOINER_LIMIT
    for offset in range(JOINER_LIMIT):
        inside = gap_starts + offset < gap_ends
        code = codes[np.minimum(gap_starts + offset, len(codes) - 1)]
        number = np.where(code < 128, _joiner_numbers()[np.minimum(code, 127)], 0)
        fits &= ~inside | (number > 0)
        gap = gap * 16 + np.where(inside, number, 0)
    links, gap, gap_starts, gap_ends = links[fits], gap[fits], gap_starts[fits], gap_ends[fits]
    same = (np.diff(links) == 1) & (np.diff(gap) == 0)
    chained = np.zeros(len(links), np.bool_)
    chained[:-1] = same
    chained[1:] |= same
    begins = chained.copy()
    begins[1:] &= ~same
    return _within(gap_starts[chained], gap_ends[chained]), words.starts[links[begins]]


@cache
def _is_sign() -> Mask:
    flags = np.zeros(TABLE_SIZE, np.bool_)
    flags[list(leet.SIGNS)] = True
    return flags


def _undo_leet(codes: NDArray[np.int32]) -> Places:
    """Undo leet in place; where each run of it begins."""
    letter = (codes - 97).view(np.uint32) < 26
    digit = (codes - 48).view(np.uint32) < 10
    signs = _leet_signs(codes, letter)
    chosen_first, chosen_last = _leet_digits(codes, letter, digit)
    places = _within(chosen_first, chosen_last)
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
    inside = left & right & eligible & (length <= leet.INSIDE_LIMIT) & ~clock
    chosen = inside.copy()
    lone = np.flatnonzero(~left & right & eligible & (length == 1))
    for run in lone.tolist():
        start = int(last[run])
        chosen[run] = leet.starts_word(codes[start : start + leet.COUNTED_LIMIT + 1].tolist())
    if inside.any():
        whole = letter | digit
        begins = np.flatnonzero(whole[1:] & ~whole[:-1]) + 1
        word = np.searchsorted(begins, first, side="right")  # a word at place 0 is word 0
        leet_word = np.isin(word, word[inside])
        chosen |= leet_word & eligible & (left != right) & (length <= leet.END_LIMIT)
    return first[chosen], last[chosen]


def _leet_signs(codes: NDArray[np.int32], letter: Mask) -> Places:
    places = np.flatnonzero(_is_sign()[codes])
    if not len(places):
        return places
    before, after, at = letter[places - 1], letter[places + 1], codes[places]
    likely = np.where(at == leet.DOLLAR, True, before & after)
    chosen = [
        place
        for place in places[likely].tolist()
        if leet.is_sign(codes[max(place - 3, 0) : place + leet.ADDRESS_LIMIT + 2].tolist(), min(place, 3))
    ]
    return np.array(chosen, np.int64)
