"""The text normaliser, one character at a time: slow, plain, and what the fast one must equal.

It defines the order of the steps and the rules of each; `normalise.py` does the same to a batch.

1. upside-down runs are turned back (`upside_down.py`);
2. every code point becomes its expansion (`codepoints.py`): case folded, compatibility forms undone,
   diacritics stripped, invisible ones removed, emoji and flags named; kept marks go in canonical order;
3. look-alikes of other scripts are resolved word by word (`resolve_scripts`);
4. spaced-out letters are joined ("h.a.t.e");
5. digits and signs that stand for letters become them ("h4te", "$tupid");
6. repeated characters are collapsed, with the length of each run kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from holdfast.signals import leet
from holdfast.signals.codepoints import (
    DIGIT,
    FLAG_BASE,
    HARD,
    INVISIBLE,
    LATIN,
    LETTER,
    MARK,
    NOT_CYRILLIC,
    NOT_GREEK,
    REGIONAL_A,
    SOFT,
    STYLED,
    TO_CYRILLIC,
    TO_GREEK,
    Tables,
    tables,
)
from holdfast.signals.upside_down import restore

DISGUISES = ("upside_down", "invisible", "look_alike", "spaced", "leet", "repeated")
"""The kinds of disguise that are undone and counted, each once a run of neighbouring characters."""

JOINERS = frozenset(map(ord, " .-_*~,/'+|"))
"""What may stand between spaced-out letters."""
JOINER_LIMIT = 3
"""Characters between two spaced-out letters."""
READABLE_RUN = 2
"""A run of three or more equal characters is cut to this in the readable text."""


class NormalisedText(NamedTuple):
    """One text in its normal form.

    `collapsed` has no two equal neighbours; `runs[i]` says how often its i-th character stood there,
    and `starts[i]`, `ends[i]` where that run lies in the original (code points, end exclusive).
    `readable` is for eyes and classifiers. `disguises` counts by kind what was undone.
    """

    collapsed: str
    runs: list[int]
    starts: list[int]
    ends: list[int]
    readable: str
    disguises: dict[str, int]


class _Char(NamedTuple):
    code: int
    alternate: int
    styled: bool
    start: int
    end: int


def normalise(texts: Sequence[str]) -> list[NormalisedText]:
    """The normal form of each text."""
    return [normalise_text(text) for text in texts]


def normalise_text(text: str) -> NormalisedText:
    """The normal form of one text."""
    disguises = dict.fromkeys(DISGUISES, 0)
    table = tables()
    turned, origin, disguises["upside_down"] = restore(text)
    chars, disguises["invisible"] = _expand(_name_flags(turned, table), origin, table)
    chars = _order_marks(chars)
    chars, disguises["look_alike"] = _resolve_scripts(chars, table)
    chars, disguises["spaced"] = _join_spaced(chars, table)
    codes, disguises["leet"] = leet.undo([char.code for char in chars])

    collapsed: list[int] = []
    runs: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    for code, char in zip(codes, chars, strict=True):
        if collapsed and collapsed[-1] == code:
            runs[-1] += 1
            starts[-1] = min(starts[-1], char.start)
            ends[-1] = max(ends[-1], char.end)
        else:
            collapsed.append(code)
            runs.append(1)
            starts.append(char.start)
            ends.append(char.end)
    readable: list[str] = []
    for code, run in zip(collapsed, runs, strict=True):
        kind = table.kind[code]
        if run >= 3 and kind == LETTER:
            disguises["repeated"] += 1
        readable.append(chr(code) * (1 if code == 32 else run if kind == DIGIT else min(run, READABLE_RUN)))
    return NormalisedText(
        "".join(map(chr, collapsed)),
        runs,
        starts,
        ends,
        unicodedata.normalize("NFC", "".join(readable).strip(" ")),
        disguises,
    )


def _name_flags(text: str, table: Tables) -> list[tuple[int, int]]:
    """Code points with their width: in a run of regional indicators that are all flags, each pair is one."""
    codes: list[tuple[int, int]] = []
    place = 0
    while place < len(text):
        stop = place
        while stop < len(text) and 0 <= ord(text[stop]) - REGIONAL_A < 26:
            stop += 1
        letters = [ord(c) - REGIONAL_A for c in text[place:stop]]
        flags = [FLAG_BASE + 26 * a + b for a, b in zip(letters[::2], letters[1::2], strict=False)]
        if letters and len(letters) % 2 == 0 and all(flag in table.flags for flag in flags):
            codes.extend((flag, 2) for flag in flags)
            place = stop
        elif letters:
            codes.extend((REGIONAL_A + letter, 1) for letter in letters)
            place = stop
        else:
            codes.append((ord(text[place]), 1))
            place += 1
    return codes


def _expand(codes: list[tuple[int, int]], origin: list[int], table: Tables) -> tuple[list[_Char], int]:
    chars: list[_Char] = []
    hidden = False
    invisible = 0
    place = 0
    for code, width in codes:
        # A flag lies in one piece even where the text around it was turned.
        start = min(origin[place : place + width])
        end = max(origin[place : place + width]) + 1
        place += width
        pieces = table.expand(code)
        if not pieces and table.traits[code] & INVISIBLE:
            hidden = True
        for piece, alternate in pieces:
            if hidden and chars and _cased(chars[-1].code, table) and _cased(piece, table):
                invisible += 1
            hidden = False
            chars.append(_Char(piece, alternate, bool(table.traits[code] & STYLED), start, end))
    return chars, invisible


def _cased(code: int, table: Tables) -> bool:
    """Whether it is a letter of a script where nothing invisible has a use inside a word."""
    return bool(table.script[code])


def _order_marks(chars: list[_Char]) -> list[_Char]:
    """Kept marks in canonical order, so that composed and decomposed text are alike. Places stay in order."""
    ordered = list(chars)
    place = 0
    while place < len(ordered):
        stop = place
        while stop < len(ordered) and unicodedata.combining(chr(ordered[stop].code)):
            stop += 1
        run = ordered[place:stop]
        ranks = [unicodedata.combining(chr(char.code)) for char in run]
        if ranks != sorted(ranks):
            places = [(c.start, c.end) for c in run]
            run.sort(key=lambda c: unicodedata.combining(chr(c.code)))
            ordered[place:stop] = [c._replace(start=a, end=b) for c, (a, b) in zip(run, places, strict=True)]
        place = max(stop, place + 1)
    return ordered


def _words(codes: Sequence[int], table: Tables, kinds: tuple[int, ...]) -> list[tuple[int, int]]:
    """The stretches of characters of these kinds."""
    words: list[tuple[int, int]] = []
    start = -1
    for place, code in enumerate(codes):
        if table.kind[code] in kinds:
            if start < 0:
                start = place
        elif start >= 0:
            words.append((start, place))
            start = -1
    if start >= 0:
        words.append((start, len(codes)))
    return words


def _bits(char: _Char, table: Tables) -> int:
    imitator = int(table.imitator[char.code])
    if imitator and char.alternate:
        return SOFT[imitator - 1]
    return int(table.script[char.code])


def _resolve_scripts(chars: list[_Char], table: Tables) -> tuple[list[_Char], int]:
    """Choose for every look-alike between the native letter and the Latin one.

    In a word that holds Latin letters, look-alikes of another script become Latin; unless the word
    has a distinctive Cyrillic (or Greek) letter and each of its Latin letters looks like one of that
    script: then it is a word of that script in disguise, and the Latin letters become native. A word of
    look-alikes only becomes Latin when nothing in the text is distinctive of their script.
    """
    bits = [_bits(char, table) for char in chars]
    text_bits = 0
    for bit in bits:
        text_bits |= bit
    changed = [char.styled for char in chars]
    result = list(chars)
    for start, end in _words([c.code for c in chars], table, (LETTER, MARK, DIGIT)):
        word_bits = 0
        for bit in bits[start:end]:
            word_bits |= bit
        for index, (soft, hard) in enumerate(zip(SOFT, HARD, strict=True)):
            if not word_bits & (soft | hard):
                continue
            if word_bits & LATIN:
                native = _NATIVE.get(index)
                if native is not None and word_bits & hard and not word_bits & native[0]:
                    for place in range(start, end):
                        letter = native[1].get(chars[place].code)
                        if letter is not None:
                            result[place] = chars[place]._replace(code=letter)
                            changed[place] = True
                    break
            elif text_bits & hard:
                continue
            for place in range(start, end):
                if bits[place] & soft:
                    result[place] = chars[place]._replace(code=chars[place].alternate)
                    changed[place] = True
    return result, _count_runs(changed)


_NATIVE = {
    0: (NOT_CYRILLIC, {ord(a): ord(b) for a, b in TO_CYRILLIC.items()}),
    1: (NOT_GREEK, {ord(a): ord(b) for a, b in TO_GREEK.items()}),
}


def _count_runs(flags: Sequence[bool]) -> int:
    return sum(flag and not before for before, flag in zip([False, *flags], flags, strict=False))


def _join_spaced(chars: list[_Char], table: Tables) -> tuple[list[_Char], int]:
    """Join three or more single letters that the same few joiners keep apart."""
    codes = [char.code for char in chars]
    words = _words(codes, table, (LETTER, MARK, DIGIT))
    gaps: list[list[int]] = []  # between each word and the next; empty where they cannot be joined
    for word, following in pairwise(words):
        between = codes[word[1] : following[0]]
        fits = len(between) <= JOINER_LIMIT and JOINERS.issuperset(between)
        gaps.append(
            between if fits and _single(word, codes, table) and _single(following, codes, table) else []
        )
    drop: set[int] = set()
    joined = 0
    for gap, group in groupby(range(len(gaps)), key=gaps.__getitem__):
        places = list(group)
        if gap and len(places) >= 2:
            joined += 1
            for place in places:
                drop.update(range(words[place][1], words[place + 1][0]))
    return [char for place, char in enumerate(chars) if place not in drop], joined


def _single(word: tuple[int, int], codes: Sequence[int], table: Tables) -> bool:
    return word[1] - word[0] == 1 and table.kind[codes[word[0]]] == LETTER
