"""The signal interface: a batch of items in, evidence out.

A signal is pure: the same batch gives the same evidence, whatever the clock, the machine or the
batch's size. That is what lets one engine serve a live comment, a backtest and a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from holdfast.content import Item
from holdfast.decision import Span
from holdfast.schema import Field, Value
from holdfast.signals.normalise import Normalised, normalise


class Segment(NamedTuple):
    """A stretch of text that the item's author is answerable for."""

    row: int
    field: Literal["text", "transcript"]
    text: str


class Batch:
    """Items, and what several signals need of them, worked out once."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def segments(self) -> list[Segment]:
        """Every item's text in row order, then every transcript."""
        segments = [Segment(row, "text", item.text) for row, item in enumerate(self.items)]
        segments.extend(
            Segment(row, "transcript", item.transcript)
            for row, item in enumerate(self.items)
            if item.transcript is not None
        )
        return segments

    @cached_property
    def normalised(self) -> Normalised:
        """The segments in normal form, in the order of `segments`."""
        return normalise([segment.text for segment in self.segments])


class Evidence(NamedTuple):
    """What a signal measured.

    `columns` holds one value per item for every declared field; `spans` holds, for the rows that
    have any, where it was found.
    """

    columns: Mapping[str, Sequence[Value]]
    spans: Mapping[int, Sequence[Span]] = {}


@runtime_checkable
class Signal(Protocol):
    """Measured evidence about items: a name, declared fields, and the version that produces them.

    `version` changes whenever the same item could give other evidence (code, data or weights).
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def fields(self) -> tuple[Field, ...]: ...

    def measure(self, batch: Batch) -> Evidence: ...
