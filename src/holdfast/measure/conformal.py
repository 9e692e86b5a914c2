"""Conformal cut-offs: what holds for a new row whatever the probabilities are worth, from n labelled ones.

Where the rows of a class and the next row of that class could have come in any order, the next one scores below the
k-th lowest of n with a chance of at most k / (n + 1). Class by class that is Mondrian conformal prediction (Vovk,
Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005); as a bound on misses or on false positives it
is conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster 2022).

The chance is over the rows drawn, too: given these rows, what is really covered is spread as Beta(n + 1 - k, k), of
which `covered` gives the middle 95 %.
"""

from __future__ import annotations

from math import ceil, floor
from typing import NamedTuple

import msgspec
import numpy as np

from holdfast.measure.figures import HIGH, LOW, Figure, Floats, share
from holdfast.measure.refit import Truths

STEP = 0.0001
"""Between neighbouring probabilities, as the classifier gives them."""
_DRAWS = 20_000


class Bound(NamedTuple):
    """A cut-off on one side of a class: `passed` of `n` rows lie beyond it. None: no cut-off keeps the promise with so
    few rows."""

    cut: float | None
    passed: int
    n: int


def floor_of(scores: Floats, miss: float) -> Bound:
    """The highest cut-off that the next row of these misses with a chance of at most `miss` (scores below)."""
    k = min(scores.size, floor(round(miss * (scores.size + 1), 9)))
    return Bound(float(np.sort(scores)[k - 1]) if k else None, k, scores.size)


def ceiling_of(scores: Floats, passing: float) -> Bound:
    """The lowest score that the next row of these tops with a chance of at most `passing`."""
    k = min(scores.size, floor(round(passing * (scores.size + 1), 9)))
    return Bound(float(np.sort(scores)[scores.size - k]) if k else None, k, scores.size)


def needed(miss: float) -> int:
    """Rows from which on a cut-off can keep the promise."""
    return ceil(round(1 / miss, 9)) - 1


def covered(bound: Bound, rng: np.random.Generator) -> tuple[float, float]:
    """Between which shares the coverage of what is to come lies, given these rows, 19 times in 20."""
    if bound.cut is None:
        return 1.0, 1.0
    draws = rng.beta(bound.n + 1 - bound.passed, bound.passed, _DRAWS)
    low, high = np.percentile(draws, (LOW, HIGH))
    return float(low), float(high)


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """Conformal sets at a promised `coverage` of either class.

    Positive is plausible from `positive_from` on, negative up to `negative_up_to`. Where both are, a person has to
    say; where neither is, the row is like none of the sample. `positive_covered` and `negative_covered` are the ranges
    of what is covered given these rows; `checked_…` what was covered of the rows that were fitted to.
    """

    coverage: float
    positive_from: float
    negative_up_to: float
    positives: int
    negatives: int
    positive_covered: tuple[float, float]
    negative_covered: tuple[float, float]
    checked_positive: Figure
    checked_negative: Figure
    sure: Figure
    unsure: Figure


def bands(
    scores: Floats,
    positive: Truths,
    others: Floats,
    others_positive: Truths,
    coverage: float,
    prevalence: float | None,
    rng: np.random.Generator,
) -> Bands:
    """The sets from `scores` and labels of rows that nothing was fitted to, looked at on the `others`."""
    lowest = floor_of(scores[positive], 1 - coverage)
    highest = ceiling_of(scores[~positive], 1 - coverage)
    start = 0.0 if lowest.cut is None else lowest.cut
    end = 1.0 if highest.cut is None else highest.cut
    can_be_positive, can_be_negative = others >= start, others <= end
    why = "no row of the class"
    return Bands(
        coverage=coverage,
        positive_from=start,
        negative_up_to=end,
        positives=lowest.n,
        negatives=highest.n,
        positive_covered=covered(lowest, rng),
        negative_covered=covered(highest, rng),
        checked_positive=share(int(can_be_positive[others_positive].sum()), int(others_positive.sum()), why),
        checked_negative=share(
            int(can_be_negative[~others_positive].sum()), int((~others_positive).sum()), why
        ),
        sure=mixed(can_be_positive != can_be_negative, others_positive, prevalence, rng),
        unsure=mixed(can_be_positive & can_be_negative, others_positive, prevalence, rng),
    )


def mixed(hit: Truths, positive: Truths, prevalence: float | None, rng: np.random.Generator) -> Figure:
    """The share of all rows that are `hit`, where `prevalence` of them are positive (None: as many as here)."""
    if prevalence is None:
        return share(int(hit.sum()), hit.size, "there are no rows")
    hits = np.array([hit[positive].sum(), hit[~positive].sum()], float)
    sizes = np.array([positive.sum(), (~positive).sum()], float)
    weight = np.array([prevalence, 1 - prevalence])
    value = float(weight @ (hits / sizes))
    # Jeffreys' prior, as for the other figures.
    draws = weight @ rng.beta((hits + 0.5)[:, None], (sizes - hits + 0.5)[:, None], (2, _DRAWS))
    low, high = np.percentile(draws, (LOW, HIGH))
    return Figure(value=value, low=min(float(low), value), high=max(float(high), value), method="bootstrap")
