"""Names of groups in a normalised stream, by the rules that make them one for the classifier (`identity.py`).

Both so agree on who is named, and a slogan is looked for once, not once for every name: a sign takes the name's place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from holdfast.signals.automaton import Automaton, Hits, normal_forms
from holdfast.signals.identity import MANY, Identities
from holdfast.signals.stream import Places, Stream

_DRAWN_OUT = 3
"""Repeats of a letter from which on nobody spells a word: the readable form still shows two."""
_END = 1 << 60


class Naming(NamedTuple):
    """Groups that a stream names at `codes[start:end]`, as people ("Jews", "old people") or otherwise ("a Jew")."""

    start: int
    end: int
    groups: tuple[str, ...]
    people: bool


class Names:
    """Finds names of groups: those of `identities`, and other names for the people of some, by group."""

    def __init__(self, identities: Identities, others: Mapping[str, Sequence[str]]) -> None:
        self._identities = identities
        forms = [
            *((term, group, True) for group, terms in others.items() for term in terms),
            *(
                (" ".join(n.words), n.group, False)
                for n in identities.names
                if n.form == MANY and not n.condition
            ),
            # Only says where to look.
            *((name.words[-1], "", False) for name in identities.names if name.group),
        ]
        self._texts: list[str] = []
        self._groups: list[tuple[str, bool]] = []
        runs = []
        for index, text, run in normal_forms([term for term, _, _ in forms]):
            self._texts.append(text)
            self._groups.append(forms[index][1:])
            runs.append(run)
        self._automaton = Automaton(self._texts, runs, [True] * len(runs)) if runs else None

    def find(self, stream: Stream) -> list[Naming]:
        """Where groups are named, in order; no two overlap."""
        hits = None if self._automaton is None else self._automaton.search(stream)
        if hits is None:
            return []
        texts = np.unique(np.searchsorted(stream.bounds, hits.start)).tolist()
        found = self._read(stream, texts)
        # "the Chinese" is a people, though "Chinese" by itself is an adjective.
        people = _joined([naming for naming in found if naming.people], self._others(stream, hits))
        return _joined(people, (naming for naming in found if not naming.people))

    def _read(self, stream: Stream, texts: Iterable[int]) -> list[Naming]:
        found = []
        for index in texts:
            text, places = stream.readable_of(index)
            for mention in self._identities.canonical(text).mentions:
                start, end = int(places[mention.start]), int(places[mention.end - 1]) + 1
                found.append(Naming(start, end, mention.groups, mention.form == MANY))
        return found

    def _others(self, stream: Stream, hits: Hits) -> list[Naming]:
        """Names that `identities` lacks, or does not know for drawn out letters."""
        found = []
        for pattern, start, end in zip(
            hits.pattern.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True
        ):
            group, own = self._groups[pattern]
            if own or (group and int(stream.runs[start:end].max()) >= _DRAWN_OUT):
                found.append(Naming(start, end, (group,), True))
        return found


def places_of(namings: Sequence[Naming]) -> tuple[Places, Places]:
    """Where they start and end."""
    starts = np.array([naming.start for naming in namings], np.int64)
    return starts, np.array([naming.end for naming in namings], np.int64)


def _joined(found: Sequence[Naming], others: Iterable[Naming]) -> list[Naming]:
    """All of `found`, and of `others` those that say more: from left to right, the longest first."""
    joined = {naming.start: naming for naming in found}
    starts = [naming.start for naming in found]
    reach = 0
    for other in sorted(others, key=lambda naming: (naming.start, -naming.end)):
        same = joined.get(other.start)
        if same is not None:
            if same.end == other.end:
                groups = tuple(dict.fromkeys((*same.groups, *other.groups)))
                joined[other.start] = same._replace(groups=groups)
            continue
        at = bisect_right(starts, other.start)
        before = max(found[at - 1].end if at else 0, reach)
        after = found[at].start if at < len(found) else _END
        if before <= other.start and other.end <= after:
            joined[other.start] = other
            reach = other.end
    return [joined[start] for start in sorted(joined)]
