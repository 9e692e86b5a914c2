"""Figures of a yes-or-no predictor, each with its 95% interval.

All are functions of four counts. Simple shares get Wilson's score interval. Figures that are no share
(F1, its mean over both classes, balanced accuracy) get a Bayesian bootstrap (Rubin 1981) of the four
counts with half a row added to each (Jeffreys' prior): 2,000 draws of all cells at once. The plain
bootstrap would call a flawless score on twenty rows certain; this does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.statistics import share_interval

RESAMPLES = 2_000
SEED = 20_231_115
LOW, HIGH = 2.5, 97.5
"""Percentiles that bound a 95% interval."""

Floats: TypeAlias = NDArray[np.float64]
Method = Literal["wilson", "bootstrap"]


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An estimate with its 95% interval, or `None` and `why` it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: Method | None = None
    why: str | None = None


class Confusion(msgspec.Struct, kw_only=True):
    """How often the predictor said yes or no, to positive and to negative rows."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0

    def add(self, predicted: bool, positive: bool) -> None:
        if predicted:
            if positive:
                self.true_positives += 1
            else:
                self.false_positives += 1
        elif positive:
            self.false_negatives += 1
        else:
            self.true_negatives += 1

    @property
    def n(self) -> int:
        return self.positives + self.negatives

    @property
    def positives(self) -> int:
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> int:
        return self.false_positives + self.true_negatives

    @property
    def predicted(self) -> int:
        return self.true_positives + self.false_positives

    def counts(self) -> tuple[int, int, int, int]:
        return self.true_positives, self.false_positives, self.false_negatives, self.true_negatives


def constant(positives: int, negatives: int, *, says: bool) -> Confusion:
    """The predictor that says the same to every row."""
    if says:
        return Confusion(true_positives=positives, false_positives=negatives)
    return Confusion(false_negatives=positives, true_negatives=negatives)


_NO_POSITIVE = "no row is positive"
_NO_NEGATIVE = "no row is negative"

# Name, numerator, denominator, and why it is undefined when the denominator is 0.
_SHARES: tuple[tuple[str, Callable[[Confusion], int], Callable[[Confusion], int], str], ...] = (
    ("prevalence", lambda c: c.positives, lambda c: c.n, "there are no rows"),
    ("predicted", lambda c: c.predicted, lambda c: c.n, "there are no rows"),
    ("accuracy", lambda c: c.true_positives + c.true_negatives, lambda c: c.n, "there are no rows"),
    ("precision", lambda c: c.true_positives, lambda c: c.predicted, "nothing was predicted positive"),
    ("recall", lambda c: c.true_positives, lambda c: c.positives, _NO_POSITIVE),
    ("specificity", lambda c: c.true_negatives, lambda c: c.negatives, _NO_NEGATIVE),
    ("false_positive_rate", lambda c: c.false_positives, lambda c: c.negatives, _NO_NEGATIVE),
    ("false_negative_rate", lambda c: c.false_negatives, lambda c: c.positives, _NO_POSITIVE),
)

FIGURES = (*(name for name, *_ in _SHARES), "balanced_accuracy", "f1", "macro_f1")
"""Names of all figures, as they stand in the results."""


def figures(
    confusion: Confusion,
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    constant: bool | None = None,
) -> dict[str, Figure]:
    """Every figure of `FIGURES`. `constant` says what a predictor says that cannot say anything else: the
    cells that it cannot fill stay empty in the bootstrap, too."""
    found = {
        name: share(numerator(confusion), denominator(confusion), why)
        for name, numerator, denominator, why in _SHARES
    }
    draws = _draws(confusion, rng, resamples, constant)
    found.update(_composites(confusion, draws))
    return found


def share(hits: int, n: int, why: str) -> Figure:
    """The share `hits / n` with Wilson's interval; undefined for `why` when `n` is 0."""
    if n == 0:
        return Figure(value=None, why=why)
    interval = share_interval(hits, n)
    return Figure(value=interval.estimate, low=interval.low, high=interval.high, method="wilson")


def bootstrapped(value: float, draws: Floats) -> Figure:
    """The figure `value` with the percentiles of `draws`, widened where they do not hold the value itself."""
    draws = draws[~np.isnan(draws)]
    if draws.size == 0:
        return Figure(value=value, low=value, high=value, method="bootstrap")
    low, high = np.percentile(draws, (LOW, HIGH))
    return Figure(value=value, low=min(float(low), value), high=max(float(high), value), method="bootstrap")


def _draws(confusion: Confusion, rng: np.random.Generator, resamples: int, constant: bool | None) -> Floats:
    """Weights of the four cells, shape (4, resamples)."""
    shapes = np.asarray(confusion.counts(), float)[:, None] + 0.5
    if constant is not None:
        shapes[(2, 3) if constant else (0, 1), :] = 0.0
    return rng.standard_gamma(np.broadcast_to(shapes, (4, resamples)))


def _composites(confusion: Confusion, draws: Floats) -> Iterator[tuple[str, Figure]]:
    one_class = _NO_POSITIVE if not confusion.positives else _NO_NEGATIVE if not confusion.negatives else None
    observed = np.asarray(confusion.counts(), float)
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, function, needs_both in (
            ("balanced_accuracy", _balanced_accuracy, True),
            ("f1", _f1, False),
            ("macro_f1", _macro_f1, True),
        ):
            value = float(function(*observed))
            if needs_both and one_class is not None:
                yield name, Figure(value=None, why=one_class)
            elif value != value:
                yield name, Figure(value=None, why="no row is positive, and none was predicted so")
            else:
                yield name, bootstrapped(value, function(*draws))


# Of counts or of weights, one or arrays of them.


def _balanced_accuracy(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


def _f1(tp: Any, fp: Any, fn: Any, _: Any) -> Any:
    return 2 * tp / (2 * tp + fp + fn)


def _macro_f1(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    return (_f1(tp, fp, fn, tn) + _f1(tn, fn, fp, tp)) / 2
