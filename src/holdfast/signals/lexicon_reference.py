"""The lexicon, term by term and text by text: slow, plain, and what the fast one must equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from holdfast.signals.codepoints import DIGIT, LETTER, MARK, tables
from holdfast.signals.normalise_reference import NormalisedText, normalise_text
from holdfast.signals.terms import Pattern, Term, patterns


class Match(NamedTuple):
    """A term found in a text: code points of the original (end exclusive), and its place in the list."""

    start: int
    end: int
    term: int


def find(terms: Sequence[Term], texts: Sequence[str]) -> list[list[Match]]:
    """The matches in each text, by start, then the longest first."""
    looked_for = patterns(terms)
    return [_find(terms, looked_for, normalise_text(text)) for text in texts]


def _find(terms: Sequence[Term], looked_for: Sequence[Pattern], normal: NormalisedText) -> list[Match]:
    matches: set[Match] = set()
    for pattern in looked_for:
        for start in _occurrences(normal.collapsed, pattern.text):
            end = start + len(pattern.text)
            if terms[pattern.term].whole_word and not _stands_alone(normal, start, end):
                continue
            if all(
                same_run(pattern.text[n], pattern.runs[n], normal.runs[start + n])
                for n in range(len(pattern.text))
            ):
                matches.add(Match(min(normal.starts[start:end]), max(normal.ends[start:end]), pattern.term))
    return outermost(matches, terms)


def _occurrences(text: str, pattern: str) -> Iterator[int]:
    start = text.find(pattern)
    while start >= 0:
        yield start
        start = text.find(pattern, start + 1)


def same_run(character: str, written: int, found: int) -> bool:
    """Whether `found` equal characters in a row can stand for the `written` ones of a term.

    Drawn-out letters can ("bristooooo" is "bristo"), a doubled one cannot ("bristoo" is another word).
    """
    return character == " " or found == written or (found >= 3 and found >= written)


def _stands_alone(normal: NormalisedText, start: int, end: int) -> bool:
    """Whether no word goes on beyond either edge. Digits may follow a word ("bristo99") but not a number."""
    text = normal.collapsed
    return not (
        (start > 0 and _goes_on(text[start], text[start - 1]) and not _after_a_letter_word(normal, start))
        or (end < len(text) and _goes_on(text[end - 1], text[end]))
    )


LETTER_WORDS = "aeiouy"
"""Letters that are words by themselves in some language ("a", "I", "u", "y")."""


def _after_a_letter_word(normal: NormalisedText, start: int) -> bool:
    """Whether `start` follows such a word that was joined to a spaced-out one: "a b r i s t o"."""
    text = normal.collapsed
    return (
        text[start - 1] in LETTER_WORDS
        and (start == 1 or not _goes_on(text[start - 1], text[start - 2]))
        and normal.ends[start - 1] < normal.starts[start]
    )


def _goes_on(edge: str, beside: str) -> bool:
    kinds = tables().kind
    edge_kind, kind = kinds[ord(edge)], kinds[ord(beside)]
    if edge_kind == DIGIT:
        return bool(kind in (LETTER, MARK, DIGIT))
    return bool(edge_kind in (LETTER, MARK) and kind in (LETTER, MARK))


def outermost(matches: set[Match], terms: Sequence[Term]) -> list[Match]:
    """Without those that lie inside another of the same category: "go kill yourself" is one match, not two."""
    kept: list[Match] = []
    reach: dict[str, int] = {}
    for match in sorted(matches, key=lambda m: (m.start, -m.end, m.term)):
        category = terms[match.term].category
        if match.end > reach.get(category, -1):
            kept.append(match)
            reach[category] = match.end
    return kept
