"""Bars: figures on public development sets that the classifier is held to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.measure.figures import SEED, Figure
from holdfast.measure.scores import score_figures
from holdfast.signals.classifier_model import MANIFEST, NETWORK, STUDENT, TOKENIZER
from models.answers import Answerer
from models.fairness import read_records
from models.heads import HEADS
from models.sources import clean

HATEXPLAIN = "hatexplain"
ABOVE = (
    ("Dynahate dev, macro-F1", "dynahate", "macro_f1", 0.80),
    ("Measuring Hate Speech dev, AUC", "measuring_hate_speech", "auc", 0.86),
)
MOST_MEGABYTES = 30.0
LARGEST_GAP = 0.03
MAY_COST = 0.005
"""Share of right decisions that all stages together may lose beside the encoder alone."""


def of_heads(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bars that the scorecard's records of `hate` already answer."""
    return [
        at_least(what, record["n"], record[figure], bar)
        for what, source, figure, bar in ABOVE
        for record in records
        if record["head"] == "hate" and record["source"] == source
    ]


def hatexplain(answerer: Answerer, shared: Path, rows: int) -> list[dict[str, Any]]:
    """AUC of `hate` on HateXplain's dev posts, by the majority of their annotators: against normal ones, with what they
    call offensive left out, and against all else."""
    records = read_records(HATEXPLAIN, shared, "dev.csv")[:rows]
    kind = np.array([record["label3"] for record in records], np.str_)
    answers = answerer.ask("hatexplain dev", [clean(record["text"]) for record in records])
    hate = np.nan_to_num(answers.probabilities[:, HEADS.index("hate")])
    some = kind != "offensive"
    return [
        at_least(
            "HateXplain dev, AUC, hate speech against normal",
            int(some.sum()),
            _auc(kind[some], hate[some]),
            0.94,
        ),
        at_least("HateXplain dev, AUC, hate speech against all else", len(kind), _auc(kind, hate), None),
    ]


def of_others(sections: Mapping[str, Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The bars that other sections answer: one decision for all groups, their gaps, and what the student costs."""
    found = [
        at_least(
            "own sentences with the group swapped, one decision", record["n"], record["one_decision"], 1.0
        )
        for record in sections["templates"]
        if record["set"] == "own sentences"
    ]
    for record in sections["fairness"]:
        if record["among"] == "all groups":
            for rate, what in (("false_positive", "false alarms"), ("false_negative", "misses")):
                name = f"{record['set']}, largest gap between groups, {what}"
                found.append(_at_most(name, record["n"], record[f"{rate}_gap"], LARGEST_GAP))
    for record in sections["stages"]:
        if record["source"] == "all" and record["student"].value:  # weights may have no student
            cost = record["difference"]
            lost = Figure(value=-cost.value, low=-cost.high, high=-cost.low)
            found.append(_at_most("right decisions lost by the student", record["n"], lost, MAY_COST))
    return found


def _at_most(what: str, n: int, figure: Figure, bar: float) -> dict[str, Any]:
    met = None if figure.value is None else figure.value <= bar
    return {"what": what, "n": n, "figure": figure, "bar": f"≤ {bar:g}", "met": met}


def weight(folder: Path) -> dict[str, Any]:
    """Megabytes of an exported folder."""
    paths = [folder / name for name in (NETWORK, STUDENT, TOKENIZER, MANIFEST)]
    size = sum(path.stat().st_size for path in paths if path.exists()) / 1e6
    return {
        "what": "weights, MB",
        "n": None,
        "figure": Figure(value=round(size, 1)),
        "bar": f"≤ {MOST_MEGABYTES:g}",
        "met": size <= MOST_MEGABYTES,
    }


def at_least(what: str, n: int, figure: Figure, bar: float | None) -> dict[str, Any]:
    """One bar that a figure must reach."""
    met = None if bar is None or figure.value is None else figure.value >= bar
    return {
        "what": what,
        "n": n,
        "figure": figure,
        "bar": None if bar is None else f"≥ {bar:.2f}",
        "met": met,
    }


def _auc(kind: NDArray[np.str_], hate: NDArray[np.float64]) -> Figure:
    truth: NDArray[np.bool_] = np.equal(kind, "hatespeech")
    return score_figures(truth, hate, np.random.default_rng(SEED)).auc
