"""Parquet: typed columns, read a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.bulk.cells import Builder
from holdfast.bulk.columns import Chosen, Use, chosen, resolve, unused
from holdfast.bulk.rows import Found, InvalidInput, Rejected, Row, rejected
from holdfast.content import Item, Surface
from holdfast.errors import InvalidItem
from holdfast.schema import Field

_BATCH = 2_000


class ParquetReader:
    """Rows of a Parquet file; only the columns that are used are read."""

    def __init__(
        self,
        path: Path,
        *,
        mapping: Chosen | None = None,
        surface: Surface = "comment",
        inputs: Sequence[Field] = (),
        check: Callable[[Item], None] | None = None,
        where: str = "input",
    ) -> None:
        self._where = where
        try:
            # Read page by page: a row group may be larger than memory should be.
            self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error, where) from None
        columns = self._file.schema_arrow.names
        uses = resolve(columns, chosen(mapping, columns), [field.name for field in inputs], where)
        self._columns = [use.column for use in uses]
        self._check_text(next(use.column for use in uses if use.property == "text"))
        self._builder = Builder(
            [Use(name, column, cell) for cell, (name, column, _) in enumerate(uses)], surface, inputs, check
        )
        self.found = Found("parquet", {use.property: use.column for use in uses}, unused(columns, uses))
        self.size: int | None = self._file.metadata.num_rows
        self.position = 0

    def rows(self, skip: int = 0) -> Iterator[Row]:
        build, row = self._builder.build, 0
        try:
            for batch in self._file.iter_batches(_BATCH, columns=self._columns, use_threads=False):
                self.position += batch.num_rows
                if self.position <= skip:
                    row = self.position
                    continue
                # By name: the file gives the columns in its own order.
                columns = [_values(batch.column(batch.schema.names.index(name))) for name in self._columns]
                for cells in zip(*columns, strict=True):
                    row += 1
                    if row <= skip:
                        continue
                    if _UNREADABLE in cells:
                        column = self._columns[cells.index(_UNREADABLE)]
                        yield Rejected(
                            row=row,
                            field=column,
                            reason="cannot be read",
                            expected="valid UTF-8, and times that exist",
                        )
                        continue
                    try:
                        yield build(cells, row)
                    except InvalidItem as error:
                        yield rejected(error, row)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(error, self._where, f"row {row + 1:,} or later") from None

    def close(self) -> None:
        self._file.close()

    def _check_text(self, column: str) -> None:
        kind = self._file.schema_arrow.field(column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not (_is_text(kind) or pa.types.is_null(kind)):
            raise InvalidInput(
                "does not hold text",
                where=f"{self._where}, column {column}",
                value=str(kind)[:80],
                expected="string",
                next_step="name the column with the text: --text-column NAME",
            )


class _Unreadable:
    """Stands where a value cannot be made into a Python object."""


_UNREADABLE = _Unreadable()


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _values(array: Any) -> list[Any]:
    """Python values; times to the microsecond, which is as fine as Python's are."""
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        array = pc.cast(array, pa.timestamp("us", array.type.tz), safe=False)
    try:
        return list(array.to_pylist())
    except (ValueError, OverflowError, pa.ArrowException):
        return [_value(scalar) for scalar in array]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError, pa.ArrowException):
        return _UNREADABLE


def _unreadable(error: Exception, where: str, value: str | None = None) -> InvalidInput:
    if isinstance(error, FileNotFoundError):
        return InvalidInput("does not exist", where=where)
    return InvalidInput(
        "is not a Parquet file that can be read",
        where=where,
        value=value,
        next_step="check that it was written to its end; for another format say --format csv, tsv or jsonl",
    )
