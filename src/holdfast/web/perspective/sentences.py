"""Sentences of a text, by the default rules of Unicode (UAX #29), in time linear in the text.

The libraries that there are take seconds to hours for 20 kB of closing brackets or spaces. The rules read here as one
pass over the text's classes: a terminator with what trails it is followed by a break, unless what comes next forbids it.
Python's character database tells the classes, so the version of Unicode is Python's; only what it lacks is listed below.

Source: https://www.unicode.org/reports/tr29/#Sentence_Boundary_Rules (the rules SB1 to SB998)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

LIMIT: Final = 200
"""Sentences that a text is taken apart into; the last one takes the rest."""

_PARAGRAPH, _SPACE, _LOWER, _UPPER, _LETTER, _NUMBER = "PSLUON"
_DOT, _END, _CLOSE, _CONTINUES, _IGNORED, _OTHER = "ATZCxo"


class Span(NamedTuple):
    """A place in a text, `end` exclusive."""

    start: int
    end: int


def sentences(text: str, limit: int = LIMIT) -> list[Span]:
    """Where the sentences of `text` stand, in characters, in order, without the white space around them.

    What holds only white space is no sentence. The last of `limit` sentences goes to the end of the text.
    """
    found: list[Span] = []
    start = 0
    for end in _breaks(text):
        if len(found) == limit - 1:
            break
        if span := _trimmed(text, start, end):
            found.append(span)
        start = end
    if span := _trimmed(text, start, len(text)):
        found.append(span)
    return found


def _trimmed(text: str, start: int, end: int) -> Span | None:
    part = text[start:end]
    bare = part.lstrip()
    if not bare:
        return None
    return Span(end - len(bare), start + len(part.rstrip()))


def _breaks(text: str) -> Iterator[int]:
    """Where a sentence ends and the next may begin. A break inside CR LF (SB3) parts nothing but white space."""
    classes = text.translate(_CLASSES)
    places: list[int] | None = None
    if _IGNORED in classes:
        # SB5: what extends a character goes with it. Only the others count, and `places` says where they were.
        places = [place for place, kind in enumerate(classes) if kind != _IGNORED]
        classes = classes.replace(_IGNORED, "")
    for match in _TERMINATOR.finditer(classes):
        end = match.end()
        if classes[end - 1] == _PARAGRAPH:  # SB4, SB11
            yield end if places is None else places[end - 1] + 1
        elif end < len(classes) and not _goes_on(classes, match.start(), end):  # SB11
            yield end if places is None else places[end]


_TERMINATOR: Final = re.compile(f"{_PARAGRAPH}|[{_DOT}{_END}]{_CLOSE}*+{_SPACE}*+{_PARAGRAPH}?+")  # SB9, SB10
_TO_LOWER: Final = re.compile(f"[^{_LETTER}{_UPPER}{_LOWER}{_PARAGRAPH}{_DOT}{_END}]*+{_LOWER}")


def _goes_on(classes: str, start: int, end: int) -> bool:
    """Whether the sentence goes on behind the terminator that stands from `start` to `end`."""
    following = classes[end]
    if classes[start] == _DOT:
        if end == start + 1:
            if following == _NUMBER:  # SB6: 3.4
                return True
            if following == _UPPER and start and classes[start - 1] in (_UPPER, _LOWER):  # SB7: U.S.
                return True
        # SB8: etc.) he said. Looks ahead to the next terminator at most, so the whole stays linear.
        if _TO_LOWER.match(classes, end) is not None:
            return True
    return following in (_CONTINUES, _DOT, _END)  # SB8a


def _listed(codes: str) -> frozenset[int]:
    found: set[int] = set()
    for entry in codes.split():
        first, _, last = entry.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


_DOTS: Final = _listed("2E 2024 FE52 FF0E")
_ENDS: Final = _listed(
    "21 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D5 1803 "
    "1809 1944-1945 1AA8-1AAB 1B4E-1B4F 1B5A-1B5B 1B5E-1B5F 1B7D-1B7F 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2CF9-2CFB 2E2E 2E3C 2E53-2E54 2E60-2E61 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 "
    "AA5D-AA5F AAF0-AAF1 ABEB FE12 FE15-FE16 FE56-FE57 FF01 FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 "
    "110BE-110C1 11141-11143 111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 113D4-113D5 1144B-1144C "
    "115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 "
    "11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16D6E-16D6F 16E98 1BC9F 1DA88"
)
_CONTINUING: Final = _listed(
    "2C-2D 3A-3B 37E 55D 60C-60D 7F8 1802 1808 2013-2014 3001 FE10-FE11 FE13-FE14 FE31-FE32 FE50-FE51 FE54-FE55 FE58 "
    "FE63 FF0C-FF0D FF1A-FF1B FF64"
)
_PARAGRAPHS: Final = _listed("A D 85 2028-2029")
_SPACES: Final = _listed("9 B-C 20 A0 1680 2000-200A 202F 205F 3000")
_CLOSES: Final = _listed("22 27 275B-2760 2E00-2E01 2E06-2E08 2E0B 2E62-2E63 1F676-1F678")
_NUMBERS: Final = _listed("600-605 66B-66C 6DD 890-891 8E2 110BD 110CD")
_EXTENDING: Final = _listed("FF9E-FF9F")
_LETTERS: Final = _listed("295 5F3 10D0-10FA 10FD-10FF 1C90-1CBA 1CBD-1CBF")
_BY_CATEGORY: Final = {
    **dict.fromkeys(("Mn", "Me", "Mc", "Cf"), _IGNORED),
    **dict.fromkeys(("Ps", "Pe", "Pi", "Pf"), _CLOSE),
    **dict.fromkeys(("Lo", "Lm", "Nl"), _LETTER),
    "Nd": _NUMBER,
    "Lt": _UPPER,
}
_BY_LIST: Final = (
    (_PARAGRAPHS, _PARAGRAPH),
    (_SPACES, _SPACE),
    (_DOTS, _DOT),
    (_ENDS, _END),
    (_CONTINUING, _CONTINUES),
    (_NUMBERS, _NUMBER),
    (_EXTENDING, _IGNORED),
    (_LETTERS, _LETTER),
    (_CLOSES, _CLOSE),
)


def _class_of(code: int) -> str:
    for codes, kind in _BY_LIST:
        if code in codes:
            return kind
    character = chr(code)
    category = unicodedata.category(character)
    if _BY_CATEGORY.get(category) != _IGNORED:
        if character.islower():
            return _LOWER
        if character.isupper():
            return _UPPER
    return _BY_CATEGORY.get(category, _OTHER)


class _Classes(dict[int, str]):
    """The class of each code point, found when it is first met."""

    def __missing__(self, code: int) -> str:
        kind = _class_of(code)
        if code < 0x20000:  # above stand ideographs and nothing that is met often
            self[code] = kind
        return kind


_CLASSES: Final = _Classes()
