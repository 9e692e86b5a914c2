"""Gaps: how far a rate differs between slices, and how far it would by chance."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from holdfast.measure.figures import RESAMPLES, Confusion, Figure, bootstrapped

SMALL = 30
"""Rows under which a slice is flagged, and rows of the class concerned under which it takes no part in a gap."""
RATES = ("false_positive_rate", "false_negative_rate")


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The largest difference of a rate between two slices.

    The interval is that of the difference between these two (each rate drawn from its posterior with
    half a row added to each cell). They were picked for being furthest apart, so `by_chance` stands
    beside it: the difference that slices of these sizes would stay under 19 times in 20 if they all
    had the same rate. `excluded` slices have too few rows of the class concerned, or are no group
    (rows without a value).
    """

    gap: Figure
    lowest: str | None = None
    highest: str | None = None
    by_chance: float | None = None
    slices: int = 0
    excluded: tuple[str, ...] = ()

    @property
    def beyond_chance(self) -> bool:
        return self.gap.value is not None and self.by_chance is not None and self.gap.value > self.by_chance


def gap(
    rate: str,
    slices: Mapping[str, Confusion],
    rng: np.random.Generator,
    *,
    no_group: frozenset[str] = frozenset(),
    resamples: int = RESAMPLES,
) -> Gap:
    """The gap of `rate` (one of `RATES`) over `slices`; those called as in `no_group` are left out."""
    hits_and_n = {name: _hits(rate, counts) for name, counts in slices.items()}
    used = {name: pair for name, pair in hits_and_n.items() if pair[1] >= SMALL and name not in no_group}
    excluded = tuple(name for name in slices if name not in used)
    if len(used) < 2:
        kind = "negative" if rate == RATES[0] else "positive"
        why = f"fewer than two slices have {SMALL} {kind} rows"
        return Gap(gap=Figure(value=None, why=why), slices=len(used), excluded=excluded)
    rates = {name: hits / n for name, (hits, n) in used.items()}
    lowest, highest = min(rates, key=lambda name: rates[name]), max(rates, key=lambda name: rates[name])
    # Ties: without this the lowest and the highest of equal rates would be one slice.
    if lowest == highest:
        lowest, highest = list(rates)[:2]
    low, high = used[lowest], used[highest]
    draws = _posterior(high, rng, resamples) - _posterior(low, rng, resamples)
    return Gap(
        gap=bootstrapped(rates[highest] - rates[lowest], draws),
        lowest=lowest,
        highest=highest,
        by_chance=_by_chance(list(used.values()), rng, resamples),
        slices=len(used),
        excluded=excluded,
    )


def _hits(rate: str, counts: Confusion) -> tuple[int, int]:
    if rate == RATES[0]:
        return counts.false_positives, counts.negatives
    return counts.false_negatives, counts.positives


def _posterior(pair: tuple[int, int], rng: np.random.Generator, resamples: int) -> np.ndarray:
    hits, n = pair
    return rng.beta(hits + 0.5, n - hits + 0.5, resamples)


def _by_chance(pairs: list[tuple[int, int]], rng: np.random.Generator, resamples: int) -> float:
    sizes = np.array([n for _, n in pairs])
    pooled = sum(hits for hits, _ in pairs) / sizes.sum()
    rates = rng.binomial(sizes, pooled, (resamples, len(sizes))) / sizes
    return float(np.percentile(rates.max(axis=1) - rates.min(axis=1), 95))
