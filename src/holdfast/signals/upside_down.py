"""Upside-down text, turned back: "ǝʇɐɥ" is "hate", written from the end.

A word is upside down when all its characters can be read turned round and at least one of them exists
for nothing else. Words that read either way ("no", "uo") count when they stand between such words. A run is turned
back when it holds at least two different letters of the distinctive kind, which leaves alphabets
alone that use one of them (Ewe and Akan "ɔ", Azeri "ə") and single phonetic signs.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_UPSIDE = "ɐqɔpǝɟƃɥᴉɾʞןɯuodbɹsʇnʌʍxʎz∀ƆƎℲ⅁⅂ᴚ⊥∩Λ⅄Ԁ⋊ΌɓıəlHINOSXZWM"
_UPRIGHT = "abcdefghijklmnopqrstuvwxyzACEFGLRTUVYPKQgielHINOSXZMW"
_UPSIDE_MARKS = "¡¿˙'‾„,.!?()[]{}<>-_068"
_UPRIGHT_MARKS = "!?.,_,',¡¿)(][}{><-‾098"
TURNED: Final[dict[str, str]] = dict(zip(_UPSIDE, _UPRIGHT, strict=True)) | dict(
    zip(_UPSIDE_MARKS, _UPRIGHT_MARKS, strict=True)
)
"""What each character reads as when the page is turned round."""

DISTINCTIVE: Final = frozenset("ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ∀ƆƎℲ⅁⅂ᴚ⅄")
"""Characters that are (nearly) only used to write upside down."""

_WORD = re.compile(r"\S+")


class Restored(NamedTuple):
    """A text with its upside-down runs turned back.

    `origin[i]` is the place in the original of the i-th character; `runs` counts the runs.
    """

    text: str
    origin: list[int]
    runs: int


def has_upside_down(text: str) -> bool:
    """Whether `restore` could change `text` (quick, and true too often)."""
    return not text.isascii() and not DISTINCTIVE.isdisjoint(text)


def restore(text: str) -> Restored:
    """Turn back every upside-down run of `text`. The text keeps its length. Time is linear."""
    letters = list(text)
    origin = list(range(len(text)))
    runs = 0
    start = end = -1
    seen: set[str] = set()

    def close() -> None:
        nonlocal runs
        if len(seen) >= 2:
            letters[start:end] = [TURNED.get(c, c) for c in reversed(text[start:end])]
            origin[start:end] = reversed(origin[start:end])
            runs += 1
        seen.clear()

    for match in _WORD.finditer(text):
        word = match.group()
        if not all(c in TURNED for c in word):
            close()
            continue
        distinctive = DISTINCTIVE.intersection(word)
        if distinctive:
            if not seen:
                start = match.start()
            end = match.end()
            seen |= distinctive
    close()
    return Restored("".join(letters), origin, runs)
