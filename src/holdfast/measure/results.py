"""Results as JSON: everything that was found, for machines; no text of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from holdfast import __version__
from holdfast.measure.evaluation import Evaluation
from holdfast.measure.examples import Mistake
from holdfast.measure.figures import RESAMPLES, SEED
from holdfast.measure.gaps import SMALL
from holdfast.measure.scores import BINS, CELLS
from holdfast.measure.scores import RESAMPLES as SCORE_RESAMPLES

FORMAT = 1
"""Of the JSON; it goes up when a name goes or changes its meaning."""

METHODS = (
    "All intervals are 95 % intervals.",
    "Simple shares (prevalence, accuracy, precision, recall, specificity, false-positive and false-negative "
    "rate): Wilson's score interval.",
    f"Balanced accuracy, F1 and macro-F1: percentiles of a Bayesian bootstrap of the four counts, with half "
    f"a row added to each, {RESAMPLES:,} draws, seed {SEED}.",
    f"AUC (Mann and Whitney, ties as half), average precision and calibration error: percentiles of a Bayesian "
    f"bootstrap of the rows, {SCORE_RESAMPLES:,} draws over at most {CELLS:,} groups of equal mass.",
    f"Expected calibration error: {BINS} bins with the same number of rows, ties kept together.",
    f"Gap of a rate between slices: the two slices furthest apart among those with at least {SMALL} rows of the "
    "class concerned; beside it, the gap that slices of these sizes stay under 19 times in 20 when all have "
    "the same rate.",
)


def as_json(evaluation: Evaluation, name: str, now: datetime) -> bytes:
    """The whole evaluation, indented; what is undefined is null, with the reason beside it."""
    found: dict[str, Any] = msgspec.to_builtins(evaluation)
    found["false_positives"] = _without_texts(evaluation.false_positives)
    found["false_negatives"] = _without_texts(evaluation.false_negatives)
    document = {
        "format": FORMAT,
        "holdfast": __version__,
        "input": name,
        "at": now,
        **found,
        "methods": METHODS,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _without_texts(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    return [
        {
            "row": one.row,
            "id": one.id,
            "action": one.action,
            "rules": one.rules,
            "score": one.score,
        }
        for one in mistakes
    ]
