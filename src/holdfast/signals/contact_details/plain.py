"""Plain text: ASCII, one character a character, in which contact details are looked for."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

_SIZE: Final = 0x1E000
"""Code points beyond this are pictures and rare scripts."""
_INVISIBLE: Final = 1
_LETTER: Final = ord("x")
"""Stands for a letter that has no Latin form."""
_MONEY = frozenset("€£¥₹₽₪₺¢")
_NAMED: Final = {"ß": "s", "ẞ": "S", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "æ": "a", "œ": "o", "’": "'", "‘": "'", "ʼ": "'", "。": ".", "․": ".", "⁄": "/"}  # fmt: skip


def words(text: str) -> frozenset[str]:
    """The words of a list written as running text."""
    return frozenset(text.split())


class Found(NamedTuple):
    """A contact detail: where it lies in the plain text."""

    start: int
    end: int


class Plain(NamedTuple):
    """Texts as one plain string with a line feed after each; invisible characters are left out.

    The k-th text is `text[bounds[k]:bounds[k + 1] - 1]`; `places` gives, for each character, the code
    point of the joined original that it stands for (`None`: it is its own), `origins[k]` where the
    k-th text starts there.
    """

    text: str
    bounds: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64] | None
    origins: npt.NDArray[np.int64]

    def original(self, index: int, start: int, end: int) -> tuple[int, int]:
        """Code points of the `index`-th original text for a stretch of its plain text."""
        if self.places is None:
            return start, end
        first, origin = int(self.bounds[index]), int(self.origins[index])
        return int(self.places[first + start]) - origin, int(self.places[first + end - 1]) + 1 - origin


def plain(texts: Sequence[str]) -> Plain:
    """Digits of every script, full-width and accented letters become ASCII; other letters become "x"."""
    joined = "\n".join([*texts, ""])
    sizes = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    origins = np.concatenate([[0], np.cumsum(sizes)])
    if joined.isascii():
        return Plain(joined, origins, None, origins)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    folded = _table().take(codes, mode="clip")
    kept = np.flatnonzero(folded != _INVISIBLE)
    if len(kept) == len(folded):
        return Plain(folded.tobytes().decode("ascii"), origins, None, origins)
    bounds = np.searchsorted(kept, origins)
    return Plain(folded[kept].tobytes().decode("ascii"), bounds, kept, origins)


_lock = threading.Lock()
_tables: list[npt.NDArray[np.uint8]] = []


def _table() -> npt.NDArray[np.uint8]:
    if not _tables:
        with _lock:
            if not _tables:
                table = np.fromiter((_folded(chr(code)) for code in range(_SIZE)), np.uint8, _SIZE)
                table[-1] = ord(" ")  # `take` clips to it
                _tables.append(table)
    return _tables[0]


def _folded(char: str) -> int:
    if char < "\x80":
        return ord(char)
    if char in _NAMED:
        return ord(_NAMED[char])
    if char in _MONEY:
        return ord("$")
    digit = unicodedata.digit(char, -1)
    if digit >= 0:
        return ord("0") + digit
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me"):
        return _INVISIBLE
    if category == "Pd" or char == "−":
        return ord("-")
    form = unicodedata.normalize("NFKD", char)[0]
    if " " <= form <= "~":
        return ord(form)
    return _LETTER if category[0] in "LM" else ord(" ")
