"""The plot of live decisions: columns of a stacked bar chart, its finding, and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Literal, NamedTuple

HEIGHT = 100.0
"""Of the drawing, in its own units; its width is the number of columns."""

Trend = Literal["none", "new", "steady", "rising", "falling"]


class Column(NamedTuple):
    """One bin: where its two parts stand, in drawing units from the top."""

    x: float
    stopped_y: float
    stopped_height: float
    passed_y: float
    passed_height: float


class Plot(NamedTuple):
    """Columns oldest first; `top` is the axis' end in decisions a second; `rate` the last minute's mean.

    `stopped_share` is the share of `total` that was held or removed.
    """

    columns: tuple[Column, ...]
    top: float
    rate: float
    trend: Trend
    total: int
    stopped_share: float


def plot(bins: Sequence[tuple[int, int]], seconds: float, filled: float) -> Plot:
    """Draw `bins` of (passed, stopped) counts, oldest first, each `seconds` long.

    Of the newest bin only `filled` seconds have passed.
    """
    totals = [passed + stopped for passed, stopped in bins]
    top = _nice(max(totals, default=0) / seconds)
    scale = HEIGHT / (top * seconds)
    columns = []
    for x, (passed, stopped) in enumerate(bins):
        lower, upper = stopped * scale, passed * scale
        columns.append(Column(x + 0.12, HEIGHT - lower, lower, HEIGHT - lower - upper, upper))
    minute = max(1, round(60 / seconds))
    latest = totals[-minute:]
    before = totals[:-minute]
    rate = sum(latest) / max(1.0, (len(latest) - 1) * seconds + filled) if latest else 0.0
    usual = sum(before) / (len(before) * seconds) if before else 0.0
    everything = sum(totals)
    return Plot(
        tuple(columns),
        top,
        rate,
        _trend(everything, rate, usual),
        everything,
        sum(stopped for _, stopped in bins) / everything if everything else 0.0,
    )


def _trend(everything: int, rate: float, usual: float) -> Trend:
    if not everything:
        return "none"
    if not usual:
        return "new"
    if rate > 1.5 * usual:
        return "rising"
    if rate < usual / 1.5:
        return "falling"
    return "steady"


def _nice(largest: float) -> float:
    """The next of 1, 2, 5 times a power of ten at or above `largest`; 1 where nothing happened."""
    if largest <= 0:
        return 1.0
    power: float = 10.0 ** floor(log10(largest))
    for step in (1, 2, 5, 10):
        if largest <= step * power * (1 + 1e-9):
            return step * power
    return ceil(largest / power) * power
