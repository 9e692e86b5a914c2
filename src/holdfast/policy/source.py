"""A policy's text, and places in it."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


class Region(NamedTuple):
    """A stretch of a source: offsets in code points, end exclusive."""

    start: int
    end: int

    def joined(self, other: Region) -> Region:
        """The smallest region that covers both."""
        return Region(min(self.start, other.start), max(self.end, other.end))


class Place(NamedTuple):
    """Where something stands, as editors count: from line 1, column 1."""

    line: int
    column: int


class Source:
    """The text of a policy under the name by which its readers know it."""

    def __init__(self, text: str, path: str = "policy.yaml") -> None:
        self.text = text.removeprefix("\ufeff")
        self.path = path

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]

    def place(self, offset: int) -> Place:
        """The line and column of an offset."""
        line = bisect_right(self._line_starts, offset)
        return Place(line, offset - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Line `number`, from 1, without its break."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


def printable(text: str) -> str:
    """`text` with tabs as one space and control characters made visible as U+FFFD."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\t", " "))


def width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
