"""Public corpora as rows: `models/sources/*.yaml` says how each is read, mapped, weighed and licensed.

A corpus speaks its own words ("offensive", "toxic", "implicit"); its YAML maps them to our heads, value by value, and
says nothing about what it does not know. The corpora themselves are not part of this repository.
"""

from __future__ import annotations

import csv
import html
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from zlib import crc32

import msgspec
from ruamel.yaml import YAML

from holdfast.errors import HoldfastError
from models.heads import GROUPS, HEADS
from models.rows import Row, Split

FOLDER = Path(__file__).parent / "sources"


class InvalidRecipe(HoldfastError):
    """A recipe's YAML or the data it names cannot be used."""

    code = "invalid-recipe"


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Mapping(_Strict, frozen=True):
    """How one column speaks.

    Either `values` maps its words to heads (or groups), or `head` takes its number: divided by the column `over`, or
    laid from the range `scale` onto 0 to 1. With `separator` a cell holds several words; `combine` says whether the
    largest counts or their mean (votes). `when` restricts the mapping to rows whose columns hold one of these values.
    """

    column: str
    values: dict[str, dict[str, float]] = {}
    separator: str | None = None
    combine: Literal["max", "mean"] = "max"
    lower: bool = False
    head: str | None = None
    over: str | None = None
    scale: tuple[float, float] | None = None
    when: dict[str, list[str]] = {}


class Filters(_Strict, frozen=True):
    """What is left out: by language, by length in characters, by a column's words."""

    language: str | None = "en"
    min_characters: int = 2
    max_characters: int = 1000
    drop_if_contains: dict[str, list[str]] = {}
    keep_if: dict[str, list[str]] = {}


class Source(_Strict, frozen=True):
    """One corpus: where its files lie, what may be done with it and what its labels mean.

    `attribution` names whom its licence or good manners ask to name.
    """

    name: str
    licence: str
    use: Literal["train", "dev", "evaluation-only", "no"]
    reason: str
    attribution: str = ""
    weight: float = 1.0
    splits: dict[Split, str] = {}
    dev_share: float = 0.0  # of the train file, where the corpus brings no dev file of its own
    text: str = "text"
    context: str | None = None
    filters: Filters = Filters()
    labels: list[Mapping] = []
    always: dict[str, float] = {}
    groups: list[Mapping] = []


def load(folder: Path = FOLDER) -> list[Source]:
    """Every corpus that has a YAML, in order of name."""
    return [_load_one(path) for path in sorted(folder.glob("*.yaml"))]


def _load_one(path: Path) -> Source:
    with path.open(encoding="utf-8") as stream:
        data = YAML(typ="safe", pure=True).load(stream)
    try:
        source = msgspec.convert(data, Source, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRecipe(
            "not a source",
            where=path.name,
            value=str(error),
            expected="the fields of models.sources.Source",
            next_step="compare it with another file of models/sources",
        ) from None
    _check_names(path.name, source.labels, source.always, HEADS, "head")
    _check_names(path.name, source.groups, {}, GROUPS, "group")
    if source.name != path.stem:
        raise InvalidRecipe(
            "its name is not its file's", where=path.name, value=source.name, expected=path.stem
        )
    return source


def _check_names(
    where: str, mappings: Iterable[Mapping], always: dict[str, float], known: tuple[str, ...], what: str
) -> None:
    named = [
        (name, value) for mapping in mappings for to in mapping.values.values() for name, value in to.items()
    ]
    named += [(mapping.head, 0.0) for mapping in mappings if mapping.head is not None]
    named += always.items()
    for name, value in named:
        if name not in known:
            raise InvalidRecipe(
                f"unknown {what}", where=where, value=name, expected=f"one of {', '.join(known)}"
            )
        if not 0.0 <= value <= 1.0:
            raise InvalidRecipe(f"{name} is no probability", where=where, value=str(value), expected="0 to 1")


_USER = re.compile(r"(?<![\w.])@\w+|<user>|\[USER\]|\[NAME\]")
_LINK = re.compile(r"https?://\S+|\bwww\.\S+|\[URL\]|<url>|@URL|(?<=\s)URL\b")
_RETWEET = re.compile(r"^\s*RT @user:?\s*")
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """Undo what collecting did to a text: entities, line-break marks, names and links by one word each (`@user`, `http`)."""
    if "&" in text:
        text = html.unescape(html.unescape(text))
    text = text.replace("[linebreak]", " ").replace("<repeat>", "").replace("[RELIGION]", "religion")
    text = (
        text.replace("<number>", "10")
        .replace("<percent>", "10%")
        .replace("<money>", "$10")
        .replace("<censored>", "***")
    )
    text = _LINK.sub("http", text)
    text = _USER.sub("@user", text)
    return _SPACE.sub(" ", _RETWEET.sub("", text)).strip()


_WORDS = re.compile(
    r"\w+|[^\w\s!-/:-@\[-`{-~…“”‘’]"
)  # emoji and other symbols count, ASCII punctuation does not


def key(text: str, context: str | None) -> str:
    """Equal for texts that differ only by case, punctuation and space: what counts as a duplicate."""
    joined = f"{context or ''}\n{text}".casefold()
    words = _WORDS.findall(joined)
    return " ".join(words) if len(words) > 2 else joined


def read(source: Source, data: Path) -> Iterator[Row]:
    """The usable rows of one corpus, in the order of its files; none unless its `use` is train or dev."""
    if source.use not in ("train", "dev"):
        return
    for split, name in source.splits.items():
        path = data / source.name / name
        if not path.is_file():
            raise InvalidRecipe(
                "a corpus is missing",
                where=source.name,
                value=name,
                expected="a CSV file in the data folder",
                next_step="give its parent with --shared, or take the corpus out of models/sources",
            )
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        with path.open(encoding="utf-8", newline="") as stream:
            for record in csv.DictReader(stream):
                row = row_of(source, record, split)
                if row is not None:
                    yield row


def row_of(source: Source, record: dict[str, str], split: Split) -> Row | None:
    """One record of a corpus as a row, or None if a filter drops it or it says nothing about any head."""
    filters = source.filters
    if filters.language is not None and record.get("lang", filters.language) != filters.language:
        return None
    if any(word in record[column] for column, words in filters.drop_if_contains.items() for word in words):
        return None
    if any(record[column] not in values for column, values in filters.keep_if.items()):
        return None
    text = clean(record[source.text])
    if not filters.min_characters <= len(text) <= filters.max_characters:
        return None
    labels = {**_apply(source.labels, record), **source.always}
    if not labels:
        return None
    groups = _apply(source.groups, record) if source.groups and _speaks(source.groups, record) else None
    context = clean(record[source.context])[: filters.max_characters] if source.context else None
    share = 1.0 if source.use == "dev" else source.dev_share
    if crc32(key(text, None).encode()) % 1000 < share * 1000:
        split = "dev"
    return Row(
        text=text,
        context=context or None,
        labels=labels,
        groups=groups,
        source=source.name,
        split=split,
        weight=source.weight,
    )


def _words(mapping: Mapping, record: dict[str, str]) -> list[str]:
    cell = record[mapping.column].strip()
    if mapping.lower:
        cell = cell.lower()
    return [word.strip(" []'\".") for word in cell.split(mapping.separator)] if mapping.separator else [cell]


def _applies(mapping: Mapping, record: dict[str, str]) -> bool:
    return all(record[column] in values for column, values in mapping.when.items())


def _speaks(mappings: list[Mapping], record: dict[str, str]) -> bool:
    """Whether any word of the columns is one that the map knows: only then are groups known, the others at 0."""
    return any(
        word in mapping.values
        for mapping in mappings
        if _applies(mapping, record)
        for word in _words(mapping, record)
    )


def _apply(mappings: list[Mapping], record: dict[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for mapping in mappings:
        if not _applies(mapping, record):
            continue
        for name, value in _values(mapping, record).items():
            found[name] = max(value, found.get(name, 0.0))
    return found


def _values(mapping: Mapping, record: dict[str, str]) -> dict[str, float]:
    if mapping.head is not None:
        try:
            number = float(record[mapping.column]) / (float(record[mapping.over]) if mapping.over else 1.0)
        except (ValueError, ZeroDivisionError):
            return {}  # an empty cell: unknown
        low, high = mapping.scale or (0.0, 1.0)
        return {mapping.head: min(1.0, max(0.0, (number - low) / (high - low)))}
    words = _words(mapping, record)
    given = [mapping.values[word] for word in words if word in mapping.values]
    names = {name for to in given for name in to}
    if mapping.combine == "mean":
        return {name: sum(to.get(name, 0.0) for to in given) / len(given) for name in names}
    return {name: max(to[name] for to in given if name in to) for name in names}


def without_duplicates(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """Rows without repeats, and how many fell: a dev text never stands in train too, and of equals the first stays."""
    rows = list(rows)
    held = {key(row.text, row.context) for row in rows if row.split == "dev"}
    # An answer without its parent is the same leak: a dev text counts whatever context it has.
    held |= {key(row.text, None) for row in rows if row.split == "dev"}
    kept: list[Row] = []
    seen: set[str] = set()
    for row in sorted(rows, key=lambda row: row.split != "dev"):
        this = key(row.text, row.context)
        if this in seen or (row.split == "train" and (this in held or key(row.text, None) in held)):
            continue
        seen.add(this)
        kept.append(row)
    return kept, len(rows) - len(kept)
