"""Slices: the rows that share a value, such as a target group or a functionality."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.bulk.cells import UNIT
from holdfast.bulk.report import HIDDEN
from holdfast.schema import Value

SLICE_LIMIT = 200
"""Slices of one column that are told apart; further ones are counted together as `(others)`."""
NAME_CHARACTERS = 60
OTHERS, UNKNOWN, NONE = "(others)", "(unknown)", "(none)"
NO_GROUP = frozenset({OTHERS, UNKNOWN, NONE})
"""Slices that are no group of their own."""


class Slices:
    """Which rows have which values of one column. Memory: eight bytes for every value of every row.

    `separator` parts a value into several; the row is then in each of these slices.
    """

    def __init__(self, name: str, separator: str | None = None) -> None:
        self.name = name
        self._separator = separator
        self._codes: dict[str, int] = {}
        self._rows = array("I")
        self._values = array("I")

    def add(self, row: int, value: Value) -> None:
        """Put row number `row` (from 0) into its slices."""
        for name in slices_of(value, self._separator):
            if name not in self._codes and len(self._codes) >= SLICE_LIMIT:
                name = OTHERS
            self._rows.append(row)
            self._values.append(self._codes.setdefault(name, len(self._codes)))

    def __iter__(self) -> Iterator[tuple[str, NDArray[np.uint32]]]:
        """Pairs of a slice's name and its rows: named values by size, then `NO_GROUP`."""
        values = np.frombuffer(self._values, np.uint32) if self._values else np.zeros(0, np.uint32)
        rows = np.frombuffer(self._rows, np.uint32) if self._rows else np.zeros(0, np.uint32)
        order = np.argsort(values, kind="stable")
        parts = np.split(rows[order], np.cumsum(np.bincount(values, minlength=len(self._codes)))[:-1])
        # A row may name `(others)` twice once there are too many values.
        pairs = [(name, np.unique(parts[code])) for name, code in self._codes.items()]
        pairs.sort(key=lambda pair: (pair[0] in NO_GROUP, -len(pair[1]), pair[0]))
        return iter(pairs)


def slices_of(value: Value, separator: str | None = None) -> Sequence[str]:
    """The names of the slices that a value puts its row into."""
    if value is None:
        return (UNKNOWN,)
    if isinstance(value, list):
        return _names(value, NONE)
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.endswith(UNIT):
        return _names(value.split(UNIT), NONE)
    return _names(str(value).split(separator) if separator else (str(value),), UNKNOWN)


def _names(values: Sequence[str], empty: str) -> tuple[str, ...]:
    names = (" ".join(value.split()) for value in values)
    return tuple(dict.fromkeys(_shortened(name) for name in names if name)) or (empty,)


def _shortened(name: str) -> str:
    # A terminal must not obey what stands in a file.
    name = HIDDEN.sub("\ufffd", name)
    return name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"
