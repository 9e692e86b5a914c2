"""Fields: the declared names that rules may read, with their type, range and meaning.

Signals, item properties, context and counters all declare fields in these terms, so that the
policy language can type a rule before it runs and the reference can be generated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec

Value: TypeAlias = bool | int | float | str | list[str] | None
"""What a field may hold for one item; `None` is SQL's NULL and means *unknown*."""


class Type(StrEnum):
    """The types of the policy language, named as SQL users say them."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    TEXT_LIST = "text list"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One declared name.

    `name` is dotted and lower-case (`lexicon.slur`, `author.age_days`). `nullable` says whether
    the value can be unknown; `low` and `high` bound numbers, inclusive.
    """

    name: str
    type: Type
    doc: str
    nullable: bool = False
    low: float | None = None
    high: float | None = None


class Schema(Mapping[str, Field]):
    """Fields by name, in declaration order. Raises `ValueError` when two share a name."""

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        self._fields: dict[str, Field] = {}
        for field in fields:
            if field.name in self._fields:
                raise ValueError(f"two fields are called {field.name!r}; rename one of them")
            self._fields[field.name] = field

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def with_fields(self, fields: Iterable[Field]) -> Schema:
        """A new schema with `fields` added after these."""
        return Schema([*self._fields.values(), *fields])
