"""Lower and upper case, one character for one character.

Databases map case by Unicode's simple mappings; Python's `str` methods use the full ones, which
grow some letters (`ß` to `SS`) and look at context (the final sigma). These two follow the simple
mappings, as DuckDB does, so that a rule means the same everywhere.
"""

from __future__ import annotations

from functools import cache

_DOTTED_I, _SIGMA = "\u0130", "\u03a3"


def lower(text: str) -> str:
    """`text` in lower case; as many characters as before."""
    if text.isascii():
        return text.lower()
    # Only these two letters have a lower case that is longer, or depends on what follows.
    return text.replace(_DOTTED_I, "i").replace(_SIGMA, "\u03c3").lower()


def upper(text: str) -> str:
    """`text` in upper case; as many characters as before."""
    if text.isascii():
        return text.upper()
    growing = _growing()
    if growing.keys().isdisjoint(text):
        return text.upper()
    return "".join(growing.get(character) or character.upper() for character in text)


@cache
def _growing() -> dict[str, str]:
    """Letters whose full upper case is longer, with their simple upper case."""
    letters = (chr(code) for code in range(0x80, 0xFB18) if not 0xD800 <= code <= 0xDFFF)
    growing = {letter: letter.title() for letter in letters if len(letter.upper()) > 1}
    simple = {letter: title if len(title) == 1 else letter for letter, title in growing.items()}
    simple["\u00df"] = "\u1e9e"
    return simple
