"""Columns of a labelled file that feed no property of an item: its label, its slices, a score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, BinaryIO, NamedTuple

from holdfast.bulk.columns import ACCOUNT_PROPERTIES, CONTEXT, NAMES, option
from holdfast.bulk.readers import Format, open_reader
from holdfast.bulk.rows import InvalidInput, Reader
from holdfast.content import Item, Surface
from holdfast.policy.policy import Policy
from holdfast.schema import Field, Type, Value

Cell = Callable[[Item], Value]
_TEXTS = ("text", "caption", "parent", "transcript")


class Opened(NamedTuple):
    """A reader, and how to get from an item to the value that each wanted column had."""

    reader: Reader
    cells: dict[str, Cell]


def open_labelled(
    path: str,
    wanted: Mapping[str, str],
    *,
    mapping: Mapping[str, str],
    policy: Policy | None = None,
    format: Format | None = None,
    encoding: str | None = None,
    surface: Surface = "comment",
    stdin: BinaryIO | None = None,
    more: Callable[[Sequence[str]], Mapping[str, str]] | None = None,
) -> Opened:
    """Open `path` as `holdfast decide` would, with the columns `wanted` (column to the option that named it)
    as well. Without a `policy` no context is checked. `more` says of a file with such columns, those of nested JSON
    among them, what else feeds what, where `mapping` does not.

    A column that an item's property takes is read from there, so that the decisions stay those of
    `decide`; others travel in the item's context. Raises `InvalidInput`, told in terms of the options.
    """
    properties = {column: _property(column, mapping) for column in wanted}
    for column, name in properties.items():
        if name in _TEXTS:
            raise InvalidInput(
                f"holds the {name} of items, not labels, values or scores",
                where=f"{wanted[column]} {column}",
                next_step="name another column",
            )
    inputs = () if policy is None else policy.inputs
    extra = {f"{CONTEXT}.{column}": column for column, name in properties.items() if name is None}
    known = {**mapping, **extra}
    try:
        reader = open_reader(
            path,
            format=format,
            encoding=encoding,
            mapping=known if more is None else lambda columns: {**more(columns), **known},
            surface=surface,
            inputs=[*inputs, *_lists(extra.values(), inputs)],
            check=policy.validate_context if policy is not None and inputs else None,
            stdin=stdin,
            unnest=more is not None,
        )
    except InvalidInput as error:
        for column, named in wanted.items():
            _tell_in_options(error, column, named)
        raise
    for column, name in properties.items():
        if name is not None and name not in reader.found.used:
            shown = ", ".join([*reader.found.used.values(), *reader.found.unused][:30])
            reader.close()
            raise InvalidInput(
                f"has no column {column!r}",
                where=path,
                value=f"the columns {shown}",
                next_step=f"name another with {wanted[column]}",
            )
    return Opened(
        reader,
        {column: _from_item(name) if name else from_context(column) for column, name in properties.items()},
    )


def split_names(given: Sequence[str]) -> tuple[str, ...]:
    """Names from options that were repeated or hold several, separated by commas."""
    names = (name.strip() for one in given for name in one.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _property(column: str, mapping: Mapping[str, str]) -> str | None:
    """The property of an item that takes `column`."""
    for name, mapped in mapping.items():
        if mapped == column:
            return name
    name = NAMES.get(column, CONTEXT)
    return None if name in mapping or name == CONTEXT else name


def _lists(columns: Iterable[str], inputs: Sequence[Field]) -> Iterator[Field]:
    """Fields that let a JSON or Parquet column hold several values, but for those that the policy types."""
    typed = {field.name for field in inputs}
    for column in columns:
        if column not in typed:
            yield Field(name=column, type=Type.TEXT_LIST, doc="A column of the evaluated file.")


def _from_item(name: str) -> Cell:
    account, _, fact = name.partition(".")
    if account not in ACCOUNT_PROPERTIES:
        get: Callable[[Any], Any] = attrgetter(name)
        return get

    def of_account(item: Item) -> Value:
        holder = getattr(item, account)
        value: Value = None if holder is None else getattr(holder, fact or "id")
        return value

    return of_account


def from_context(column: str) -> Cell:
    """Gets what a column of the context held."""
    return lambda item: item.context.get(column)


def _tell_in_options(error: InvalidInput, column: str, named: str) -> None:
    """The reader knows these columns as parts of the context; whoever gave the option does not."""
    if error.next_step is None:
        return
    told = option(f"{CONTEXT}.{column}")
    if f"{told} " not in error.next_step:
        return
    error.next_step = error.next_step.replace(f"the {CONTEXT}.{column}", "it").replace(told, named)
