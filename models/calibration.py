"""From logits to probabilities, and how far the student is trusted: both read off development rows.

Platt scaling (Platt 1999): a logistic curve of slope and offset for every head, fitted to the exported networks, since
rounding moves their logits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from holdfast.signals.classifier_model import Calibration, Distilled, sigmoid
from models.examples import Examples
from models.heads import HEADS

Array = NDArray[np.float32]

FEWEST = 40
"""Positives and negatives that a head needs; with fewer its curve stays as it is."""
SHARE = 2000
"""Rows at which a source weighs as much as any larger one."""
HARMFUL = ("hate", "harassment", "threat", "self_harm_incitement", "sexual", "spam", "severe")
"""Heads that somebody would act on."""
CAUGHT = 0.5
"""Probability from which the encoder has found something."""
MAY_LOSE = 0.005
"""Share of what the encoder catches that the student may let go, in every source."""
CATCHES = 100
"""Catches that a source must have for its share to be told."""
BINDING = 400
"""Catches that a source must have to bound the student by itself; all together bound it in any case."""


def fitted(logits: Array, dev: Examples, of: Array | None = None) -> dict[str, Calibration]:
    """The curve of every head whose labels (or else `of`, probabilities [rows, heads]) are known often enough."""
    sources = np.array(dev.sources)
    _, place, sizes = np.unique(sources, return_inverse=True, return_counts=True)
    weights = dev.weights * np.minimum(1, SHARE / sizes[place])
    found: dict[str, Calibration] = {}
    for at, head in enumerate(HEADS):
        truth = dev.targets[:, at] if of is None else of[:, at]
        known = ~np.isnan(truth)
        positives = int((truth[known] >= 0.5).sum())
        if min(positives, int(known.sum()) - positives) >= FEWEST:
            found[head] = platt(logits[known, at], truth[known], weights[known])
    return found


def platt(
    logits: NDArray[np.floating], truth: NDArray[np.floating], weights: NDArray[np.floating]
) -> Calibration:
    """The slope and offset under which `truth` (0 to 1) is likeliest, by Newton's method."""
    x = np.stack([logits, np.ones_like(logits)], 1).astype(np.float64)
    w = weights.astype(np.float64) / weights.sum()
    beta = np.array([1.0, 0.0])

    def loss(at: NDArray[np.float64]) -> float:
        z = x @ at
        return float(w @ (np.logaddexp(0, z) - truth * z))

    now = loss(beta)
    for _ in range(100):
        p = sigmoid(x @ beta)
        gradient = x.T @ (w * (truth - p))
        curve = (x * (w * p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        # A whole step may overshoot where the curve is flat: halve it until the loss falls.
        while (there := loss(beta + step)) > now and np.abs(step).max() > 1e-9:
            step = step / 2
        if now - there < 1e-12:
            break
        beta, now = beta + step, there
    return Calibration(slope=round(float(max(beta[0], 0.05)), 4), offset=round(float(beta[1]), 4))


def apply(logits: Array, calibration: Mapping[str, Calibration]) -> Array:
    """The heads' logits, bent by their curves."""
    curves = [calibration.get(head, Calibration()) for head in HEADS]
    slopes, offsets = np.array([c.slope for c in curves]), np.array([c.offset for c in curves])
    return (logits[:, : len(HEADS)] * slopes + offsets).astype(np.float32)


def trusted(
    student: Array, encoder: NDArray[np.float64], dev: Examples
) -> tuple[Distilled, dict[str, float | str]]:
    """Below which probabilities the student answers by itself, with figures.

    `student` are its logits, `encoder` the encoder's calibrated probabilities [rows, heads]. The bounds are the largest
    under which no source of `BINDING` catches, nor all together, lose more than `MAY_LOSE` of what the encoder catches.
    """
    columns = [HEADS.index(head) for head in HARMFUL]
    highest = sigmoid(student[:, columns]).max(1)
    caught = encoder[:, columns].max(1) >= CAUGHT
    sources = np.array(dev.sources)
    in_context = np.array([window.types[-1] == 1 for window in dev.windows])
    told: dict[str, float | str] = {}
    bounds = []
    for name, rows in (("alone", ~in_context), ("in_context", in_context)):
        bound, by = _bound(highest, caught & rows, sources)
        bounds.append(bound)
        told[f"student_certain_{name}"] = bound
        told[f"student_bound_{name}_by"] = by
    sure = highest < np.where(in_context, bounds[1], bounds[0])
    for source in sorted(set(dev.sources)):
        rows = sources == source
        if (rows & ~caught).sum() >= CATCHES:
            told[f"student_lets_go_{source}"] = round(float(sure[rows & ~caught].mean()), 4)
        if (rows & caught).sum() >= CATCHES:
            told[f"student_loses_{source}"] = round(float(sure[rows & caught].mean()), 5)
    curves = fitted(student, dev, of=encoder.astype(np.float32))
    return Distilled(certain=bounds[0], certain_in_context=bounds[1], heads=HARMFUL, calibration=curves), told


def _bound(
    highest: NDArray[np.float64], caught: NDArray[np.bool_], sources: NDArray[np.str_]
) -> tuple[float, str]:
    """The bound for the rows `caught`, and what binds it: a source, or all of them. 0 where nothing was caught."""
    among = {str(source): caught & (sources == source) for source in np.unique(sources)}
    among = {source: rows for source, rows in among.items() if rows.sum() >= BINDING} | {"all": caught}
    bounds = {
        source: float(np.quantile(highest[rows], MAY_LOSE, method="lower"))
        for source, rows in among.items()
        if rows.any()
    }
    if not bounds:
        return 0.0, "none"
    by = min(bounds, key=lambda source: bounds[source])
    return float(np.floor(bounds[by] * 1e6) / 1e6), by  # never up: that would lose one more
