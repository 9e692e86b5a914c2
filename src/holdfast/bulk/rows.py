"""What a reader yields: an item for each good row, a `Rejected` for each other one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from holdfast.content import Item
from holdfast.errors import HoldfastError, InvalidItem

ROW_LIMIT = 8 * 1024 * 1024
"""Bytes of one row. The longest transcript (1,000,000 characters), escaped as JSON, fits."""


HINT = "if the file is not UTF-8, name its encoding, such as --encoding cp1252"


class InvalidInput(HoldfastError):
    """A file cannot be read as a whole: missing, empty, of another format, or without a column."""

    code = "invalid-input"


class Rejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row that was not decided, and why; never any of its content.

    `line` is the physical line on which the row starts, `last_line` the one on which it ends when
    that is another (both from 1; Parquet has none). `row` counts rows of data from 1, good and bad.
    `field` is the input's column. `reason` reads on from it and is one of few; what differs from
    row to row is in `found` and `expected`.
    """

    line: int | None = None
    last_line: int | None = None
    row: int
    field: str | None = None
    reason: str
    found: str | None = None
    expected: str | None = None
    next_step: str | None = None

    @property
    def kind(self) -> str:
        """Field and reason in one line, to count rows by."""
        return self.reason if self.field is None else f"{self.field} {self.reason}"

    def __str__(self) -> str:
        place = f"row {self.row}" if self.line is None else f"line {self.line}"
        detail = "; ".join(
            f"{name} {value}"
            for name, value in (("found", self.found), ("expected", self.expected))
            if value is not None
        )
        return f"{place}: {self.kind}" + (f" ({detail})" if detail else "")


Row: TypeAlias = Item | Rejected


class Found(NamedTuple):
    """What a reader made of its input."""

    format: str
    used: dict[str, str]
    """Item property to the column that feeds it."""
    unused: tuple[str, ...]
    """Columns that no property takes, so far as they are known before the rows are read."""


class Reader(Protocol):
    """A stream of rows. `rows` may be called once."""

    @property
    def found(self) -> Found: ...

    @property
    def size(self) -> int | None:
        """Of the whole input, in the unit of `position`; `None` when it cannot be known."""
        ...

    @property
    def position(self) -> int:
        """How much has been read."""
        ...

    def rows(self, skip: int = 0) -> Iterator[Row]:
        """Every row after the first `skip`, in order."""
        ...

    def close(self) -> None: ...


def rejected(error: InvalidItem, row: int, line: int | None = None, last_line: int | None = None) -> Rejected:
    """The record of a row that `error` refuses."""
    return Rejected(
        line=line,
        last_line=last_line if last_line != line else None,
        row=row,
        field=error.where,
        reason=error.what,
        found=error.value,
        expected=error.expected,
        next_step=error.next_step,
    )
