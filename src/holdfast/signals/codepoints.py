"""What every code point becomes when text is normalised: the tables behind the text normaliser.

Sources: Python's `unicodedata` (NFKC, case folding, categories), the `emoji` package (names) and
Unicode's confusables as shipped by `confusable_homoglyphs`. That data maps *any* look-alike to a
prototype, among them Arabic alef to "l", Devanagari digits to "o" and Cyrillic "б" to "6"; used as it
stands it would destroy every non-Latin word. So only mappings to one ASCII *letter* are taken, and

- a look-alike in the Latin script, or a styled symbol, is mapped always;
- one in a script that imitates Latin (`IMITATORS`) is kept beside the native letter as an
  *alternate*; the normaliser chooses by the word that it stands in (`normalise_reference.py`);
- all others are left alone.

Tables are built once, on first use.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import confusable_homoglyphs
import emoji
import numpy as np
from numpy.typing import NDArray

from holdfast.signals.upside_down import DISTINCTIVE

VERSION: Final = f"2-u{unicodedata.unidata_version}-e{emoji.__version__}"
"""Of the normaliser: changes when the same text could normalise otherwise (this code, Unicode, emoji names)."""

OTHER: Final = 0
LETTER: Final = 1
MARK: Final = 2
DIGIT: Final = 3
SPACE: Final = 4
"""Classes of normalised code points. Letters, marks and digits make words."""

SEPARATOR: Final = 10
"""The code point between segments in a joined stream. No text normalises to it."""

LATIN: Final = 1
"""Script bit: a Latin letter."""
NOT_CYRILLIC: Final = 2
"""Script bit: a Latin letter that no Cyrillic letter looks like."""
NOT_GREEK: Final = 4
"""Script bit: a Latin letter that no Greek letter looks like."""

IMITATORS: Final[tuple[tuple[str, tuple[tuple[int, int], ...]], ...]] = (
    ("CYRILLIC", ((0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F))),
    ("GREEK", ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    ("ARMENIAN", ((0x530, 0x58F),)),
    ("CHEROKEE", ((0x13A0, 0x13FF), (0xAB70, 0xABBF))),
    ("COPTIC", ((0x2C80, 0x2CFF),)),
    ("LISU", ((0xA4D0, 0xA4FF),)),
    ("CANADIAN SYLLABICS", ((0x1400, 0x167F),)),
)
"""Scripts whose letters are borrowed to imitate Latin ones; the n-th has the bits 8 << 2n (a letter with a
Latin look-alike, as written) and 16 << 2n (a letter without one, hence distinctive)."""
SOFT: Final = tuple(8 << 2 * n for n in range(len(IMITATORS)))
HARD: Final = tuple(16 << 2 * n for n in range(len(IMITATORS)))

# Which letters of a script, case folded, stand for Latin ones when a word of that script is disguised.
TO_CYRILLIC: Final = dict(zip("abcehkmnoprtuxy", "авсенкмпоргтиху", strict=True))
TO_GREEK: Final = dict(zip("abehikmnoptvxyz", "αβεηικμνορτνχυζ", strict=True))

FLAG_BASE: Final = 0x110000
"""Flags (pairs of regional indicators) continue the code points from here: 26 × first + second letter."""
REGIONAL_A: Final = 0x1F1E6
BREAK: Final = FLAG_BASE + 26 * 26
"""Where one segment ends and the next begins, in a stream that is not yet normalised."""
TABLE_SIZE: Final = BREAK + 1

_STRIPPED_MARKS = (
    (0x300, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2), (0x5C4, 0x5C5),
    (0x5C7, 0x5C7), (0x610, 0x61A), (0x640, 0x640), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6DC),
    (0x6DF, 0x6E4), (0x6E7, 0x6E8), (0x6EA, 0x6ED), (0x8CA, 0x8E1), (0x8E3, 0x8FF), (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0x2DE0, 0x2DFF), (0xFE20, 0xFE2F), (0x1F3FB, 0x1F3FF),
)  # fmt: skip
"""Marks that do not change which word it is: Latin, Greek and Cyrillic diacritics, Hebrew niqqud, Arabic
harakat and tatweel, enclosing marks, emoji skin tones. Indic vowel signs, virama, nukta and kana voicing do
change words, and stay."""

_IGNORABLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Unicode's Default_Ignorable_Code_Point, and interlinear annotation."""

_SCANNED = ((0, 0x33FF), (0xA000, 0xABFF), (0xF900, 0x167FF), (0x16A00, 0x16FFF), (0x1B000, 0x1B16F), (0x1BC00, 0x1FBFF), (0x2F800, 0x2FA1F), (0xE0000, 0xE0FFF))  # fmt: skip
"""Where code points may change. Outside lie ideographs, syllables and private use, filled in wholesale."""

_PLAIN_LETTERS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x16800, 0x16A3F), (0x17000, 0x18CFF), (0x1B170, 0x1B2FF), (0x20000, 0x2F7FF), (0x30000, 0x323AF))  # fmt: skip
_HANGUL = (0xAC00, 0xD7A3)

# Letters that NFKC leaves apart but readers take for one (or two) other letters.
_FOLDED = {
    "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i", "ȷ": "j", "ʤ": "dz", "ʧ": "tsh",
    "ی": "ي", "ک": "ك", "ہ": "ه",
}  # fmt: skip
# Typographic signs are the plain ones that people type in searches and lists.
_PLAIN_SIGNS = (
    dict.fromkeys("`´‘’‛ʼʹ′＇", "'") | dict.fromkeys("“”„‟«»″＂", '"') | dict.fromkeys("‐‑‒–—―−﹘－", "-")
)
_SQUARED_WORDS = {
    "🆎": "ab", "🆑": " cl ", "🆒": " cool ", "🆓": " free ", "🆔": " id ", "🆕": " new ", "🆖": " ng ",
    "🆗": " ok ", "🆘": " sos ", "🆙": " up ", "🆚": " vs ", "ℹ": "i", "Ⓜ": "m",
}  # fmt: skip
_LATIN_VARIANT = re.compile(
    r"LATIN (?:SMALL |CAPITAL )?LETTER (?:(?:SMALL CAPITAL|SCRIPT) )?(?:OPEN )?([A-Z])(?: WITH .+)?"
)
_STYLED_LETTER = re.compile(r".*(?:CIRCLED|SQUARED|PARENTHESIZED) LATIN (?:SMALL|CAPITAL) LETTER ([A-Z])")
# Upper-case "I" of other scripts: Unicode's prototype is "l", but a reader sees an "I".
_CAPITAL_I = "ІӀΙⲒꓲᏆ"

STYLED: Final = 1
"""Trait: normalising it undoes a disguise by itself (𝓪, ⓐ, ᴀ)."""
INVISIBLE: Final = 2
"""Trait: a zero-width space, a soft hyphen, …"""
REGIONAL: Final = 4
"""Trait: a letter that flags are made of."""
TURNED_LETTER: Final = 8
"""Trait: a distinctive letter of upside-down text."""
IMITATES: Final = 16
"""Trait: its expansion has an alternate."""
MOVES: Final = 32
"""Trait: its expansion is not one code point, so that what follows moves."""

IS_LETTER: Final = 1
IS_UPPER: Final = 2
IS_LOWER: Final = 4
IS_EMOJI: Final = 8
MAY_BE_EMOJI: Final = 16
"""What an original code point is; the last is an emoji only before the variation selector U+FE0F."""

Piece = tuple[int, int]
"""A normalised code point and its alternate: the Latin letter it may stand for, or 0."""


class Tables(NamedTuple):
    """Look-up arrays: up to `written` by original code point, `kind` and after by normalised one."""

    length: NDArray[np.uint8]
    """Of its expansion; 0 when it is removed."""
    single: NDArray[np.int32]
    """Its expansion when that is one code point, else 0."""
    alternate: NDArray[np.int32]
    """The alternate of a single expansion, else 0."""
    offset: NDArray[np.int32]
    """Where a longer expansion starts in the pools."""
    traits: NDArray[np.uint8]
    """STYLED, INVISIBLE and so on: what makes a step of the normaliser look at it."""
    written: NDArray[np.uint8]
    """IS_LETTER, IS_UPPER, … of the original."""
    pool: NDArray[np.int32]
    alternate_pool: NDArray[np.int32]
    kind: NDArray[np.uint8]
    """OTHER, LETTER, MARK, DIGIT or SPACE."""
    script: NDArray[np.uint32]
    """LATIN with NOT_CYRILLIC / NOT_GREEK; for imitators HARD (SOFT stands in for it beside an alternate)."""
    imitator: NDArray[np.uint8]
    """1 + the index in IMITATORS, or 0."""
    flags: frozenset[int]
    """FLAG_BASE codes that are flags of a country."""

    def expand(self, code: int) -> list[Piece]:
        """What one original code point (or flag) becomes."""
        length = int(self.length[code])
        if length == 0:
            return []
        if length == 1:
            return [(int(self.single[code]), int(self.alternate[code]))]
        start = int(self.offset[code])
        pool, alternates = self.pool[start : start + length], self.alternate_pool[start : start + length]
        return list(zip(pool.tolist(), alternates.tolist(), strict=True))


def _spread(ranges: tuple[tuple[int, int], ...]) -> frozenset[int]:
    return frozenset(code for low, high in ranges for code in range(low, high + 1))


@cache
def tables() -> Tables:
    """The tables, built on first use (about a third of a second)."""
    builder = _Builder()
    length = np.ones(TABLE_SIZE, np.uint8)
    single = np.arange(TABLE_SIZE, dtype=np.int32)
    alternate = np.zeros(TABLE_SIZE, np.int32)
    offset = np.zeros(TABLE_SIZE, np.int32)
    traits = np.zeros(TABLE_SIZE, np.uint8)
    written = np.zeros(TABLE_SIZE, np.uint8)
    kind = np.zeros(TABLE_SIZE, np.uint8)
    pool: list[int] = []
    alternates: list[int] = []

    def put(code: int, pieces: list[Piece]) -> None:
        length[code] = len(pieces)
        if len(pieces) == 1:
            single[code], alternate[code] = pieces[0]
            return
        single[code] = 0
        offset[code] = len(pool)
        pool.extend(piece[0] for piece in pieces)
        alternates.extend(piece[1] for piece in pieces)

    for low, high in _SCANNED:
        for code in range(low, high + 1):
            letter = chr(code)
            category = unicodedata.category(letter)
            if category == "Cn" and code not in builder.ignorable:
                continue
            kind[code] = _KIND.get(category) or _KIND.get(category[0], OTHER)
            written[code] = _WRITTEN.get(category, 0) | builder.emoji_flag(letter)
            pieces = builder.pieces(letter, category)
            if pieces != [(code, 0)]:
                put(code, pieces)
                if category[0] in "LS" and builder.styled(letter):
                    traits[code] = STYLED
    single[0xD800:0xE000] = 0xFFFD  # half a surrogate pair: no string that holds one can be searched
    for low, high in (*_PLAIN_LETTERS, _HANGUL):
        kind[low : high + 1] = LETTER
        written[low : high + 1] = IS_LETTER
    for index in range(_HANGUL[1] - _HANGUL[0] + 1):  # syllables become jamo, as decomposed input already is
        tail = index % 28
        jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28] + ([0x11A7 + tail] if tail else [])
        put(_HANGUL[0] + index, [(code, 0) for code in jamo])
    flags = _put_flags(put)
    put(BREAK, [(SEPARATOR, 0)])
    kind[SEPARATOR] = OTHER

    script, imitator = _scripts(kind)
    for low, high in _IGNORABLE:
        traits[low : high + 1] |= INVISIBLE
    traits[REGIONAL_A : REGIONAL_A + 26] |= REGIONAL
    traits[[ord(letter) for letter in DISTINCTIVE]] |= TURNED_LETTER
    traits[alternate != 0] |= IMITATES
    traits[length != 1] |= MOVES
    return Tables(
        length, single, alternate, offset, traits, written,
        np.array(pool, np.int32), np.array(alternates, np.int32), kind, script, imitator, flags,
    )  # fmt: skip


_WRITTEN = {
    "Lu": IS_LETTER | IS_UPPER, "Lt": IS_LETTER | IS_UPPER, "Ll": IS_LETTER | IS_LOWER, "Lo": IS_LETTER, "Lm": IS_LETTER
}  # fmt: skip
_KIND = {"L": LETTER, "M": MARK, "Nd": DIGIT, "Nl": LETTER, "Z": SPACE}


def _put_flags(put: Callable[[int, list[Piece]], None]) -> frozenset[int]:
    flags = set()
    for first in range(26):
        for second in range(26):
            name = emoji.EMOJI_DATA.get(chr(REGIONAL_A + first) + chr(REGIONAL_A + second))
            if name is not None:
                code = FLAG_BASE + 26 * first + second
                flags.add(code)
                put(code, [(ord(c), 0) for c in f" {_words(name['en'])} "])
    return frozenset(flags)


def _scripts(kind: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    script = np.zeros(TABLE_SIZE, np.uint32)
    imitator = np.zeros(TABLE_SIZE, np.uint8)
    for low, high in ((0x61, 0x7A), (0xDF, 0x2AF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF)):  # fmt: skip
        script[low : high + 1] = np.where(kind[low : high + 1] == LETTER, LATIN | NOT_CYRILLIC | NOT_GREEK, 0)
    for letter in TO_CYRILLIC:
        script[ord(letter)] &= ~np.uint32(NOT_CYRILLIC)
    for letter in TO_GREEK:
        script[ord(letter)] &= ~np.uint32(NOT_GREEK)
    for index, (_, ranges) in enumerate(IMITATORS):
        for low, high in ranges:
            letters = kind[low : high + 1] == LETTER
            script[low : high + 1][letters] = HARD[index]
            imitator[low : high + 1][letters] = index + 1
    return script, imitator


class _Builder:
    """Works out expansions, code point by code point."""

    def __init__(self) -> None:
        data = Path(confusable_homoglyphs.__file__).with_name("confusables.json")
        confusables: dict[str, list[dict[str, str]]] = json.loads(data.read_text("utf-8"))
        self._look_alike = {
            source: target["c"].casefold()
            for source, targets in confusables.items()
            if len(source) == 1 and not source.isascii()
            for target in targets
            if len(target["c"]) == 1 and target["c"].isascii() and target["c"].isalpha()
        }
        self._look_alike.update(dict.fromkeys(_CAPITAL_I, "i"), ғ="f")
        self._emoji = {
            sequence[0]: data["en"]
            for sequence, data in emoji.EMOJI_DATA.items()
            if not sequence.isascii() and (len(sequence) == 1 or sequence[1:] == "\ufe0f")
        }
        self._stripped = _spread(_STRIPPED_MARKS)
        self._imitating = _spread(tuple(pair for _, ranges in IMITATORS for pair in ranges))
        self.ignorable = _spread(_IGNORABLE)

    def emoji_flag(self, letter: str) -> int:
        """IS_EMOJI, MAY_BE_EMOJI or 0. Skin tones and the letters that flags are made of are none by themselves."""
        if letter not in self._emoji or "\U0001f3fb" <= letter <= "\U0001f3ff":
            return IS_EMOJI if letter == "\u20e3" else 0  # the box around a keycap
        alone = emoji.EMOJI_DATA.get(letter)
        return (
            IS_EMOJI
            if alone is not None and alone["status"] == emoji.STATUS["fully_qualified"]
            else MAY_BE_EMOJI
        )

    def pieces(self, letter: str, category: str) -> list[Piece]:
        """The expansion of `letter`, closed: expanding it again changes nothing."""
        first = self._pieces(letter, category)
        if len(first) == 1 and first[0][0] == ord(letter):
            return first
        closed: list[Piece] = []
        for code, alternate in first:
            part = chr(code)
            again = self.pieces(part, unicodedata.category(part))
            same = len(again) == 1 and again[0][0] == code
            closed.extend([(code, alternate)] if same else again)
        return closed

    def _pieces(self, letter: str, category: str) -> list[Piece]:
        canonical = unicodedata.normalize("NFD", letter)
        if len(canonical) == 1 and canonical != letter:
            return self.pieces(canonical, unicodedata.category(canonical))
        code = ord(letter)
        if category[0] == "Z" or letter.isspace():
            return [(32, 0)]
        if category == "Cc" or code in self.ignorable or code in self._stripped:
            return []
        if letter in _PLAIN_SIGNS:
            return [(ord(_PLAIN_SIGNS[letter]), 0)]
        if code < 128:
            return [(ord(letter.lower()), 0)]
        if letter in _SQUARED_WORDS:
            return [(ord(c), 0) for c in _SQUARED_WORDS[letter]]
        if REGIONAL_A <= code < REGIONAL_A + 26:
            return [(code - REGIONAL_A + 97, 0)]
        if 0x2460 <= code <= 0x1F189 and (styled := _styled_letter(letter, category)):
            return [(ord(styled), 0)]
        if letter in self._emoji:
            return [(ord(c), 0) for c in f" {_words(self._emoji[letter])} "]
        pieces: list[Piece] = []
        for part in unicodedata.normalize("NFKD", letter):
            if ord(part) in self._stripped:  # before case folding, which makes a letter of the iota subscript
                continue
            latin = self._latin(part)
            if latin is not None:
                pieces.extend((ord(c), 0) for c in latin)
                continue
            alternate = self._look_alike.get(part) if ord(part) in self._imitating else None
            pieces.extend(
                (ord(_FOLDED.get(c, c)), ord(alternate) if alternate else 0)
                for c in unicodedata.normalize("NFKD", part.casefold())
                if ord(c) not in self._stripped and ord(c) not in self.ignorable
            )
        return [(32 if chr(c).isspace() else c, alternate) for c, alternate in pieces]

    def _latin(self, part: str) -> str | None:
        """The ASCII form of a Latin letter that NFKC leaves apart."""
        code = ord(part)
        if code < 128 or not (code < 0x250 or code < 0x2B0 or 0x1D00 <= code < 0x1F00 or 0x2C60 <= code < 0x2C80 or 0xA720 <= code < 0xAB70):  # fmt: skip
            return None
        folded = _FOLDED.get(part.casefold())
        if folded is not None:
            return folded
        name = unicodedata.name(part, "")
        if not name.startswith("LATIN "):
            return None
        variant = _LATIN_VARIANT.fullmatch(name)
        return variant.group(1).lower() if variant else self._look_alike.get(part)

    def styled(self, letter: str) -> bool:
        """Whether `letter` is an ASCII letter dressed up, as opposed to a letter of some alphabet."""
        if letter.isascii() or letter in "ℹ™":
            return False
        if unicodedata.decomposition(letter).startswith(("<font>", "<circle>", "<square>")):
            return unicodedata.normalize("NFKD", letter).isascii()
        name = unicodedata.name(letter, "")
        if 0x2460 <= ord(letter) <= 0x1F189 and _styled_letter(letter, unicodedata.category(letter)):
            return True
        return name.startswith("LATIN LETTER SMALL CAPITAL")


def _styled_letter(letter: str, category: str) -> str:
    if category != "So":
        return ""
    match = _STYLED_LETTER.fullmatch(unicodedata.name(letter, ""))
    return match.group(1).lower() if match else ""


def _words(name: str) -> str:
    """An emoji's name as words: ":thumbs_up:" is "thumbs up", ":Côte_d’Ivoire:" is "cote d ivoire"."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in folded if not unicodedata.combining(c))))
