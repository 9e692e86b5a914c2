"""A score to evaluate: a numeric field of the signals, or a numeric column of the file."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from math import isfinite

from holdfast.engine import Measured
from holdfast.errors import HoldfastError
from holdfast.measure.columns import Cell
from holdfast.schema import Schema, Type, Value

COLUMN = "column:"
"""What stands before a name that is a column's, not a field's."""
_NOTHING = frozenset({"", "na", "n/a", "none", "null"})
"""How other programs write that there is no number."""
_NUMERIC = (Type.INTEGER, Type.NUMBER, Type.BOOLEAN)


class InvalidScore(HoldfastError):
    """The score is not a numeric field, or a value of it is no number."""

    code = "invalid-score"


def check_field(name: str, signals: Schema) -> None:
    """Raise `InvalidScore` unless `name` is a numeric field of the signals."""
    field = signals.get(name)
    if field is not None and field.type in _NUMERIC:
        return
    numeric = [other for other, field in signals.items() if field.type in _NUMERIC]
    close = get_close_matches(name, numeric, n=1)
    raise InvalidScore(
        "is not a field of the signals" if field is None else f"is {field.type}, not a number",
        where=f"--score {name}",
        expected=f"one of {', '.join(numeric)}",
        next_step=f"did you mean {close[0]}? For a column of the file say {COLUMN}{name}"
        if close
        else f"for a column of the file say --score {COLUMN}{name}",
    )


class Score:
    """Reads the score called `name`; `cell` gives it from an item where it is a column."""

    def __init__(self, name: str, cell: Cell | None = None) -> None:
        self.name = name
        self._cell = cell

    def column(self, measured: Measured, rows: Sequence[int]) -> list[float | None]:
        """One score an item; `None` where there is none, or it is NaN. Raises `InvalidScore` naming the row."""
        if self._cell is None:
            values: Sequence[Value] = measured.signals[self.name]
        else:
            values = [self._cell(item) for item in measured.items]
        return [self._number(value, row) for value, row in zip(values, rows, strict=True)]

    def refuse(self, where: str) -> InvalidScore:
        """The error for a file in which no labelled row has a score."""
        return InvalidScore(
            "has no score in any labelled row",
            where=where,
            value=f"{self.name} is empty or NaN in each",
            next_step="name another with --score, or leave it out to evaluate the policy alone",
        )

    def _number(self, value: Value, row: int) -> float | None:
        if value is None or (isinstance(value, str) and value.strip().casefold() in _NOTHING):
            return None
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise self._bad(row, "text") from None
        if number != number:
            return None
        if not isfinite(number):
            raise self._bad(row, "infinity")
        return number

    def _bad(self, row: int, found: str) -> InvalidScore:
        return InvalidScore(
            "is not a number",
            where=f"{self.name}, row {row}",
            value=found,
            expected="a finite number, or nothing where there is no score",
            next_step="name the column with the score: --score column:NAME",
        )
