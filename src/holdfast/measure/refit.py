"""Fitting a head's line to labels: what bends its probabilities to what the labels say.

Logistic regression on the logit of the probability (Platt 1999), with Platt's targets, which keep a flawless
ranking from an infinite slope, and a weak pull of the slope towards 1, which leaves alone what few rows cannot
tell. Source for other shares of positives: Saerens, Latinne and Decaestecker, "Adjusting the outputs of a
classifier to new a priori probabilities" (2002).
"""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import HoldfastError
from holdfast.measure.figures import Floats
from holdfast.signals.recalibration import Line, logit

FEWEST: Final = 20
"""Rows of either class without which nothing is fitted."""
PULL: Final = 1.0
"""Precision of the prior on the slope: as much as about ten undecided rows tell."""
_STEPS: Final = 100
_FLATTEST: Final = 0.02

Truths = NDArray[np.bool_]


class InvalidSample(HoldfastError):
    """The labelled rows cannot calibrate a head: too few, of one class, or told apart by nothing."""

    code = "invalid-sample"


def check_sample(positive: Truths, scores: Floats, where: str, left_out: int = 0) -> None:
    """Raise `InvalidSample` for rows that nothing can be fitted to, after so many were `left_out`."""
    positives = int(positive.sum())
    negatives = positive.size - positives
    if min(positives, negatives) < FEWEST:
        missing = "positive" if positives < negatives else "negative"
        few = min(positives, negatives)
        raise InvalidSample(
            f"has too few {missing} rows to calibrate by" if few else f"has no {missing} row",
            where=where,
            value=f"{positives:,} positive and {negatives:,} negative rows"
            + (
                f"; {left_out:,} left out, of which the label or the classifier says nothing"
                if left_out
                else ""
            ),
            expected=f"at least {FEWEST} of each; from some hundreds on the intervals are narrow",
            next_step="label more rows. Should positives be rare, label more of what scores high and say the true "
            "share with --prevalence",
        )
    if scores.min() == scores.max():
        raise InvalidSample(
            "gets the same probability in every row",
            where=where,
            value=f"{scores[0]:.4g} in {scores.size:,} rows",
            expected="texts that differ",
            next_step="check that the right column holds the texts: --text-column COLUMN",
        )


def parted(positive: Truths, rng: np.random.Generator) -> Truths:
    """Which rows are fitted to, half of either class; the others are kept to measure by."""
    chosen = np.zeros(positive.size, np.bool_)
    for side in (positive, ~positive):
        rows = rng.permutation(np.flatnonzero(side))
        chosen[rows[: rows.size // 2]] = True
    return chosen


def fit_line(probabilities: Floats, positive: Truths, where: str = "the sample") -> Line:
    """The line under which the labels are most probable. Raises `InvalidSample` when the probabilities fall where
    labels rise."""
    logits = logit(probabilities)
    n, positives = positive.size, int(positive.sum())
    targets = np.where(positive, (positives + 1) / (positives + 2), 1 / (n - positives + 2))
    slope, offset = 1.0, 0.0
    cost = _cost(logits, targets, slope, offset)
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(slope * logits + offset, -60, 60)))
        error, weight = said - targets, np.maximum(said * (1 - said), 1e-12)
        of_slope, of_offset = float(error @ logits) + PULL * (slope - 1), float(error.sum())
        a, b, c = float(weight @ logits**2) + PULL, float(weight @ logits), float(weight.sum())
        determinant = a * c - b * b
        if determinant <= 0:
            break
        d_slope = (c * of_slope - b * of_offset) / determinant
        d_offset = (a * of_offset - b * of_slope) / determinant
        step = 1.0
        while step > 1e-6:
            tried = _cost(logits, targets, slope - step * d_slope, offset - step * d_offset)
            if tried <= cost:
                break
            step /= 2
        else:
            break
        slope, offset = slope - step * d_slope, offset - step * d_offset
        if cost - tried < 1e-10 * max(1.0, cost):
            break
        cost = tried
    if slope < _FLATTEST:
        raise InvalidSample(
            "is labelled positive where the head's probabilities are low, or by chance",
            where=where,
            value=f"slope {slope:.3f}",
            expected="positive rows that score higher than negative ones",
            next_step="check that the label means what the head does, and which values are positive (--positive)",
        )
    return Line(slope=round(slope, 6), offset=round(offset, 6))


def shifted(line: Line, sample: float, platform: float) -> Line:
    """The line for a platform where another share is positive than in the sample (both in 0…1, exclusive)."""
    offset = line.offset + log(platform / (1 - platform)) - log(sample / (1 - sample))
    return Line(slope=line.slope, offset=round(offset, 6))


def _cost(logits: Floats, targets: Floats, slope: float, offset: float) -> float:
    bent = slope * logits + offset
    return float(np.sum(np.logaddexp(0, bent) - targets * bent)) + PULL / 2 * (slope - 1) ** 2
