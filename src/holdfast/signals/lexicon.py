"""The lexicon: terms of known meaning, found whatever disguise they wear.

All terms are looked for at once, in the collapsed text of the whole batch (Aho-Corasick); what is found is
then held to word boundaries and to the length of each run of letters, and led back to where it stands in
the original. `lexicon_reference.py` says the same text by text.

A match is evidence, not a verdict: people quote, reclaim and report these words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from holdfast.decision import Span
from holdfast.schema import Field, Type, Value
from holdfast.signals.automaton import Automaton
from holdfast.signals.codepoints import VERSION
from holdfast.signals.lexicon_reference import Match, outermost
from holdfast.signals.normalise import Normalised, Stream
from holdfast.signals.signal import Batch, Evidence
from holdfast.signals.terms import InvalidLexicon, Term, digest, load_terms, patterns

__all__ = ["InvalidLexicon", "Lexicon", "Match", "Term"]

_CODE = "2"
"""Changes when the same list and text could give other matches."""

SPANS_LIMIT: Final = 100
"""Spans that are given for one item; a text that repeats one word is counted in full, not shown in full."""

_DOCS = {
    "slur": "Slurs against a group of people, reclaimed and quoted ones among them.",
    "profanity": "Coarse words that attack nobody.",
    "insult": "Words that belittle a person.",
    "threat_phrase": "Phrases that threaten or wish harm.",
    "self_harm_phrase": "Phrases that urge to self-harm.",
    "hate_symbol": "Codes and slogans of organised hatred.",
    "spam_phrase": "Phrases of advertising, follow-for-follow and fraud.",
}


class Lexicon:
    """The signal `lexicon`: for every category of its lists, the number of matches (`lexicon.<category>`).

    Matches inside another of the same category are not counted again. Spans are labelled with the
    category and, where the list names one, the targeted group; an item has at most `SPANS_LIMIT`.
    """

    name = "lexicon"

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        self.categories = tuple(dict.fromkeys(term.category for term in self.terms))

    @classmethod
    def load(cls, paths: Iterable[Path]) -> Lexicon:
        """The lexicon of these YAML lists. Raises `InvalidLexicon`."""
        return cls(load_terms(paths))

    @classmethod
    def starter(cls) -> Lexicon:
        """The lexicon of the lists that ship with Holdfast."""
        return _starter()

    @classmethod
    def with_lists(cls, paths: Iterable[Path]) -> Lexicon:
        """The starter lists and these. Raises `InvalidLexicon`, also for a term that both hold."""
        with _starter_lists() as starter:
            return cls.load([*starter, *paths])

    @cached_property
    def version(self) -> str:
        """Changes with the lists, this code and the normaliser."""
        return f"{_CODE}.{VERSION}+{digest(self.terms)}"

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return tuple(
            Field(
                name=f"lexicon.{category}",
                type=Type.INTEGER,
                low=0,
                doc=_DOCS.get(category, f"Terms of the category {category!r}.") + " Counts matches.",
            )
            for category in self.categories
        )

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self.terms)

    def find(self, normalised: Normalised) -> dict[int, list[Match]]:
        """The matches in each text of a batch that has any, by start, then the longest first."""
        found: dict[int, set[Match]] = {}
        for stream in normalised.streams:
            for row, start, end, term in self._compiled.search(stream):
                found.setdefault(row, set()).add(Match(start, end, term))
        return {row: outermost(found[row], self.terms) for row in sorted(found)}

    def measure(self, batch: Batch) -> Evidence:
        counts: dict[str, list[Value]] = {}
        spans: dict[int, list[Span]] = {}
        for index, matches in self.find(batch.normalised).items():
            segment = batch.segments[index]
            for match in matches:
                term = self.terms[match.term]
                column = counts.setdefault(term.category, [0] * len(batch))
                column[segment.row] += 1  # type: ignore[operator]
                shown = spans.setdefault(segment.row, [])
                if len(shown) < SPANS_LIMIT:
                    shown.append(
                        Span(
                            signal=self.name,
                            start=match.start,
                            end=match.end,
                            label=term.category if term.target is None else f"{term.category}: {term.target}",
                            field=segment.field,
                        )
                    )
        zero: list[Value] = [0] * len(batch)
        columns = {f"lexicon.{category}": counts.get(category, zero) for category in self.categories}
        return Evidence(columns, spans)


@cache
def _starter() -> Lexicon:
    with _starter_lists() as paths:
        return Lexicon.load(paths)


@contextmanager
def _starter_lists() -> Iterator[list[Path]]:
    with resources.as_file(resources.files("holdfast.signals") / "lexicons") as folder:
        yield sorted(folder.glob("*.yaml"))


class _Compiled:
    """The automaton, and to which term each of its patterns belongs."""

    def __init__(self, terms: Sequence[Term]) -> None:
        looked_for = patterns(terms)
        self._term = np.array([p.term for p in looked_for], np.int64)
        self._automaton = Automaton(
            [p.text for p in looked_for],
            [p.runs for p in looked_for],
            [terms[p.term].whole_word for p in looked_for],
        )

    def search(self, stream: Stream) -> list[tuple[int, int, int, int]]:
        """Row, start, end and term of every match."""
        hits = self._automaton.search(stream)
        if hits is None:
            return []
        rows, starts, ends = stream.spans(hits.start, hits.end)
        return list(
            zip(rows.tolist(), starts.tolist(), ends.tolist(), self._term[hits.pattern].tolist(), strict=True)
        )
