"""Columns: which column of the input feeds which property of an item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple, TypeAlias

from holdfast.bulk.rows import InvalidInput

ITEM_PROPERTIES = ("id", "text", "surface", "caption", "parent", "transcript", "created_at")
ACCOUNT_PROPERTIES = {
    "author": ("id", "created_at", "followers", "verified", "followed_by_target", "trusted_by_target"),
    "target": ("id", "created_at", "followers", "verified"),
}
CONTEXT = "context"
Chosen: TypeAlias = Mapping[str, str] | Callable[[Sequence[str]], Mapping[str, str]]
"""Column by property, or what says so once it sees the columns that there are."""

_COLUMN_LIKE = re.compile(r"[\w.:/\[\] -]{1,40}")
_NAMES_SHOWN = 30


def _names() -> dict[str, str]:
    """Every column name that is understood, with the property that it feeds."""
    names = {name: name for name in (*ITEM_PROPERTIES, *ACCOUNT_PROPERTIES, CONTEXT)}
    for account, properties in ACCOUNT_PROPERTIES.items():
        for name in properties:
            # The id is also what a bare `author` holds; one property, so that two columns for it are noticed.
            target = account if name == "id" else f"{account}.{name}"
            names[f"{account}.{name}"] = target
            names[f"{account}_{name}"] = target
    return names


NAMES: Mapping[str, str] = _names()
MAPPABLE = (*ITEM_PROPERTIES, "author", "target", "author.created_at")
"""Properties for which the command line has an option that names another column."""


class Use(NamedTuple):
    """Cell number `cell` of a row, from the column called `column`, feeds `property`."""

    property: str
    column: str
    cell: int


def option(name: str) -> str:
    """The command-line option that names the column of a property."""
    return f"--{name.replace('.', '-').replace('_', '-')}-column"


def chosen(mapping: Chosen | None, columns: Sequence[str]) -> Mapping[str, str]:
    """What `mapping` says of a file with these `columns`."""
    if mapping is None:
        return {}
    return mapping(columns) if callable(mapping) else mapping


def resolve(
    columns: Sequence[str], mapping: Mapping[str, str], inputs: Iterable[str] = (), where: str = "input"
) -> list[Use]:
    """What of `columns` is used, in the order of the columns.

    `mapping` (property to column) comes before the usual names; `inputs` are the names that the
    policy declares, each of which may have a column of its own. Raises `InvalidInput` when `text`
    has no column, when a mapped column is absent or when two columns feed one property.
    """
    for wanted, column in mapping.items():
        if column not in columns:
            raise _missing(wanted, column, columns, where)
    mapped = {column: name for name, column in mapping.items()}
    declared = set(inputs)
    uses: list[Use] = []
    taken: dict[str, str] = {}
    for cell, column in enumerate(columns):
        name: str | None = mapped.get(column)
        if name is None:
            name = NAMES.get(column)
            if name is not None and name in mapping:
                continue
        if name is None and column in declared:
            name = f"{CONTEXT}.{column}"
        if name is None and column.startswith(f"{CONTEXT}.") and len(column) > len(CONTEXT) + 1:
            name = column
        if name is None:
            continue
        if name in taken:
            raise InvalidInput(
                f"two columns give an item's {name}",
                where=where,
                value=f"{taken[name]}, {column}" if taken[name] != column else f"{column}, twice",
                expected="one column a property",
                next_step=f"say which with {option(name)}, or rename one"
                if name in MAPPABLE and taken[name] != column
                else "rename one",
            )
        taken[name] = column
        uses.append(Use(name, column, cell))
    if "text" not in taken:
        raise _missing("text", "text", columns, where)
    for account in ACCOUNT_PROPERTIES:
        facts = [column for name, column in taken.items() if name.startswith(f"{account}.")]
        if facts and account not in taken:
            raise InvalidInput(
                f"says something of the {account}, but not who that is",
                where=where,
                value=f"column {facts[0]}",
                expected=f"also a column {account} with the account's id",
                next_step=f"name it with {option(account)} NAME",
            )
    return uses


def unused(columns: Sequence[str], uses: Iterable[Use]) -> tuple[str, ...]:
    taken = {use.cell for use in uses}
    return tuple(column for index, column in enumerate(columns) if index not in taken)


def shown(columns: Sequence[str]) -> str:
    """The columns' names for a message. A file without a header has content there: that is not shown."""
    if not columns:
        return "no columns"
    if not all(_COLUMN_LIKE.fullmatch(column) and column.count(" ") < 4 for column in columns if column):
        cells = "1 cell" if len(columns) == 1 else f"{len(columns)} cells"
        return f"{cells} in the first line, not all of which look like column names"
    names = ", ".join(column or "(no name)" for column in columns[:_NAMES_SHOWN])
    more = len(columns) - _NAMES_SHOWN
    return f"the columns {names}" if more <= 0 else f"the columns {names} and {more} more"


def _missing(name: str, column: str, columns: Sequence[str], where: str) -> InvalidInput:
    next_step = f"name the column that holds the {name} with {option(name)} NAME"
    close = near(column, columns)
    if close is not None:
        next_step = f"did you mean {close!r}? Then add: {option(name)} {_shell(close)}"
    elif not shown(columns).startswith("the columns"):
        next_step = "add a first line that names the columns, such as: id,text"
    return InvalidInput(f"has no column {column!r}", where=where, value=shown(columns), next_step=next_step)


_SYNONYMS = {
    "text": ("comment", "body", "content", "message", "comment_text", "tweet", "post", "review"),
    "id": ("comment_id", "item_id", "uuid"),
    "created_at": ("date", "timestamp", "time", "created"),
}


def near(name: str, columns: Sequence[str], *, close: bool = True) -> str | None:
    """The one of `columns` that somebody may have meant by `name`: another word for it, or with `close` a
    similar spelling."""
    by_folded = {column.strip().casefold(): column for column in reversed(columns)}
    for synonym in (name, *_SYNONYMS.get(name, ())):
        if synonym in by_folded:
            return by_folded[synonym]
    matches = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6) if close else []
    return by_folded[matches[0]] if matches else None


def _shell(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
