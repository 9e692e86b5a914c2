"""Figures of a model on labelled rows, in NumPy: nothing here needs the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.heads import HEADS

Array = NDArray[np.float32]
ACTED_ON = tuple(HEADS.index(head) for head in ("hate", "harassment", "threat", "self_harm_incitement"))
"""Heads for which a text would be acted on."""
FEWEST = 10
"""Positives and negatives that a slice must have for its AUC to be told."""


def auc(truth: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """How often a positive scores above a negative; ties count half. Needs one of each."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[first, len(ranked)])
    ranks = np.empty(len(scores))
    ranks[order] = np.repeat(first + (sizes + 1) / 2, sizes)
    positives = int(truth.sum())
    return float(
        (ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives))
    )


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """The harmonic mean of precision and recall; 0 when nothing is found."""
    both = int((truth & said).sum())
    return 2 * both / max(int(truth.sum()) + int(said.sum()), 1)


def macro_f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """The mean of the two classes' F1."""
    return (f1(truth, said) + f1(~truth, ~said)) / 2


def by_source(labels: Array, scores: Array, sources: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """For every head and source (and "all"): rows, share of positives, AUC, F1 and macro-F1 at 0.5.

    `labels` [rows, heads] holds NaN where unknown; from 0.5 up it is positive. Slices with fewer than `FEWEST` of a
    class are left out.
    """
    names = np.array(sources)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for column, head in enumerate(HEADS):
        known = ~np.isnan(labels[:, column])
        for source in ["all", *sorted(set(sources))]:
            rows = known & (names == source) if source != "all" else known
            truth, score = labels[rows, column] >= 0.5, scores[rows, column]
            if not FEWEST <= truth.sum() <= len(truth) - FEWEST:
                continue
            said = score >= 0.5
            found.setdefault(head, {})[source] = {
                "rows": len(truth),
                "positive": round(float(truth.mean()), 4),
                "auc": round(auc(truth, score), 4),
                "f1": round(f1(truth, said), 4),
                "macro_f1": round(macro_f1(truth, said), 4),
            }
    return found


def by_functionality(
    labels: Array, scores: Array, functionalities: Sequence[str | None]
) -> dict[str, dict[str, float]]:
    """For every functionality of composed rows: how often "act" (a head of `ACTED_ON` from 0.5 up) is right."""
    columns = list(ACTED_ON)
    truth = np.nan_to_num(labels[:, columns]).max(1) >= 0.5
    right = truth == (scores[:, columns].max(1) >= 0.5)
    names = np.array([name or "" for name in functionalities])
    return {
        name: {
            "rows": int((names == name).sum()),
            "acted_on": round(float(truth[names == name].mean()), 4),
            "accuracy": round(float(right[names == name].mean()), 4),
        }
        for name in sorted(set(names.tolist()) - {""})
    }
