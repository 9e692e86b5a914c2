"""Counters over a sliding window, kept in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.schema import Value


class Counters:
    """The state of a policy's counters."""

    def __init__(self, declarations: Sequence[Any] = ()) -> None:
        self.declarations = tuple(declarations)

    def advance(
        self, columns: Mapping[str, Sequence[Value]], times: Sequence[float]
    ) -> dict[str, Sequence[Value]]:
        """Count the items in order; the value of every counter for each of them."""
        return {}

    def snapshot(self) -> bytes:
        """The state as bytes."""
        return b""

    @classmethod
    def restore(cls, declarations: Sequence[Any], state: bytes) -> Counters:
        """The counters that `snapshot` wrote."""
        return cls(declarations)
