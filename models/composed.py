"""Own contrast pairs and templates: `models/composed/*.yaml`, and the seeded generator that fills them.

A pattern is a handful of phrasings with `[one|other]` alternatives and `{slots}`. Where a pattern is about a group, the
same phrasing is filled for many groups, and every group gets the same number of rows, so that a name carries no signal.
Patterns are held out whole for development: what is measured there is never a phrasing that was trained on.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from ruamel.yaml import YAML

import holdfast
from models.heads import GROUPS, HEADS
from models.rows import Row, Split
from models.sources import InvalidRecipe, key
from models.styles import Style, restyle

FOLDER = Path(__file__).parent / "composed"
_LEXICONS = Path(holdfast.__file__).parent / "signals" / "lexicons"
_TABLES = {"groups.yaml", "slots.yaml"}
_DEV_SHARE = 0.15
_T = TypeVar("_T")


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Phrasings that say one thing: what it is (`functionality`, `labels`), of whom, and its innocent `twins`.

    `texts` and `context` hold one phrasing a line. Heads that `labels` leaves out are 0: we wrote the text, so we know.
    A pattern's own labels add to its section's. `unknown` names the heads of which even we are not sure. `groups` is "all", or those that the pattern fits, or none.
    """

    name: str
    functionality: str
    texts: str
    context: str | None = None
    labels: dict[str, float] = {}
    unknown: list[str] = []
    groups: Literal["all"] | list[str] = []
    implied: bool = False
    twins: list[str] = []
    style: Style = "varied"
    rows_per_group: int = 10
    rows: int = 120
    weight: float = 1.0

    @property
    def covers(self) -> tuple[str, ...]:
        """The groups that it is filled for."""
        return GROUPS if self.groups == "all" else tuple(self.groups)

    @property
    def lines(self) -> list[str]:
        """Its phrasings."""
        return [line.strip() for line in self.texts.splitlines() if line.strip()]


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """All patterns with the tables that fill them."""

    patterns: list[Pattern]
    slots: dict[str, list[str]]
    groups: dict[str, dict[str, list[str]]]


def load(folder: Path = FOLDER) -> Book:
    """Read and check every YAML of the folder."""
    slots = _convert(folder / "slots.yaml", dict[str, list[str]])
    groups = _convert(folder / "groups.yaml", dict[str, dict[str, list[str]]])
    # What demeans from outside, and what a group says among itself: the lexicons hold them apart, and so do we.
    for lexicon, slot in (("slur", "slur"), ("profanity", "own_word")):
        for group, terms in _terms(lexicon).items():
            singular = [term for term in terms if not term.endswith("s")]
            groups[group] |= {slot: singular, f"{slot}s": [f"{term}s" for term in singular]}
    patterns: list[Pattern] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name in _TABLES:
            continue
        for functionality, section in _yaml(path).items():
            shared = {name: value for name, value in section.items() if name != "patterns"}
            for name, own in section["patterns"].items():
                own = own if isinstance(own, dict) else {"texts": own}
                fields = {"functionality": functionality, "name": name} | shared | own
                fields["labels"] = shared.get("labels", {}) | own.get("labels", {})
                patterns.append(_convert_value(fields, Pattern, f"{path.name}: {name}"))
    book = Book(patterns=patterns, slots=slots, groups=groups)
    _check(book)
    return book


def _yaml(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as stream:
        return YAML(typ="safe", pure=True).load(stream)  # type: ignore[no-any-return]


def _convert(path: Path, kind: type[_T]) -> _T:
    return _convert_value(_yaml(path), kind, path.name)


def _convert_value(value: object, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRecipe("not what this table holds", where=where, value=str(error)) from None


def _terms(lexicon: str) -> dict[str, list[str]]:
    """A shipped lexicon's English terms in Latin letters, by the group they are about."""
    found: dict[str, list[str]] = {}
    for entry in _yaml(_LEXICONS / f"{lexicon}.yaml")["terms"]:
        if isinstance(entry, dict) and entry.get("language", "en") == "en":
            term, target = str(entry["term"]), str(entry.get("target"))
            if term.isascii() and target in GROUPS:
                found.setdefault(target, []).append(term)
    return found


_LOOSE = re.compile(r" (?=[,!?]|\.$|'(?:m|ll|re|s|d|ve)\b)")  # what an empty alternative leaves behind
_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z0-9_]+)(?::([a-z]+))?\}")
_PROFANE = re.compile(r"\b(?:fuck\w*|shit\w*|bitch\w*|asshole\w*|tits)\b", re.IGNORECASE)
_PAIRED = {"hate_emoji": 0, "fit_caption": 1}  # two halves of one entry of a group's `pairs`


def _check(book: Book) -> None:
    for group in GROUPS:
        for pair in book.groups.get(group, {}).get("pairs", []):
            if pair.count(" ~ ") != 1:
                raise InvalidRecipe(
                    "not an emoji and a caption",
                    where=f"group {group}",
                    value=pair,
                    expected="🐴 ~ a caption",
                )
    names = [pattern.name for pattern in book.patterns]
    known = set(names) | {pattern.functionality for pattern in book.patterns}
    for pattern in book.patterns:
        where = f"pattern {pattern.name}"
        if names.count(pattern.name) > 1:
            raise InvalidRecipe("its name is taken", where=where)
        for head in (*pattern.labels, *pattern.unknown):
            if head not in HEADS:
                raise InvalidRecipe("unknown head", where=where, value=head, expected=", ".join(HEADS))
        for group in pattern.covers:
            if group not in GROUPS:
                raise InvalidRecipe("unknown group", where=where, value=group, expected=", ".join(GROUPS))
        for twin in pattern.twins:
            if twin not in known:
                raise InvalidRecipe("its twin is missing", where=where, value=twin)
        for name, of in _SLOT.findall(f"{pattern.texts}\n{pattern.context or ''}"):
            if of:
                tables: Sequence[str] = [of]
            elif name in book.slots:
                continue
            else:
                tables = pattern.covers
            field = "pairs" if name in _PAIRED else "group" if name == "group2" else name
            missing = [group for group in tables if field not in book.groups.get(group, {})]
            if missing or not tables:
                raise InvalidRecipe(
                    "a slot has nothing to fill it", where=where, value=f"{{{name}}}", expected=str(missing)
                )


def dev_patterns(patterns: Sequence[Pattern]) -> set[str]:
    """The names held out for development: about 15% of each functionality, at least one where it has three or more."""
    held: set[str] = set()
    by_functionality: dict[str, list[str]] = {}
    for pattern in patterns:
        by_functionality.setdefault(pattern.functionality, []).append(pattern.name)
    for names in by_functionality.values():
        count = max(round(len(names) * _DEV_SHARE), 1 if len(names) >= 3 else 0)
        held |= set(sorted(names, key=lambda name: _rng("held", name).random())[:count])
    return held


def generate(book: Book, seed: int = 0) -> Iterator[Row]:
    """Every row of every pattern, development first; the same seed gives the same rows in the same order."""
    held = dev_patterns(book.patterns)
    seen: set[str] = set()
    for pattern in sorted(book.patterns, key=lambda pattern: (pattern.name not in held, pattern.name)):
        yield from _rows(book, pattern, "dev" if pattern.name in held else "train", seed, seen)


def _rng(*parts: object) -> random.Random:
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - nothing secret hangs on it


def _rows(book: Book, pattern: Pattern, split: Split, seed: int, seen: set[str]) -> Iterator[Row]:
    rng = _rng(seed, "phrasings", pattern.name)
    contexts = [line.strip() for line in (pattern.context or "").splitlines() if line.strip()] or [""]
    # A phrasing in which no group's slot stands says the same whoever is meant: it is one row, of nobody by name.
    named = [line for line in pattern.lines if _names_a_group(book, line, contexts)]
    nameless = [line for line in pattern.lines if line not in named]
    written = 0
    if named and pattern.covers:
        blocks = -(-len(pattern.covers) // 8)  # eight groups share a phrasing, the next eight take others
        wanted = pattern.rows_per_group
        found = _phrasings(book, pattern, named, contexts, pattern.covers, wanted * blocks, rng, seen)
        rounds = min(wanted, len(found))
        for position in range(len(pattern.covers)):
            for turn in range(rounds):
                index = ((position // 8) * rounds + turn) % len(found)
                written += 1
                yield _row(pattern, split, found[index][position], _rng(seed, "style", pattern.name, index))
    elif pattern.covers:
        nameless = pattern.lines
    if nameless:
        wanted = min(pattern.rows, 15 * len(nameless)) if pattern.covers else pattern.rows
        found = _phrasings(book, pattern, nameless, contexts, (None,), wanted, rng, seen)
        texts: set[tuple[str, str | None]] = set()
        # Where phrasings run out, the same one is typed in another manner.
        for index in range(min(wanted, 5 * len(found))):
            row = _row(pattern, split, found[index % len(found)][0], _rng(seed, "typed", pattern.name, index))
            if (row.text, row.context) not in texts:
                texts.add((row.text, row.context))
                written += 1
                yield row
    if not written:
        raise InvalidRecipe("every phrasing of it stands elsewhere", where=f"pattern {pattern.name}")


def _names_a_group(book: Book, line: str, contexts: Sequence[str]) -> bool:
    return any(name not in book.slots for part in (line, *contexts) for name, _ in _SLOT.findall(part))


class _Filled(NamedTuple):
    text: str
    context: str | None
    about: dict[str, float] | None


def _row(pattern: Pattern, split: Split, filled: _Filled, style: random.Random) -> Row:
    labels = {head: pattern.labels.get(head, 0.0) for head in HEADS if head not in pattern.unknown}
    if _PROFANE.search(filled.text):
        labels["profanity"] = 1.0
    return Row(
        text=restyle(filled.text, pattern.style, style),
        context=filled.context,
        labels=labels,
        groups=filled.about,
        source="composed",
        split=split,
        weight=pattern.weight,
        pattern=pattern.name,
        functionality=pattern.functionality,
    )


def _phrasings(
    book: Book,
    pattern: Pattern,
    lines: Sequence[str],
    contexts: Sequence[str],
    groups: Sequence[str | None],
    wanted: int,
    rng: random.Random,
    seen: set[str],
) -> list[list[_Filled]]:
    """Up to `wanted` distinct phrasings, each filled for every group, none of whose fillings was `seen`."""
    lines = list(lines)
    rng.shuffle(lines)
    found: list[list[_Filled]] = []
    for attempt in range(wanted * 4 + 20):
        if len(found) == wanted:
            break
        skeleton = (_expand(book, lines[attempt % len(lines)], rng), _expand(book, rng.choice(contexts), rng))
        filled: list[_Filled] = []
        keys: set[str] = set()
        for group in groups:
            for _ in range(8):  # two groups can share a word (a history, a dish): draw again
                one = _fill(book, pattern, skeleton, group, rng)
                this = key(one.text, one.context)
                if this not in seen and this not in keys:
                    keys.add(this)
                    filled.append(one)
                    break
            else:
                break
        if len(filled) == len(groups):
            seen |= keys
            found.append(filled)
    return found


def _expand(book: Book, template: str, rng: random.Random) -> str:
    """Choose among alternatives and fill what is not a group's; a slot's entry may hold slots itself."""

    def entry(match: re.Match[str]) -> str:
        return _choose(rng.choice(book.slots[match[1]]), rng) if match[1] in book.slots else match[0]

    template = _choose(template, rng)
    for _ in range(4):
        template, before = _SLOT.sub(entry, template), template
        if template == before:
            break
    return _LOOSE.sub("", re.sub(r"\s+", " ", template)).strip()


def _choose(template: str, rng: random.Random) -> str:
    while "[" in template:
        template, done = _ALTERNATIVES.subn(lambda match: rng.choice(match[1].split("|")), template, count=1)
        if not done:
            raise InvalidRecipe("a bracket is not closed", where=template)
    return template


def _fill(
    book: Book, pattern: Pattern, skeleton: tuple[str, str], group: str | None, rng: random.Random
) -> _Filled:
    about: dict[str, float] | None = {}
    if pattern.covers:
        meant = group or (pattern.covers[0] if len(pattern.covers) == 1 else None)
        # Nobody is named, yet the pattern is about some group: then whom it is about is unknown, not nobody.
        about = {meant: 1.0} if meant and not pattern.implied else None
    pair = rng.choice(book.groups[group]["pairs"]).split(" ~ ") if group else []
    other = rng.choice([name for name in pattern.covers if name != group]) if len(pattern.covers) > 1 else ""

    def one(match: re.Match[str]) -> str:
        name, of = match[1], match[2] or group
        if name in _PAIRED:
            return pair[_PAIRED[name]]
        if name == "group2" and about is not None:
            about[other] = 1.0
            return rng.choice(book.groups[other]["group"])
        if match[2] and about is not None:
            about[match[2]] = 1.0
        if of is None:
            raise InvalidRecipe("a group's slot stands in a pattern without groups", where=pattern.name)
        return rng.choice(book.groups[of][name])

    text, context = (_SLOT.sub(one, part) for part in skeleton)
    return _Filled(text, context or None, about)
