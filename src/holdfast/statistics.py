"""Intervals for the figures that Holdfast reports: none is printed without one."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """An estimate with its lower and upper bound."""

    estimate: float
    low: float
    high: float


def share_interval(hits: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for the share `hits / n`.

    It holds its coverage for small counts and shares near 0 and 1, where the textbook (Wald)
    interval does not (Brown, Cai and DasGupta 2001). With `n` = 0 nothing is known: (nan, 0, 1).
    """
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0)
    z = _z(confidence)
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # The exact bounds at the ends are 0 and 1; rounding must not move the estimate out of its interval.
    return Interval(p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)))


def paired_difference_interval(gained: int, lost: int, n: int, confidence: float = 0.95) -> Interval:
    """Interval for the change of a share measured twice on the same `n` items.

    `gained` items had the property only after, `lost` only before; the change is
    `(gained - lost) / n`. Agresti and Min (2005): Wald's interval after adding half an item to each
    of the four cells.
    """
    if n == 0:
        return Interval(float("nan"), -1.0, 1.0)
    z = _z(confidence)
    b, c, total = gained + 0.5, lost + 0.5, n + 2.0
    centre = (b - c) / total
    half = z * sqrt(max(b + c - (b - c) ** 2 / total, 0.0)) / total
    estimate = (gained - lost) / n
    return Interval(estimate, max(-1.0, min(estimate, centre - half)), min(1.0, max(estimate, centre + half)))


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
