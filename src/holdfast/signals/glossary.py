"""The glossary: coded terms, numbers, emoji and references to atrocities that are used to attack.

Most of them also mean something harmless, so a match is weighed by its company: the group that the item concerns,
other words nearby, whether anything else is said, and whether somebody only reports it. Entries raise evidence,
they decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Final

from holdfast.decision import Span
from holdfast.schema import Field, Type, Value
from holdfast.signals.codepoints import VERSION
from holdfast.signals.glossary_company import Company, Place, groups_named_by_platform, groups_of
from holdfast.signals.glossary_entries import Entry, InvalidGlossary, Lists, Needs, load_lists
from holdfast.signals.glossary_names import Names
from holdfast.signals.glossary_search import MATCHES_LIMIT, Match, Search
from holdfast.signals.identity import Identities
from holdfast.signals.signal import Batch, Evidence, Segment

__all__ = ["MATCHES_LIMIT", "SPANS_LIMIT", "Glossary", "InvalidGlossary"]

_CODE = "2"
"""Changes when the same lists and item could give other evidence."""

SPANS_LIMIT: Final = 100
"""Spans that are given for one item."""
ALONE_WORDS: Final = 2
"""Other words beside which a match still stands alone."""
REPORTED_WITHIN: Final = 12
"""Words between a match and what tells that it is only reported."""


class Glossary:
    """The signal `glossary`: terms that attack a group in code, with whom they target.

    A match counts as certain where it hardly has a second meaning or the company that it needs is there, as
    possible where that company is missing or the text seems to report, quote or teach it; in the company of its
    everyday meaning it does not count at all.
    """

    name = "glossary"
    fields = (
        Field(
            name="glossary",
            type=Type.TEXT_LIST,
            doc="Names of the entries that matched, certain or possible.",
        ),
        Field(
            name="glossary.targets",
            type=Type.TEXT_LIST,
            doc="Groups that the matched entries target.",
        ),
        Field(
            name="glossary.certain",
            type=Type.INTEGER,
            low=0,
            doc="Matches that hardly have a second meaning, or stand in the company that they need.",
        ),
        Field(
            name="glossary.possible",
            type=Type.INTEGER,
            low=0,
            doc="Matches whose context is unknown or absent, or that the text seems to report, quote or teach.",
        ),
        Field(
            name="glossary.aimed",
            type=Type.INTEGER,
            low=0,
            doc="Certain matches that speak to somebody, call for violence, or target a group that the caption, the "
            "parent or the platform's `target.groups` names.",
        ),
    )

    def __init__(self, lists: Lists) -> None:
        self.lists = lists

    @classmethod
    def load(cls, paths: Iterable[Path]) -> Glossary:
        """The glossary of these YAML lists. Raises `InvalidGlossary`."""
        return cls(load_lists(paths, Identities.shipped().groups))

    @classmethod
    def starter(cls) -> Glossary:
        """The glossary of the lists that ship with Holdfast."""
        return _starter()

    @classmethod
    def with_lists(cls, paths: Iterable[Path]) -> Glossary:
        """The starter lists and these. Raises `InvalidGlossary`."""
        with resources.as_file(_FOLDER) as folder:
            return cls.load([*sorted(folder.glob("*.yaml")), *paths])

    @cached_property
    def version(self) -> str:
        """Changes with the lists, the names of groups, this code and the normaliser."""
        return f"{_CODE}.{VERSION}+{self.lists.digest()}+{Identities.shipped().version}"

    @cached_property
    def _names(self) -> Names:
        return Names(Identities.shipped(), {name: group.people for name, group in self.lists.groups.items()})

    @cached_property
    def _search(self) -> Search:
        return Search(self.lists, self._names)

    @cached_property
    def _company(self) -> Company:
        conditions = (needs for entry in self.lists.entries for needs in entry.needs)
        words = (word for needs in conditions for word in (*needs.near, *needs.not_near))
        return Company(
            self.lists, self._names, dict.fromkeys(word for word in words if not word.startswith("@"))
        )

    def measure(self, batch: Batch) -> Evidence:
        size = len(batch)
        nothing: list[str] = []
        names: list[Value] = [nothing] * size
        targets: list[Value] = [nothing] * size
        certain: list[Value] = [0] * size
        possible: list[Value] = [0] * size
        aimed: list[Value] = [0] * size
        spans: dict[int, list[Span]] = {}
        for row, weighed in self._weigh(batch):
            entries = [self.lists.entries[match.entry] for _, match, _ in weighed]
            names[row] = list(dict.fromkeys(entry.name for entry in entries))
            groups = (_targets(entry, found[1]) for entry, found in zip(entries, weighed, strict=True))
            targets[row] = list(dict.fromkeys(group for own in groups for group in own))
            certain[row] = sum(weight > 0 for _, _, weight in weighed)
            possible[row] = sum(weight == 0 for _, _, weight in weighed)
            aimed[row] = sum(weight == 2 for _, _, weight in weighed)
            spans[row] = [
                Span(
                    signal=self.name,
                    start=match.start,
                    end=match.end,
                    label=f"glossary: {entry.name}",
                    field=segment.field,
                )
                for entry, (segment, match, _) in islice(zip(entries, weighed, strict=True), SPANS_LIMIT)
            ]
        return Evidence(
            {
                "glossary": names,
                "glossary.targets": targets,
                "glossary.certain": certain,
                "glossary.possible": possible,
                "glossary.aimed": aimed,
            },
            spans,
        )

    # Weighing -----------------------------------------------------------------------------------

    def _weigh(self, batch: Batch) -> Iterator[tuple[int, list[tuple[Segment, Match, int]]]]:
        """By item: what counts, with its weight: 0 possible, 1 certain, 2 certain and aimed."""
        found = self._search.find(batch)
        if not found:
            return
        rows = dict.fromkeys(batch.segments[index].row for index in found)
        texts = [batch.segments[index].text for index in found]
        around = [(row, text) for row in rows for text in _written_by_others(batch, row)]
        places = self._company.places([*texts, *(text for _, text in around)])
        own = dict(zip(found, places, strict=False))
        others: dict[int, list[Place]] = {row: [] for row in rows}
        for (row, _), place in zip(around, places[len(texts) :], strict=True):
            others[row].append(place)
        by_row: dict[int, list[tuple[Segment, Match, int]]] = {row: [] for row in rows}
        for index, matches in found.items():
            segment = batch.segments[index]
            row = segment.row
            scene = _Scene(
                self.lists,
                segment.text,
                matches,
                own[index],
                others[row],
                groups_of(others[row]) | groups_named_by_platform(batch.items[row]),
            )
            for match in matches:
                weight = scene.weight(match)
                if weight is not None:
                    by_row[row].append((segment, match, weight))
        yield from ((row, weighed) for row, weighed in by_row.items() if weighed)


def _written_by_others(batch: Batch, row: int) -> list[str]:
    item = batch.items[row]
    return [text for text in (item.caption, item.parent) if text]


def _targets(entry: Entry, match: Match) -> tuple[str, ...]:
    return match.groups or entry.targets


_QUOTES = "\"'“”„‟«»‘’‚"
_WORD = re.compile(r"\w+")


class _Scene:
    """One text with its matches and all that stands around them."""

    def __init__(
        self,
        lists: Lists,
        text: str,
        matches: Sequence[Match],
        own: Place,
        others: Sequence[Place],
        concerned: frozenset[str],
    ) -> None:
        self._lists = lists
        self._text = text
        self._matches = matches
        self._own = own
        self._others = others
        self._concerned = concerned
        self._covered = _merged((match.start, match.end) for match in matches)
        # Group by group: between which words an entry against it stands.
        self._against: dict[str, list[tuple[int, int, int]]] = {}
        for match in matches:
            stretch = self._stretch(match)
            for group in _targets(lists.entries[match.entry], match):
                self._against.setdefault(group, []).append((*stretch, match.entry))

    def weight(self, match: Match) -> int | None:
        """2 certain and aimed, 1 certain, 0 possible, `None` innocent."""
        entry = self._lists.entries[match.entry]
        targets = _targets(entry, match)
        first, last = self._stretch(match)
        if any(self._innocent(entry, needs, targets, first, last) for needs in entry.needs):
            return None
        asking = [needs for needs in entry.needs if needs.asks]
        if asking:
            sure = any(self._met(needs, match, targets, first, last) for needs in asking)
        else:
            sure = entry.ambiguity == "low"
        if not sure or self._reported(match, first, last):
            return 0
        return 2 if entry.addressed or not self._concerned.isdisjoint(targets) else 1

    def _stretch(self, match: Match) -> tuple[int, int]:
        first = self._own.word_at(match.start)
        return first, max(self._own.word_at(match.end), first)

    def _innocent(self, entry: Entry, needs: Needs, targets: Sequence[str], first: int, last: int) -> bool:
        if not needs.not_near:
            return False
        tags = _tags(needs.not_near, targets)
        if self._own.has_near(tags, first, last, needs.within, self._covered):
            return True
        # A caption explains a sign or a double meaning; it excuses no plain phrase. Mourning and politics above
        # excuse nothing at all: that is where such replies are written.
        if entry.ambiguity != "high" and entry.kind not in ("emoji", "number"):
            return False
        return any(tag in place for place in self._others for tag in tags if tag not in _OWN_TEXT_ONLY)

    def _met(self, needs: Needs, match: Match, targets: Sequence[str], first: int, last: int) -> bool:
        if needs.target is not None and self._concerned.isdisjoint(targets):
            if needs.target == "around":
                return False
            tags = [f"group:{group}" for group in targets]
            if not self._own.has_near(tags, first, last, _ANYWHERE, [(match.start, match.end)]):
                return False
        if needs.alone and not self._alone:
            return False
        if not needs.near:
            return True
        if "@target" in needs.near and not self._concerned.isdisjoint(targets):
            return True
        tags = _tags(needs.near, targets)
        if self._own.has_near(tags, first, last, needs.within, [(match.start, match.end)]):
            return True
        if any(tag in place for place in self._others for tag in tags):
            return True
        return "@glossary" in needs.near and self._beside_another(match, targets, first, last, needs.within)

    def _beside_another(
        self, match: Match, targets: Sequence[str], first: int, last: int, within: int
    ) -> bool:
        return any(
            other != match.entry and start < last + within and first < end + within
            for group in targets
            for start, end, other in self._against.get(group, ())
        )

    @cached_property
    def _alone(self) -> bool:
        """Whether hardly a word stands there that is no match."""
        covered = sorted((match.start, match.end) for match in self._matches)
        left, place, reach = 0, 0, -1
        for word in _WORD.finditer(self._text):
            while place < len(covered) and covered[place][0] < word.end():
                reach = max(reach, covered[place][1])
                place += 1
            left += word.start() >= reach
            if left > ALONE_WORDS:
                return False
        return True

    def _reported(self, match: Match, first: int, last: int) -> bool:
        """Whether the text seems to report, quote or teach the match rather than say it."""
        if self._own.has_near(("set:reported",), first, last, REPORTED_WITHIN, self._covered):
            return True
        before = self._text[: match.start].rstrip()[-1:] if match.start else ""
        after = self._text[match.end : match.end + 3].lstrip(" .!?,")[:1]
        return before != "" and before in _QUOTES and after != "" and after in _QUOTES and not self._alone


_ANYWHERE = 1 << 30
_OWN_TEXT_ONLY = ("set:memorial", "set:politics_talk")


def _merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _tags(words: Iterable[str], targets: Sequence[str]) -> list[str]:
    tags: list[str] = []
    for word in words:
        if word == "@target":
            tags.extend(f"group:{group}" for group in targets)
        elif word != "@glossary":
            tags.append(f"set:{word[1:]}" if word.startswith("@") else f"word:{word}")
    return tags


_FOLDER = resources.files("holdfast.signals") / "glossaries"


@cache
def _starter() -> Glossary:
    return Glossary.with_lists(())
