"""What a check of the ledger finds."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """Something stored that is not what was written: in which table, where in it, and what is wrong."""

    table: str
    place: str
    what: str


class EnoughFaults(Exception):
    """The check found as many faults as it was to report."""


class Report:
    """Collects faults, up to a limit: a ledger that is wrong everywhere must not fill the memory."""

    def __init__(self, limit: int) -> None:
        self.faults: list[Fault] = []
        self._limit = limit

    def add(self, table: str, place: str, what: str) -> None:
        """Note a fault. Raises `EnoughFaults` when that was the last to be reported."""
        self.faults.append(Fault(table, place, what))
        if len(self.faults) >= self._limit:
            raise EnoughFaults
