"""Leet, undone in context: "h4te" and "$tupid" hold letters in disguise; "10am", "5k", "covid19" do not.

What is undone, in words of letters and digits (letters here are ASCII ones, after look-alikes were resolved):

- digits **inside** a word: one to three of `DIGITS` between two letters ("n1ce", "b00k", "fe11ow": two ones are two
  l's), unless the word begins with a number and the letter before is its hour or minute ("1h45min", but not "w0m3n");
- digits at the **end** (at most two) or the **start** of a word in which some inside were undone ("h3ll0", "1d10t");
- one digit at the start of a word of four or more letters that is not something one counts ("5tupid", not "5years");
- signs inside a word, one at a time ("b@d", "sh!t"), except "@" in an e-mail address;
- "$" that starts a word or, doubled, ends one ("$tupid", "a$$"), except next to a digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

DIGITS: Final = {ord(a): ord(b) for a, b in zip("013457", "oieast", strict=True)}
SIGNS: Final = {ord(a): ord(b) for a, b in zip("@!$€|", "aisei", strict=True)}
COUNTED: Final = frozenset((
    "billion", "chan", "comments", "days", "dollar", "dollars", "eleven", "euro", "euros", "ever", "game",
    "games", "goal", "goals", "hour", "hours", "hundred", "inch", "inches", "kids", "left", "life", "like",
    "likes", "meter", "meters", "metre", "metres", "mile", "miles", "million", "mins", "minute", "minutes",
    "month", "months", "more", "part", "parts", "people", "percent", "persons", "players", "point",
    "points", "pound", "pounds", "real", "second", "seconds", "secs", "songs", "star", "stars", "subs",
    "team", "teams", "thousand", "times", "video", "videos", "vids", "view", "views", "ways", "week",
    "weeks", "year", "years",
))  # fmt: skip
"""Words that follow a number without a space often enough to leave the number alone."""
INSIDE_LIMIT: Final = 3
END_LIMIT: Final = 2
START_LETTERS: Final = 4
ADDRESS_LIMIT: Final = 64
"""How far an e-mail address is looked for after its "@"."""
COUNTED_LIMIT: Final = 12
"""Letters of a word that is looked up among the counted ones; none of these is longer."""
DOLLAR: Final = ord("$")
ONE: Final = ord("1")
EL: Final = ord("l")
AT: Final = ord("@")
_DOT = ord(".")


def undo(codes: Sequence[int]) -> tuple[list[int], int]:
    """The code points with leet undone, and how many runs of them were."""
    result = list(codes)
    undone = 0
    for start, end in _alphanumeric(codes):
        undone += _undo_digits(codes, start, end, result)
    for place, code in enumerate(codes):
        if code in SIGNS and is_sign(codes, place):
            result[place] = SIGNS[code]
            if not (place and codes[place - 1] == code and result[place - 1] != code):
                undone += 1
    return result, undone


def is_letter(code: int) -> bool:
    return 97 <= code <= 122


def is_digit(code: int) -> bool:
    return 48 <= code <= 57


def _alphanumeric(codes: Sequence[int]) -> list[tuple[int, int]]:
    words: list[tuple[int, int]] = []
    start = -1
    for place, code in enumerate(codes):
        inside = is_letter(code) or is_digit(code)
        if inside and start < 0:
            start = place
        elif not inside and start >= 0:
            words.append((start, place))
            start = -1
    if start >= 0:
        words.append((start, len(codes)))
    return words


def _undo_digits(codes: Sequence[int], start: int, end: int, result: list[int]) -> int:
    runs: list[tuple[int, int]] = []
    place = start
    while place < end:
        stop = place
        while stop < end and is_digit(codes[stop]):
            stop += 1
        if stop > place:
            runs.append((place, stop))
        place = max(stop, place + 1)
    inside = [run for run in runs if start < run[0] and run[1] < end and _is_inside(codes, *run, start)]
    chosen = list(inside)
    for first, last in runs:
        if not all(code in DIGITS for code in codes[first:last]) or last - first == end - start:
            continue
        if first == start:
            lone = last - first == 1 and starts_word(codes[last : last + COUNTED_LIMIT + 1])
            if lone or (inside and last - first <= END_LIMIT):
                chosen.append((first, last))
        elif last == end and inside and last - first <= END_LIMIT:
            chosen.append((first, last))
    for first, last in chosen:
        for place in range(first, last):
            beside = (*codes[max(place - 1, 0) : place], *codes[place + 1 : place + 2])
            doubled = codes[place] == ONE and ONE in beside
            result[place] = EL if doubled else DIGITS[codes[place]]
    return len(chosen)


def _is_inside(codes: Sequence[int], first: int, last: int, start: int) -> bool:
    if last - first > INSIDE_LIMIT or not all(code in DIGITS for code in codes[first:last]):
        return False
    clock = first - 2 >= start and codes[first - 1] in (104, 109) and is_digit(codes[first - 2])
    return not (clock and is_digit(codes[start]))


def starts_word(codes: Sequence[int]) -> bool:
    """Whether `codes`, which follow a digit, begin with a word that one does not count."""
    stop = 0
    while stop < len(codes) and is_letter(codes[stop]):
        stop += 1
    if stop < START_LETTERS:
        return False
    return stop > COUNTED_LIMIT or "".join(map(chr, codes[:stop])) not in COUNTED


def is_sign(codes: Sequence[int], place: int) -> bool:
    """Whether the sign at `place` stands for a letter. Looks 3 places back and `ADDRESS_LIMIT` ahead."""
    code = codes[place]
    before = codes[place - 1] if place else 0
    after = codes[place + 1] if place + 1 < len(codes) else 0
    if code == DOLLAR:
        return _is_dollar(codes, place)
    if not (is_letter(before) and is_letter(after)):
        return False
    return code != AT or not is_address(codes, place)


def _is_dollar(codes: Sequence[int], place: int) -> bool:
    """A run of one or two "$" with a letter after it, or of two with a letter before; no digit beside it."""
    first = place
    while first and codes[first - 1] == DOLLAR and place - first < 2:
        first -= 1
    last = place + 1
    while last < len(codes) and codes[last] == DOLLAR and last - place < 3:
        last += 1
    if last - first > 2:
        return False
    before = codes[first - 1] if first else 0
    after = codes[last] if last < len(codes) else 0
    if is_digit(before) or is_digit(after):
        return False
    return is_letter(after) or (last - first == 2 and is_letter(before))


def is_address(codes: Sequence[int], at: int) -> bool:
    """Whether what follows the "@" reads on as the domain of an e-mail address."""
    for place in range(at + 1, min(at + ADDRESS_LIMIT, len(codes) - 1)):
        code = codes[place]
        if code == _DOT and is_letter(codes[place + 1]):
            return True
        if not (is_letter(code) or is_digit(code) or code in (45, 95, _DOT)):
            return False
    return False
