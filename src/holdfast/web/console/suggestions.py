"""Suggested scores for people to look at: what clients say of a text beside what Holdfast says of it now.

What Holdfast says is measured when a page is asked for, a few texts at a time, so that decisions that wait get
their turn between them.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple

from holdfast.content import Item
from holdfast.ledger import ItemRecord, NotFound
from holdfast.ledger.suggestions import Found, newest
from holdfast.perspective import ATTRIBUTES, score
from holdfast.schema import Value
from holdfast.web.access import LOCAL
from holdfast.web.console.catalogue import Relative
from holdfast.web.console.sources import Sources
from holdfast.web.console.views import Words, words_of
from holdfast.web.service import Service

PAGE = 20
TOGETHER = 4
"""Texts that are measured without letting others have their turn."""
MEASURE_S = 1.5
"""Seconds after which a page goes without what is not measured yet."""
PAGES = 4
"""Pages that are measured for at a time; others come without."""
LINE = 0.5
"""From here on an attribute is more likely than not."""

HEADS: Final = frozenset(head for heads in ATTRIBUTES.values() for head in heads)


class Compared(NamedTuple):
    """One attribute: what was suggested, what Holdfast says now (`None`: nothing), and whether the two are on
    different sides of `LINE`."""

    attribute: str
    suggested: float
    here: float | None
    differs: bool


class Around(NamedTuple):
    """A text that the one in question stands under or answers; `name` is in the catalogue."""

    name: str
    words: Words


class Suggestion(NamedTuple):
    """A suggestion in the list. `who` is the key's label, `None` on a server without keys; `why` names in the
    catalogue why Holdfast's scores are missing."""

    seq: int
    who: str | None
    community: str | None
    at: Relative
    words: Words
    around: tuple[Around, ...]
    compared: tuple[Compared, ...]
    differs: int
    why: str | None


class Suggestions(NamedTuple):
    """A page of the list. `before` is the place that it comes before, `older` the one after which the next starts."""

    rows: Sequence[Suggestion]
    before: int | None
    older: int | None


class Commands(NamedTuple):
    """How to send one, and how to calibrate with them."""

    curl: str
    file: str


class SuggestionSource:
    """Reads suggestions of `sources`' ledger and measures their texts."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._pages = 0

    async def listing(self, before: str | None, *, may_see: bool) -> Suggestions:
        """The page that comes before the place `before`. Raises the ledger's `NotFound` for what is none."""
        place = place_of(before)
        found, items = await asyncio.to_thread(self._read, place)
        page = found[:PAGE]
        texts = await asyncio.to_thread(self._texts, page) if may_see else {}
        measured = await self._measured([(row, item) for row, item in enumerate(items) if item is not None])
        service, words, now = self._sources.service, self._sources.words, self._sources.clock()
        rows = []
        for row, (one, item) in enumerate(zip(page, items, strict=True)):
            event, signals = one.event, measured.get(row)
            why = None
            if signals is None:
                why = "suggestions.erased" if item is None else "suggestions.busy"
            compared = compare(event.scores, signals)
            if why is None and all(pair.here is None for pair in compared):
                why = "suggestions.nothing"
            rows.append(
                Suggestion(
                    seq=one.seq,
                    who=None if event.by == LOCAL.key_id else service.access.ring.label(event.by) or event.by,
                    community=event.community,
                    at=words.relative(one.at, now),
                    words=_words(event.item.text, texts, may_see),
                    around=tuple(_around(event.item, texts, may_see)),
                    compared=compared,
                    differs=sum(pair.differs for pair in compared),
                    why=why,
                )
            )
        return Suggestions(rows, place, page[-1].seq if len(found) > PAGE else None)

    def _read(self, before: int | None) -> tuple[list[Found], list[Item | None]]:
        ledger = self._sources.ledger
        found = newest(ledger, PAGE + 1, before)
        return found, ledger.items([one.event.item for one in found[:PAGE]])

    def _texts(self, page: Sequence[Found]) -> dict[str, str]:
        return self._sources.ledger.texts([name for one in page for name in one.event.item.commitments()])

    async def _measured(self, items: Sequence[tuple[int, Item]]) -> dict[int, Mapping[str, Value]]:
        """The heads' probabilities by row, as far as there is time."""
        found: dict[int, Mapping[str, Value]] = {}
        if self._pages >= PAGES:
            return found
        engine, until = self._sources.service.decider.engine, perf_counter() + MEASURE_S
        self._pages += 1
        try:
            for start in range(0, len(items), TOGETHER):
                if perf_counter() > until:
                    break
                part = items[start : start + TOGETHER]
                texts = [item for _, item in part]
                measured = await self._sources.service.batcher.on_worker(
                    partial(engine.measure, texts, HEADS)
                )
                found.update((row, signals) for (row, _), signals in zip(part, measured.rows(), strict=True))
        finally:
            self._pages -= 1
        return found


def place_of(before: str | None) -> int | None:
    """The place in an address. Raises `NotFound` for what cannot be one."""
    if not before:
        return None
    if not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise NotFound("no suggestion has this place", where="before", value=repr(before[:40]))
    return int(before)


def compare(suggested: Mapping[str, float], signals: Mapping[str, Value] | None) -> tuple[Compared, ...]:
    """What was suggested beside what `signals` say, in the order of `ATTRIBUTES`."""
    known = [name for name in ATTRIBUTES if name in suggested]
    pairs = []
    for name in (*known, *sorted(suggested.keys() - ATTRIBUTES.keys())):
        said = suggested[name]
        here = None if signals is None or name not in ATTRIBUTES else score(name, signals)
        pairs.append(Compared(name, said, here, here is not None and (said >= LINE) != (here >= LINE)))
    return tuple(pairs)


def _around(record: ItemRecord, texts: Mapping[str, str], may_see: bool) -> list[Around]:
    return [
        Around(name, _words(commitment, texts, may_see))
        for name, commitment in (("decision.caption", record.caption), ("decision.parent", record.parent))
        if commitment is not None
    ]


def _words(commitment: str | None, texts: Mapping[str, str], may_see: bool) -> Words:
    words = words_of(commitment, texts, may_see)
    return words._replace(state="erased_suggestion") if words.state == "erased" else words


def suggestion_commands(service: Service, base: str) -> Commands:
    """The commands for this server, which is at the address `base`."""
    key = "" if service.access.is_open else " \\\n  -H 'Authorization: Bearer hf_…'"
    return Commands(
        f"curl '{base.rstrip('/')}/v1alpha1/comments:suggestscore'{key} \\\n"
        """  -H 'Content-Type: application/json' \\\n  -d '{"comment": {"text": "Hello from the other side"}, """
        """"attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}}}'""",
        f"holdfast ledger suggestions --out suggestions.csv --data {shlex.quote(str(service.data))}",
    )
