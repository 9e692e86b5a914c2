"""What a reader sees of a comment in HTML, and where in the source each character of it stands.

Read as browsers read it (the tokenizer of the HTML standard): tags, comments, scripts and styles are not seen, character
references are, what a tag of a block parts is parted by a line break, and letters with nothing but inline tags between
them stay one word (`f<b>o</b>o`). Style sheets are not read, so what they hide is seen here, and so is the end of a script
that holds a comment with the beginning of another script.

Time is linear in the source: every construct that is not closed runs to the end, as it does in a browser.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final, NamedTuple

from holdfast.web.perspective.sentences import Span

_SPACE: Final = r"\t\n\f\r\x20"
_MARKUP: Final = re.compile(
    rf"""
      <!--(?:-?>|(?:(?!--!?>).)*+(?:--!?>|\Z))           # a comment
    | <(?P<closing>/?)(?P<tag>[A-Za-z][^{_SPACE}/>]*+)
      (?: [{_SPACE}/]++
        | [^{_SPACE}/>][^{_SPACE}/>=]*+                   # the name of an attribute
          (?: [{_SPACE}]*+ = [{_SPACE}]*+ (?: "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | [^{_SPACE}>"'][^{_SPACE}>]*+ )?+ )?+
      )*+ (?:>|\Z)
    | <(?:[!?]|/(?=[^A-Za-z]))[^>]*+(?:>|\Z)               # what browsers take for a comment
    | &(?: \#0*+(?P<decimal>[0-9]++);?+ | \#[xX]0*+(?P<hex>[0-9a-fA-F]++);?+ | \#[xX]?0++;?+ | [A-Za-z][A-Za-z0-9]{{0,31}};?+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_UNSEEN: Final = frozenset(("script", "style", "template", "iframe", "noembed", "noframes"))
"""Elements of which nothing is seen."""
_INLINE: Final = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
        "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u",
        "var", "wbr",
    )
)  # fmt: skip
"""Elements that part no word."""
_LARGEST: Final = 7
"""Digits of the largest code point."""


class Visible(NamedTuple):
    """What is seen of a source. The character at `n` stands in the source from `starts[n]` to `ends[n]`."""

    text: str
    starts: list[int]
    ends: list[int]

    def source(self, span: Span) -> Span:
        """Where a part of the text that is not empty stands in the source."""
        return Span(self.starts[span.start], self.ends[span.end - 1])


def visible(source: str) -> Visible:
    """What a reader sees of `source`."""
    seen: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def show(text: str, start: int, end: int) -> None:
        seen.append(text)
        starts.extend([start] * len(text))
        ends.extend([end] * len(text))

    place = 0
    while place < len(source):
        match = _MARKUP.search(source, place)
        until = len(source) if match is None else match.start()
        seen.append(source[place:until])
        starts.extend(range(place, until))
        ends.extend(range(place + 1, until + 1))
        if match is None:
            break
        place = match.end()
        if match[0][0] == "&":
            show(_character(match), match.start(), place)
        elif tag := (match["tag"] or "").lower():
            if tag in _UNSEEN and not match["closing"]:
                place = _after(tag, source, place)
            if tag not in _INLINE:
                show("\n", match.start(), place)
    return Visible("".join(seen), starts, ends)


def _character(match: re.Match[str]) -> str:
    for digits, prefix in ((match["decimal"], "&#"), (match["hex"], "&#x")):
        if digits is not None:
            # Python refuses to read thousands of digits.
            return unescape(f"{prefix}{digits};") if len(digits) <= _LARGEST else "\ufffd"
    return unescape(match[0])


def _after(tag: str, source: str, place: int) -> int:
    """Where what follows the element `tag` begins, whose content begins at `place`."""
    closing = re.compile(rf"</{tag}(?=[{_SPACE}/>])", re.IGNORECASE).search(source, place)
    return len(source) if closing is None else closing.start()
