"""The text normaliser's long way: every step, on arrays of 32-bit code points.

Each function here is one step of `normalise_reference.py`, for all texts of a batch that need it.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from holdfast.signals.codepoints import (
    BREAK,
    DIGIT,
    FLAG_BASE,
    HARD,
    IMITATES,
    INVISIBLE,
    LATIN,
    LETTER,
    MARK,
    MOVES,
    NOT_CYRILLIC,
    NOT_GREEK,
    REGIONAL,
    REGIONAL_A,
    SEPARATOR,
    SOFT,
    STYLED,
    TO_CYRILLIC,
    TO_GREEK,
    TURNED_LETTER,
    Tables,
    tables,
)
from holdfast.signals.leet_batch import undo_leet
from holdfast.signals.normalise_reference import JOINER_LIMIT, JOINERS
from holdfast.signals.stream import Codes, Counter, Mask, Places, Stream, fresh, stretched, to_codes, within
from holdfast.signals.upside_down import restore


class _Chars(NamedTuple):
    """Code points on their way: with each its alternate, whether it was styled, and its place in the source."""

    codes: NDArray[np.int32]
    alternates: NDArray[np.int32]
    styled: Mask
    sources: Places


def general(texts: list[str], rows: list[int], counter: Counter) -> Stream:
    """The stream of any texts; `rows` says which of the batch they are."""
    table = tables()
    places = np.array(rows, np.int64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    closes = np.cumsum(lengths + 1) - 1
    origins = closes - lengths
    source = to_codes("\0".join([*texts, ""]))
    source[closes] = BREAK
    traits = table.traits[source]
    order, turned = _turn_upright(source, traits, texts, origins, closes, table)
    counter.add("upside_down", places[turned])
    wide = _name_flags(source, traits, table)
    chars, invisible = _expand(source, traits, table)

    def count(kind: str, found: Places, codes: Codes) -> None:
        if len(found):
            counter.add(kind, places[np.searchsorted(np.flatnonzero(codes == SEPARATOR), found)])

    count("invisible", invisible, chars.codes)
    kinds = table.kind[chars.codes]
    _order_marks(chars, kinds)
    words = _words(kinds)
    codes, changed = _resolve_scripts(chars, words, table)
    count("look_alike", _run_starts(changed), codes)
    drop, joined = _spaced_out(codes, kinds, words)
    sources = chars.sources
    if len(drop):
        count("spaced", joined, codes)
        codes, sources = np.delete(codes, drop), np.delete(sources, drop)
    undone = undo_leet(codes)
    count("leet", undone, codes)

    closes = np.flatnonzero(codes == SEPARATOR)
    keep = fresh(codes, closes)
    repeats = np.flatnonzero(~keep)
    count("repeated", stretched(codes, repeats), codes)
    first = np.flatnonzero(keep)
    if order is not None:
        sources = order[sources]
    return Stream(places, codes[first], first, len(codes), origins, sources, wide)


def _with(traits: NDArray[np.uint8], trait: int) -> Places:
    return np.flatnonzero((traits & trait) != 0)


def _turn_upright(
    source: NDArray[np.int32],
    traits: NDArray[np.uint8],
    texts: list[str],
    origins: Places,
    closes: Places,
    table: Tables,
) -> tuple[Places | None, Places]:
    """Turn upside-down runs in place. Where each code point was, if any moved, and the texts that runs were in."""
    order: Places | None = None
    turned: list[int] = []
    for text in np.unique(np.searchsorted(closes, _with(traits, TURNED_LETTER))).tolist():
        restored = restore(texts[text])
        if restored.runs:
            begin, end = int(origins[text]), int(closes[text])
            if order is None:
                order = np.arange(len(source))
            source[begin:end] = to_codes(restored.text)
            traits[begin:end] = table.traits[source[begin:end]]
            order[begin:end] = np.array(restored.origin, np.int64) + begin
            turned.extend([text] * restored.runs)
    return order, np.array(turned, np.int64)


_GONE = 0x301
"""A code point that is removed and does not count as invisible."""


def _name_flags(source: NDArray[np.int32], traits: NDArray[np.uint8], table: Tables) -> Places | None:
    """Put one flag in the place of two regional indicators, in place; the second goes. Where flags stand now."""
    letters = _with(traits, REGIONAL)
    if not len(letters):
        return None
    begins = np.flatnonzero(np.diff(letters, prepend=-2) != 1)
    lengths = np.diff(begins, append=len(letters))
    inside = np.arange(len(letters)) - np.repeat(begins, lengths)
    values = source[letters] - REGIONAL_A
    flags = FLAG_BASE + 26 * values[:-1] + values[1:]
    is_flag = np.zeros(len(letters), np.bool_)  # where a pair that starts at an even place is a flag
    is_flag[:-1] = (inside[:-1] % 2 == 0) & (inside[1:] > 0) & _is_flag()[flags - FLAG_BASE]
    whole = (lengths % 2 == 0) & (np.add.reduceat(is_flag, begins, dtype=np.int64) * 2 == lengths)
    first = np.flatnonzero(np.repeat(whole, lengths) & (inside % 2 == 0))
    source[letters[first]] = flags[first] if len(first) else 0
    source[letters[first + 1]] = _GONE
    changed = np.concatenate((letters[first], letters[first + 1]))
    traits[changed] = table.traits[source[changed]]
    return letters[first]


@cache
def _is_flag() -> Mask:
    flags = np.zeros(26 * 26, np.bool_)
    flags[[flag - FLAG_BASE for flag in tables().flags]] = True
    return flags


def _expand(source: NDArray[np.int32], traits: NDArray[np.uint8], table: Tables) -> tuple[_Chars, Places]:
    """The expansions, and the places after invisible characters that split a word."""
    imitating, styled_places = _with(traits, IMITATES), _with(traits, STYLED)
    single = table.single[source]
    moving = _with(traits, MOVES)
    if not len(moving):
        alternates, styled = np.zeros(len(source), np.int32), np.zeros(len(source), np.bool_)
        alternates[imitating] = table.alternate[source[imitating]]
        styled[styled_places] = True
        return _Chars(single, alternates, styled, np.arange(len(source))), moving[:0]
    length = np.ones(len(source), np.int64)
    length[moving] = table.length[source[moving]]
    sources = np.repeat(np.arange(len(source)), length)
    codes = single[sources]
    firsts = np.cumsum(length) - length
    alternates, styled = np.zeros(len(codes), np.int32), np.zeros(len(codes), np.bool_)
    alternates[firsts[imitating]] = table.alternate[source[imitating]]
    styled[within(firsts[styled_places], firsts[styled_places] + length[styled_places])] = True
    long = moving[length[moving] > 1]
    if len(long):
        target = within(firsts[long], firsts[long] + length[long])
        origin = within(offsets := table.offset[source[long]].astype(np.int64), offsets + length[long])
        codes[target], alternates[target] = table.pool[origin], table.alternate_pool[origin]
    following = np.unique(
        firsts[_with(traits, INVISIBLE)]
    )  # the first kept after it: it has no length itself
    following = following[following > 0]
    splits = (table.script[codes[following - 1]] != 0) & (table.script[codes[following]] != 0)
    return _Chars(codes, alternates, styled, sources), following[splits]


def _order_marks(chars: _Chars, kinds: NDArray[np.uint8]) -> None:
    """Put neighbouring marks in canonical order, in place. Where they come from stays in order."""
    marks = kinds == MARK
    done = -1
    for pair in np.flatnonzero(marks[1:] & marks[:-1]).tolist():
        if pair < done:
            continue
        stop = pair
        while unicodedata.combining(chr(chars.codes[stop])):
            stop += 1
        done = max(stop, pair + 1)
        if stop - pair < 2:
            continue
        ranks = [unicodedata.combining(chr(code)) for code in chars.codes[pair:stop].tolist()]
        order = np.argsort(np.array(ranks), kind="stable")
        for array in (chars.codes, chars.alternates, chars.styled):
            array[pair:stop] = array[pair:stop][order]


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
                places = within(words.starts[restored], words.ends[restored])
                letters = native[1][np.minimum(codes[places], 127)]
                letters[codes[places] > 127] = 0
                result[places[letters != 0]] = letters[letters != 0]
                changed[places[letters != 0]] = True
                open_ &= ~restored
                mine &= ~restored
        mine &= has_latin | ((around & hard) == 0)
        if mine.any():
            places = within(words.starts[mine], words.ends[mine])
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
    return within(gap_starts[chained], gap_ends[chained]), words.starts[links[begins]]
