"""How good probabilities are before and after they were refitted, on rows that took no part in it."""

from __future__ import annotations

import msgspec
import numpy as np

from holdfast.measure.figures import Figure, Floats, bootstrapped
from holdfast.measure.refit import Truths
from holdfast.measure.scores import Bin, score_figures
from holdfast.signals.recalibration import NEAREST

RESAMPLES = 1_000
CELLS = 512


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one column of probabilities: lower is better, but for `auc`.

    `ece_if_calibrated` is what the expected calibration error would stay under by chance; see `ScoreFigures`.
    """

    ece: Figure
    ece_if_calibrated: float | None
    brier: Figure
    log_loss: Figure
    auc: Figure
    reliability: tuple[Bin, ...]


def quality(probabilities: Floats, positive: Truths, rng: np.random.Generator) -> Quality:
    """All figures, with intervals from a Bayesian bootstrap of the rows."""
    scored = score_figures(positive, probabilities, rng)
    return Quality(
        ece=scored.ece,
        ece_if_calibrated=scored.ece_if_calibrated,
        brier=mean((probabilities - positive) ** 2, rng),
        log_loss=mean(losses(probabilities, positive), rng),
        auc=scored.auc,
        reliability=scored.reliability,
    )


def losses(probabilities: Floats, positive: Truths) -> Floats:
    """The log loss of each row, in nats. No probability counts as nearer to 0 or 1 than `NEAREST`."""
    clipped = np.clip(probabilities, NEAREST, 1 - NEAREST)
    found: Floats = -np.log(np.where(positive, clipped, 1 - clipped))
    return found


def mean(values: Floats, rng: np.random.Generator) -> Figure:
    """The mean with its interval, by a Bayesian bootstrap of the rows, of neighbouring values together where there are
    many."""
    ordered = np.sort(values)
    sums = np.array([part.sum() for part in np.array_split(ordered, min(CELLS, ordered.size))])
    sizes = np.array([part.size for part in np.array_split(ordered, min(CELLS, ordered.size))], float)
    weights = rng.standard_gamma(np.broadcast_to(sizes, (RESAMPLES, sizes.size)))
    draws = weights @ (sums / sizes) / weights.sum(axis=1)
    return bootstrapped(float(values.mean()), draws)
