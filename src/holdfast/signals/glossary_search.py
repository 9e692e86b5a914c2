"""Where the glossary's entries stand in a batch, before anything is weighed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

import ahocorasick_rs
import numpy as np

from holdfast.signals.automaton import Automaton, normal_forms
from holdfast.signals.glossary_entries import MANY, ONE, Form, Lists
from holdfast.signals.glossary_names import Names, Naming, places_of
from holdfast.signals.signal import Batch, Segment
from holdfast.signals.stream import Stream

MATCHES_LIMIT: Final = 50
"""Matches of one entry in one text that are weighed; a text that says it again says nothing new."""

_NUMBER = re.compile(r"\d+")
_ASIDE = re.compile(r"[$€£¥₹#@\w]$|[\d\w][.,:/×x*+-]$|\d $")
_BEYOND = re.compile(r"[%°$€£\w]|[.,:/×x*+-][\d\w]| \d| ?%")
_JOINER = "\u200d"
_VARIANT = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff]")
_ECHO = "((("
_ECHOED = re.compile(r"\(\(\(\s*([^()\n]{2,40}?)\s*\)\)\)")


class Match(NamedTuple):
    """An entry found in a text: code points of the original (end exclusive), and the groups that it names, where the
    entry stands for every group."""

    start: int
    end: int
    entry: int
    groups: tuple[str, ...] = ()


class Search:
    """What finds the entries: one automaton for words and numbers, in normal form, one for slogans with a name in
    them, where a sign has taken the name's place, and one for emoji and signs, in the original."""

    def __init__(self, lists: Lists, names: Names) -> None:
        forms = lists.forms()
        named = [form for form in forms if form.names]
        written = [form for form in forms if not form.names and any(c.isalnum() for c in form.text)]
        signs = [form for form in forms if not form.names and not any(c.isalnum() for c in form.text)]
        self._names = names
        self._forms, self._automaton = _automaton(written)
        self._slogans, self._slogan_automaton = _automaton(named)
        self._signs = signs
        self._sign_texts = [_without_variants(form.text)[0] for form in signs]
        self._sign_automaton = (
            ahocorasick_rs.AhoCorasick(self._sign_texts, store_patterns=False) if signs else None
        )
        self._echoes = any(form.text == _ECHO for form in signs)
        self._first_signs = frozenset(text[:1] for text in self._sign_texts if text != _ECHO)

    def find(self, batch: Batch) -> dict[int, list[Match]]:
        """The matches in each segment that has any, by start, then the longest first."""
        segments = batch.segments
        found: dict[int, set[Match]] = {}
        for stream in batch.normalised.streams:
            for row, match in chain(self._find_written(stream, segments), self._find_slogans(stream)):
                found.setdefault(row, set()).add(match)
        for row, segment in enumerate(segments):
            if not self._holds_sign(segment.text):
                continue
            for match in self._find_signs(segment.text):
                found.setdefault(row, set()).add(match)
        return {row: _few(found[row]) for row in sorted(found)}

    def _find_written(self, stream: Stream, segments: Sequence[Segment]) -> Iterator[tuple[int, Match]]:
        hits = None if self._automaton is None else self._automaton.search(stream)
        if hits is None:
            return
        rows, starts, ends = stream.spans(hits.start, hits.end)
        for row, start, end, pattern in zip(
            rows.tolist(), starts.tolist(), ends.tolist(), hits.pattern.tolist(), strict=True
        ):
            form = self._forms[pattern]
            if _NUMBER.fullmatch(form.text) is None or _is_bare(segments[row].text, start, end, form.text):
                yield row, Match(start, end, form.entry)

    def _find_slogans(self, stream: Stream) -> Iterator[tuple[int, Match]]:
        if self._slogan_automaton is None:
            return
        named = self._names.find(stream)
        if not named:
            return
        starts, ends = places_of(named)
        signed = stream.replaced(starts, ends, [ord(MANY if naming.people else ONE) for naming in named])
        hits = self._slogan_automaton.search(signed)
        if hits is None:
            return
        shift = np.cumsum(ends - starts - 1)
        signs = starts - np.concatenate(([0], shift[:-1]))  # where the signs stand among `signed.codes`
        firsts, lasts = np.searchsorted(signs, hits.start), np.searchsorted(signs, hits.end)
        rows, places, beyond = signed.spans(hits.start, hits.end)
        for row, start, end, pattern, close, first, last in zip(
            rows.tolist(), places.tolist(), beyond.tolist(), hits.pattern.tolist(), hits.end.tolist(), firsts.tolist(), lasts.tolist(), strict=True
        ):  # fmt: skip
            form = self._slogans[pattern]
            if form.text[-1] == MANY and signed.haystack.startswith("'s", close):
                continue  # "… the women's coats"
            # A text may hold the sign itself.
            if last - first == form.names and (groups := _in_all(named[first:last])):
                yield row, Match(start, end, form.entry, groups)

    def _holds_sign(self, text: str) -> bool:
        if self._echoes and _ECHO in text:
            return True
        return not text.isascii() and not self._first_signs.isdisjoint(text)

    def _find_signs(self, text: str) -> Iterator[Match]:
        assert self._sign_automaton is not None
        plain, origins = _without_variants(text)
        for pattern, start, end in self._sign_automaton.find_matches_as_indexes(plain, overlapping=True):
            form = self._signs[pattern]
            if self._sign_texts[pattern] == _ECHO:
                echoed = _ECHOED.match(plain, start)
                if echoed is None or plain[max(start - 1, 0) : start] == "(":
                    continue
                end = echoed.end()
            elif plain[end : end + 1] == _JOINER or plain[max(start - 1, 0) : start] == _JOINER:
                continue  # part of another sign
            yield Match(origins[start], origins[end - 1] + 1, form.entry)


def _automaton(forms: Sequence[Form]) -> tuple[list[Form], Automaton | None]:
    """What finds the forms, and the form behind each of its patterns."""
    found = normal_forms([form.text for form in forms])
    if not found:
        return [], None
    runs = [
        [0 if letter in (MANY, ONE) else run for letter, run in zip(text, runs, strict=True)]
        for _, text, runs in found
    ]
    texts = [text for _, text, _ in found]
    return [forms[index] for index, _, _ in found], Automaton(texts, runs, [True] * len(texts))


def _in_all(named: Sequence[Naming]) -> tuple[str, ...]:
    """The groups that stand in each of them."""
    return tuple(group for group in named[0].groups if all(group in other.groups for other in named))


def _without_variants(text: str) -> tuple[str, Sequence[int]]:
    """The text without selectors and skin tones, and where each of its code points stood."""
    if _VARIANT.search(text) is None:
        return text, range(len(text))
    kept = [place for place, character in enumerate(text) if _VARIANT.match(character) is None]
    return "".join([text[place] for place in kept]), kept


def _is_bare(text: str, start: int, end: int, form: str) -> bool:
    """Whether a number stands there by itself: no price, score, date, decimal, share or longer number."""
    return (
        end - start == len(form)
        and _ASIDE.search(text, max(start - 2, 0), start) is None
        and _BEYOND.match(text, end) is None
    )


def _few(matches: set[Match]) -> list[Match]:
    """In order; without those inside another of the same entry, and at most `MATCHES_LIMIT` of each entry."""
    kept: list[Match] = []
    reach: dict[tuple[int, tuple[str, ...]], int] = {}
    count: dict[int, int] = {}
    for match in sorted(matches, key=lambda m: (m.start, -m.end, m.entry, m.groups)):
        key = (match.entry, match.groups)
        if match.end > reach.get(key, -1) and count.get(match.entry, 0) < MATCHES_LIMIT:
            kept.append(match)
            reach[key] = match.end
            count[match.entry] = count.get(match.entry, 0) + 1
    return kept
