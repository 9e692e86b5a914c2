"""LIKE patterns, matched in time linear in the text.

`%` is any run of characters, `_` any one; the escape character, when one is declared, takes the
next of either literally. Between two `%` the leftmost place where a stretch fits is always a right
one, so no pattern makes the matcher go back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from holdfast.policy import limits
from holdfast.policy.letters import lower


class PatternError(ValueError):
    """A pattern that cannot be used; the message says why."""


class Pattern(NamedTuple):
    """A pattern as stretches between its `%`; in a stretch `None` stands for `_`."""

    stretches: tuple[tuple[str | None, ...], ...]
    any_case: bool = False

    @classmethod
    def parse(cls, pattern: str, escape: str | None, *, any_case: bool) -> Pattern:
        """The pattern that `pattern` writes. Raises `PatternError`."""
        if len(pattern) > limits.PATTERN_CHARACTERS:
            raise PatternError(f"the pattern has more than {limits.PATTERN_CHARACTERS} characters")
        stretches: list[list[str | None]] = [[]]
        characters = iter(pattern)
        for character in characters:
            if character == escape:
                literal = next(characters, None)
                if literal is None or (literal not in "%_" and literal != escape):
                    raise PatternError("the escape character stands before %, _ or itself")
                stretches[-1].append(lower(literal) if any_case else literal)
            elif character == "%":
                stretches.append([])
            elif character == "_":
                stretches[-1].append(None)
            else:
                stretches[-1].append(lower(character) if any_case else character)
        if any(None in stretch and len(stretch) > limits.WILD_STRETCH for stretch in stretches):
            raise PatternError(
                f"a stretch with _ may have at most {limits.WILD_STRETCH} characters between two %"
            )
        return cls(tuple(map(tuple, stretches)), any_case)

    def written(self, escape: str) -> tuple[str, bool]:
        """The pattern as SQL, and whether it needs `escape`."""
        needed = any(c in ("%", "_") for stretch in self.stretches for c in stretch)
        special = ("%", "_", escape) if needed else ()
        text = "%".join(
            "".join("_" if c is None else escape + c if c in special else c for c in stretch)
            for stretch in self.stretches
        )
        return text, needed

    def matcher(self) -> Callable[[str], bool]:
        """A function that says whether a text (in lower case already, for `any_case`) fits."""
        first, *middle, last = self.stretches if len(self.stretches) > 1 else (self.stretches[0], None)
        if last is None:
            return _whole(first)
        finders = [_finder(stretch) for stretch in middle if stretch]
        least = len(first) + len(last)
        if not finders and not first and not last:
            return _anything
        starts, ends = _starts(first), _ends(last)

        def matches(text: str) -> bool:
            if len(text) < least or not starts(text) or not ends(text):
                return False
            place, end = len(first), len(text) - len(last)
            for find in finders:
                place = find(text, place, end)
                if place < 0:
                    return False
            return True

        return matches


_Stretch = tuple[str | None, ...]


def _anything(text: str) -> bool:  # noqa: ARG001
    return True


def _regex(stretch: _Stretch) -> re.Pattern[str]:
    return re.compile("".join("." if c is None else re.escape(c) for c in stretch), re.DOTALL)


def _literal(stretch: _Stretch) -> str | None:
    return None if None in stretch else "".join(c for c in stretch if c is not None)


def _whole(stretch: _Stretch) -> Callable[[str], bool]:
    literal = _literal(stretch)
    if literal is not None:
        return literal.__eq__
    fits = _regex(stretch).fullmatch
    return lambda text: fits(text) is not None


def _starts(stretch: _Stretch) -> Callable[[str], bool]:
    literal = _literal(stretch)
    if literal is not None:
        return lambda text: text.startswith(literal)
    fits = _regex(stretch).match
    return lambda text: fits(text) is not None


def _ends(stretch: _Stretch) -> Callable[[str], bool]:
    literal = _literal(stretch)
    if literal is not None:
        return lambda text: text.endswith(literal)
    fits, length = _regex(stretch).match, len(stretch)
    return lambda text: fits(text, len(text) - length) is not None


def _finder(stretch: _Stretch) -> Callable[[str, int, int], int]:
    """A search for the stretch from a place on: the place after it, or -1."""
    length = len(stretch)
    literal = _literal(stretch)
    if literal is not None:

        def find(text: str, place: int, end: int) -> int:
            found = text.find(literal, place, end)
            return found if found < 0 else found + length

        return find
    search = _regex(stretch).search

    def find_wild(text: str, place: int, end: int) -> int:
        found = search(text, place, end)
        return -1 if found is None else found.end()

    return find_wild
