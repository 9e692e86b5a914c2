"""Migration: how far the heads rank texts as a former API did, by Spearman's rank correlation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.measure.figures import SEED, Figure, bootstrapped
from models.answers import Answerer, Answers
from models.fairness import read_records
from models.heads import HEADS
from models.sources import clean

SET = "perspective_wiki_scores"
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "TOXICITY": ("hate", "harassment", "threat", "self_harm_incitement", "profanity", "sexual"),
    "SEVERE_TOXICITY": ("severe",),
    "IDENTITY_ATTACK": ("hate",),
    "INSULT": ("harassment",),
    "PROFANITY": ("profanity",),
    "THREAT": ("threat",),
    "SEXUALLY_EXPLICIT": ("sexual",),
    "SPAM": ("spam",),
}
"""Each attribute of the former API and the heads of which the highest stands for it."""
RESAMPLES = 1_000


def correlations(answerer: Answerer, shared: Path, rows: int) -> list[dict[str, Any]]:
    """For every attribute: texts, and how alike they are ranked."""
    records = read_records(SET, shared)[:rows]
    answers = answerer.ask(SET, [clean(record["text"]) for record in records])
    return [_correlation(name, heads, records, answers) for name, heads in ATTRIBUTES.items()]


def _correlation(
    name: str, heads: tuple[str, ...], records: list[dict[str, str]], answers: Answers
) -> dict[str, Any]:
    theirs = np.array([float(record[name] or "nan") for record in records])
    ours = answers.probabilities[:, [HEADS.index(head) for head in heads]].max(1)
    known = ~np.isnan(theirs) & ~np.isnan(ours)
    return {
        "attribute": name,
        "heads": ", ".join(heads) if len(heads) == 1 else f"highest of {', '.join(heads)}",
        "n": int(known.sum()),
        "rank_correlation": spearman(ours[known], theirs[known]),
    }


def spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> Figure:
    """Spearman's rank correlation, ties by their mean rank, with a bootstrap over rows."""
    if len(one) < 3 or one.min() == one.max() or other.min() == other.max():
        return Figure(value=None, why="too few rows, or all alike")
    rng = np.random.default_rng(SEED)
    draws = np.full(RESAMPLES, np.nan)
    for at in range(RESAMPLES):
        some = rng.integers(len(one), size=len(one))
        a, b = ranks(one[some]), ranks(other[some])
        if a.std() and b.std():
            draws[at] = np.corrcoef(a, b)[0, 1]
    return bootstrapped(float(np.corrcoef(ranks(one), ranks(other))[0, 1]), draws)


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of every value, from 1; equal ones share the mean of theirs."""
    _, place, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    found: NDArray[np.float64] = (ends - (sizes - 1) / 2)[place]
    return found
