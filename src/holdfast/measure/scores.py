"""Figures of a score: how well it ranks, whether it can be read as a probability, where to cut it.

Intervals resample rows by a Bayesian bootstrap, with half a row of either class spread over all scores.
So that its cost is bounded, the rows are grouped by score into at most `CELLS` cells of equal mass for
it (and only for it: the estimates are exact).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.measure.figures import Figure, Floats, bootstrapped
from holdfast.statistics import share_interval

CELLS = 1_024
RESAMPLES = 1_000
BINS = 15
CURVE_POINTS = 200

Counts = NDArray[np.int64]


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with neighbouring scores: what the score says on average, and the share that is positive."""

    n: int
    lowest: float
    highest: float
    mean_score: float
    positive: float
    low: float
    high: float


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What acting on scores of at least `threshold` gives."""

    threshold: float
    precision: float
    recall: float
    f1: float


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by score: distinct `scores`, falling, with the positive and negative rows at each."""

    scores: Floats
    positives: Counts
    negatives: Counts

    @property
    def n(self) -> int:
        return int(self.positives.sum() + self.negatives.sum())


class ScoreFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one score. `ece_if_calibrated` is what the expected calibration error would stay under
    19 times in 20, on rows of these scores, if the score were a probability: small samples do not
    reach 0. `best_f1` is found on these same rows, so a little too good."""

    n: int
    positives: int
    auc: Figure
    average_precision: Figure
    ece: Figure
    ece_if_calibrated: float | None = None
    best_f1: Point | None = None
    reliability: tuple[Bin, ...] = ()
    curve: tuple[Point, ...] = ()


def score_figures(
    positive: NDArray[np.bool_],
    scores: Floats,
    rng: np.random.Generator,
    *,
    cells: int = CELLS,
    resamples: int = RESAMPLES,
) -> ScoreFigures:
    """All figures for rows that are `positive` or not, with finite `scores`."""
    ranked = rank(positive, scores)
    positives = int(ranked.positives.sum())
    why = _why_undefined(ranked.n, positives)
    if why is not None:
        undefined = Figure(value=None, why=why)
        ece, expected, bins = _calibration(ranked, rng, resamples)
        return ScoreFigures(
            n=ranked.n,
            positives=positives,
            auc=undefined,
            average_precision=undefined,
            ece=ece,
            ece_if_calibrated=expected,
            reliability=bins,
        )
    auc, average = _with_intervals(ranked, rng, cells, resamples)
    ece, expected, bins = _calibration(ranked, rng, resamples)
    points = curve(ranked)
    return ScoreFigures(
        n=ranked.n,
        positives=positives,
        auc=auc,
        average_precision=average,
        ece=ece,
        ece_if_calibrated=expected,
        best_f1=best_f1(ranked),
        reliability=bins,
        curve=points,
    )


def rank(positive: NDArray[np.bool_], scores: Floats) -> Ranked:
    """Rows grouped by score, the highest first."""
    distinct, place = np.unique(-scores, return_inverse=True)
    positives = np.bincount(place[positive], minlength=distinct.size).astype(np.int64)
    total = np.bincount(place, minlength=distinct.size).astype(np.int64)
    return Ranked(scores=-distinct, positives=positives, negatives=total - positives)


def area_under_roc(positives: Floats, negatives: Floats) -> Floats:
    """Mann and Whitney's: the chance that a positive row scores above a negative one, ties as half.

    The last axis runs over distinct scores, falling.
    """
    above = np.cumsum(positives, axis=-1) - positives / 2
    pairs: Floats = (negatives * above).sum(axis=-1) / (positives.sum(axis=-1) * negatives.sum(axis=-1))
    return pairs


def average_precision(positives: Floats, negatives: Floats) -> Floats:
    """Precision at every threshold, weighted by the recall that it adds; the last axis as above."""
    found = np.cumsum(positives, axis=-1)
    predicted = found + np.cumsum(negatives, axis=-1)
    with np.errstate(invalid="ignore"):
        precision = np.where(predicted > 0, found / predicted, 0.0)
    area: Floats = (positives * precision).sum(axis=-1) / positives.sum(axis=-1)
    return area


def curve(ranked: Ranked) -> tuple[Point, ...]:
    """At most `CURVE_POINTS` points from the highest threshold to the lowest, evenly over recall."""
    found = np.cumsum(ranked.positives)
    recall = found / found[-1]
    if recall.size > CURVE_POINTS:
        wanted = np.linspace(recall[0], 1.0, CURVE_POINTS)
        places = np.unique(np.concatenate(([0], np.searchsorted(recall, wanted), [recall.size - 1])))
        places = places[places < recall.size]
    else:
        places = np.arange(recall.size)
    found, predicted = _cumulated(ranked)
    return tuple(_point(ranked, found, predicted, int(place)) for place in places)


def best_f1(ranked: Ranked) -> Point:
    """The threshold with the highest F1; of several the highest."""
    found, predicted = _cumulated(ranked)
    return _point(ranked, found, predicted, int(np.argmax(2 * found / (predicted + found[-1]))))


def _cumulated(ranked: Ranked) -> tuple[Counts, Counts]:
    found = np.cumsum(ranked.positives)
    return found, found + np.cumsum(ranked.negatives)


def _point(ranked: Ranked, found: Counts, predicted: Counts, place: int) -> Point:
    return Point(
        threshold=float(ranked.scores[place]),
        precision=float(found[place] / predicted[place]),
        recall=float(found[place] / found[-1]),
        f1=float(2 * found[place] / (predicted[place] + found[-1])),
    )


def _why_undefined(n: int, positives: int) -> str | None:
    if n == 0:
        return "no row has a score"
    if positives == 0:
        return "no row with a score is positive"
    return "no row with a score is negative" if positives == n else None


def _with_intervals(
    ranked: Ranked, rng: np.random.Generator, cells: int, resamples: int
) -> tuple[Figure, Figure]:
    positives, negatives = _grouped(ranked, cells)
    mass = (positives + negatives) / ranked.n
    # One call for many draws would need a gigabyte where there are many cells.
    drawn_auc, drawn_average = np.empty(resamples), np.empty(resamples)
    step = max(1, 1_000_000 // max(1, positives.size))
    for start in range(0, resamples, step):
        shape = (min(step, resamples - start), positives.size)
        p = rng.standard_gamma(np.broadcast_to(positives + mass / 2, shape))
        n = rng.standard_gamma(np.broadcast_to(negatives + mass / 2, shape))
        drawn_auc[start : start + step] = area_under_roc(p, n)
        drawn_average[start : start + step] = average_precision(p, n)
    return (
        _moved(area_under_roc, ranked, positives, negatives, drawn_auc),
        _moved(average_precision, ranked, positives, negatives, drawn_average),
    )


def _moved(
    function: Callable[[Floats, Floats], Floats],
    ranked: Ranked,
    positives: Floats,
    negatives: Floats,
    draws: Floats,
) -> Figure:
    """The exact figure; the draws moved by what the grouping has cost."""
    exact = float(function(ranked.positives.astype(float), ranked.negatives.astype(float)))
    return bootstrapped(exact, np.clip(draws + exact - float(function(positives, negatives)), 0.0, 1.0))


def _grouped(ranked: Ranked, cells: int) -> tuple[Floats, Floats]:
    if ranked.scores.size <= cells:
        return ranked.positives.astype(float), ranked.negatives.astype(float)
    cell = _equal_mass(ranked, cells)
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    return (
        np.add.reduceat(ranked.positives, starts).astype(float),
        np.add.reduceat(ranked.negatives, starts).astype(float),
    )


def _equal_mass(ranked: Ranked, groups: int) -> Counts:
    """For every distinct score, its group of `groups` with about as many rows each; ties stay together."""
    total = ranked.positives + ranked.negatives
    middle = np.cumsum(total) - total / 2
    return np.minimum(groups - 1, (middle * groups / ranked.n).astype(np.int64))


def _calibration(
    ranked: Ranked, rng: np.random.Generator, resamples: int
) -> tuple[Figure, float | None, tuple[Bin, ...]]:
    """The expected calibration error over `BINS` bins of equal mass, and the bins, lowest scores first."""
    if ranked.n == 0:
        return Figure(value=None, why="no row has a score"), None, ()
    if ranked.scores[0] > 1 or ranked.scores[-1] < 0:
        why = f"the scores are no probabilities: {ranked.scores[-1]:.4g} to {ranked.scores[0]:.4g}"
        return Figure(value=None, why=why), None, ()
    cell = _equal_mass(ranked, BINS)
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    positives = np.add.reduceat(ranked.positives, starts).astype(float)
    negatives = np.add.reduceat(ranked.negatives, starts).astype(float)
    of_positives = np.add.reduceat(ranked.positives * ranked.scores, starts)
    of_negatives = np.add.reduceat(ranked.negatives * ranked.scores, starts)
    total = positives + negatives
    mean = (of_positives + of_negatives) / total
    value = float(np.abs(positives - of_positives - of_negatives).sum() / ranked.n)

    shape = (resamples, total.size)
    spread = total / ranked.n / 2
    p = rng.standard_gamma(np.broadcast_to(positives + spread, shape))
    n = rng.standard_gamma(np.broadcast_to(negatives + spread, shape))
    score_p = np.divide(of_positives, positives, out=mean.copy(), where=positives > 0)
    score_n = np.divide(of_negatives, negatives, out=mean.copy(), where=negatives > 0)
    errors = np.abs(p * (1 - score_p) - n * score_n).sum(axis=1) / (p + n).sum(axis=1)

    counts = total.astype(np.int64)
    calibrated = rng.binomial(counts, np.clip(mean, 0, 1), shape)
    expected = np.abs(calibrated - total * mean).sum(axis=1) / ranked.n
    ends = np.append(starts[1:], cell.size) - 1
    bins = []
    for place in range(starts.size - 1, -1, -1):
        interval = share_interval(int(positives[place]), int(counts[place]))
        bins.append(
            Bin(
                n=int(counts[place]),
                lowest=float(ranked.scores[ends[place]]),
                highest=float(ranked.scores[starts[place]]),
                mean_score=float(mean[place]),
                positive=interval.estimate,
                low=interval.low,
                high=interval.high,
            )
        )
    return bootstrapped(value, errors), float(np.percentile(expected, 95)), tuple(bins)
