"""What stands around a glossary match: the groups that an item concerns, and the words near a place.

All words that any condition asks for, and all that tell of a group beside its names, are looked for at once, in the
item's own texts and in its caption and parent; so are names. Only items that hold a match are looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from holdfast.content import Item
from holdfast.signals.automaton import Automaton, normal_forms
from holdfast.signals.glossary_entries import Lists
from holdfast.signals.glossary_names import Names, places_of
from holdfast.signals.normalise import normalise

CONTEXT_KEY: Final = "target.groups"
"""The entry of an item's context in which a platform names the groups of the target, comma separated."""

_WORD = re.compile(r"\w+")
_END = 1 << 30


class Place:
    """One text with the words of interest in it: where each tag stands, counted in words."""

    def __init__(self, text: str, found: Iterable[tuple[int, str]]) -> None:
        self._starts = [match.start() for match in _WORD.finditer(text)]
        self._tags: dict[str, list[tuple[int, int]]] = {}
        for start, tag in sorted(found):
            self._tags.setdefault(tag, []).append((self.word_at(start), start))

    def __contains__(self, tag: str) -> bool:
        return tag in self._tags

    def __iter__(self) -> Iterator[str]:
        return iter(self._tags)

    def word_at(self, place: int) -> int:
        """How many words begin before this code point."""
        return bisect_left(self._starts, place)

    def has_near(
        self, tags: Iterable[str], first: int, last: int, within: int, outside: Sequence[tuple[int, int]]
    ) -> bool:
        """Whether one of the tags stands within so many words of the stretch of words, and in none of the
        stretches of code points `outside` (in order, disjoint)."""
        for tag in tags:
            places = self._tags.get(tag)
            if places is None:
                continue
            for word, start in islice(places, bisect_left(places, (first - within, 0)), None):
                if word >= last + within:
                    break
                inside = bisect_right(outside, (start, _END)) - 1
                if inside < 0 or start >= outside[inside][1]:
                    return True
        return False


class Company:
    """Finds the words that conditions ask for. A tag is `group:NAME`, `set:NAME` or `word:WORD`."""

    def __init__(self, lists: Lists, names: Names, wanted: Iterable[str]) -> None:
        self._names = names
        tags: dict[str, list[str]] = {}
        for name, group in lists.groups.items():
            for word in group.words:  # names are found by their own rules
                tags.setdefault(word, []).append(f"group:{name}")
        for name, words in lists.sets.items():
            for word in words:
                tags.setdefault(word, []).append(f"set:{name}")
        for word in wanted:
            tags.setdefault(word, []).append(f"word:{word}")
        forms = list(tags)
        self._tags: list[list[str]] = []
        texts: list[str] = []
        runs: list[tuple[int, ...]] = []
        for index, text, run in normal_forms(forms):
            texts.append(text)
            runs.append(run)
            self._tags.append(tags[forms[index]])
        self._automaton = Automaton(texts, runs, [True] * len(texts)) if texts else None

    def places(self, texts: Sequence[str]) -> list[Place]:
        """Each text with what was found in it."""
        found: list[list[tuple[int, str]]] = [[] for _ in texts]
        for stream in normalise(texts).streams:
            hits = None if self._automaton is None else self._automaton.search(stream)
            if hits is not None:
                rows, starts, _ = stream.spans(hits.start, hits.end)
                for row, start, pattern in zip(
                    rows.tolist(), starts.tolist(), hits.pattern.tolist(), strict=True
                ):
                    found[row].extend((start, tag) for tag in self._tags[pattern])
            named = self._names.find(stream)
            if named:
                rows, starts, _ = stream.spans(*places_of(named))
                for row, start, naming in zip(rows.tolist(), starts.tolist(), named, strict=True):
                    found[row].extend((start, f"group:{group}") for group in naming.groups)
        return [Place(text, tags) for text, tags in zip(texts, found, strict=True)]


def groups_of(places: Iterable[Place]) -> frozenset[str]:
    """The groups that any of the texts tells of."""
    return frozenset(
        tag.removeprefix("group:") for place in places for tag in place if tag.startswith("group:")
    )


def groups_named_by_platform(item: Item) -> frozenset[str]:
    """The groups in the item's context."""
    named = item.context.get(CONTEXT_KEY)
    if not isinstance(named, str):
        return frozenset()
    return frozenset(filter(None, (name.strip().casefold() for name in named.split(","))))
