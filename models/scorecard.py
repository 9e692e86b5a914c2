"""The scorecard: figures of every head on every source, beside baselines, and what the stages cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.measure.evaluation import confusion
from holdfast.measure.figures import SEED, Confusion, Figure, constant, figures, share
from holdfast.measure.scores import score_figures
from holdfast.statistics import paired_difference_interval
from models.answers import STUDENT, Answers
from models.cutoffs import Cutoffs
from models.development import OWN, Development
from models.functionalities import NO_ROWS
from models.heads import GROUPS, HEADS

FEWEST = 10
"""Positives and negatives that a slice must have to be told."""
CORPORA = "all corpora"
CUTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
POOL = "goemotions_reddit (no anger, annoyance, disgust)"
SHOWN = ("hate", "harassment", "threat", "spam")
"""Heads of which false alarms on benign pools are told one by one."""

Bools = NDArray[np.bool_]
Record = dict[str, Any]


def by_head(dev: Development, answers: Answers, cutoffs: Cutoffs) -> list[Record]:
    """Every figure of every head on every source where it is known often enough; an unknown answer counts as 0."""
    found = []
    for head, source, rows, truth in _slices(dev):
        scores = np.nan_to_num(answers.probabilities[rows, HEADS.index(head)])
        said = cutoffs.said(answers.probabilities[rows], head)
        counts = figures(confusion(said, truth), _rng())
        ranked = score_figures(truth, scores, _rng())
        found.append(
            {
                "head": head,
                "source": source,
                "n": len(truth),
                "positive": counts["prevalence"],
                "auc": ranked.auc,
                "average_precision": ranked.average_precision,
                "macro_f1": counts["macro_f1"],
                "accuracy": counts["accuracy"],
                "precision": counts["precision"],
                "recall": counts["recall"],
                "false_positive_rate": counts["false_positive_rate"],
                "ece": ranked.ece,
                "ece_if_calibrated": ranked.ece_if_calibrated,
            }
        )
    return found


def baselines(
    dev: Development, answers: Answers, cutoffs: Cutoffs, keywords: Mapping[str, Bools]
) -> list[Record]:
    """Macro-F1 and accuracy of the classifier beside a word list, and those who always say yes or no."""
    found = []
    for head, source, rows, truth in _slices(dev):
        yes, no = int(truth.sum()), int((~truth).sum())
        said = cutoffs.said(answers.probabilities[rows], head)
        peers: list[tuple[str, Confusion | None, bool | None]] = [
            ("classifier", confusion(said, truth), None),
            ("keyword", confusion(keywords[head][rows], truth) if head in keywords else None, None),
            ("always_yes", constant(yes, no, says=True), True),
            ("always_no", constant(yes, no, says=False), False),
        ]
        record: Record = {"head": head, "source": source, "n": len(truth)}
        for name, counts, says in peers:
            told = {} if counts is None else figures(counts, _rng(), constant=says)
            none = Figure(value=None, why="no list of words for this head")
            record[f"{name}_macro_f1"] = told.get("macro_f1", none)
            record[f"{name}_accuracy"] = told.get("accuracy", none)
        found.append(record)
    return found


def by_group(dev: Development, answers: Answers) -> list[Record]:
    """How well `groups` names whom a corpus's text is about, for groups that are named often enough there."""
    rows = np.flatnonzero(~dev.own & ~np.isnan(dev.groups).any(1))
    found = []
    for at, group in enumerate(GROUPS):
        truth = dev.groups[rows, at] >= 0.5
        if truth.sum() < FEWEST:
            continue
        said = np.array([group in answers.groups[row] for row in rows.tolist()], np.bool_)
        told = figures(confusion(said, truth), _rng())
        found.append(
            {"group": group, "n": len(rows), "about": int(truth.sum())}
            | {name: told[name] for name in ("precision", "recall", "f1")}
        )
    return found


def by_stage(dev: Development, answers: Answers, cutoffs: Cutoffs) -> list[Record]:
    """For every source: how much is unknown, how much the student answers, and what it costs in right decisions.

    A decision is whether the text is acted on, over the heads that are known of the row.
    """
    found = []
    everything = np.arange(len(dev))
    parts = [("all", everything), ("own sentences", np.flatnonzero(dev.own))]
    parts += [(CORPORA, np.flatnonzero(~dev.own))]
    parts += [(source, dev.rows_of(source)) for source in _corpora(dev)]
    for name, rows in parts:
        truth, silent = cutoffs.meant(dev.labels[rows])
        rows, truth = rows[~silent], truth[~silent]
        n = len(rows)
        if not n:
            continue
        known = ~np.isnan(dev.labels[rows])
        whole = truth == cutoffs.acted_on(answers.probabilities[rows], known)
        alone = truth == cutoffs.acted_on(answers.encoder[rows], known)
        stages = [answers.stages[row] for row in rows.tolist()]
        cost = paired_difference_interval(int((whole & ~alone).sum()), int((alone & ~whole).sum()), n)
        found.append(
            {
                "source": name,
                "n": n,
                "unknown": share(sum(stage is None for stage in stages), n, NO_ROWS),
                "student": share(sum(stage == STUDENT for stage in stages), n, NO_ROWS),
                "accuracy": share(int(whole.sum()), n, NO_ROWS),
                "encoder_alone": share(int(alone.sum()), n, NO_ROWS),
                "difference": Figure(value=cost.estimate, low=cost.low, high=cost.high),
            }
        )
    return found


def false_alarms(pool: str, answers: Answers, cutoffs: Cutoffs) -> Record:
    """How often anything would happen to the texts of a benign pool."""
    n = len(answers.stages)

    def rate(hits: Bools) -> Figure:
        return share(int(hits.sum()), n, NO_ROWS)

    return {
        "pool": pool,
        "n": n,
        "acted_on": rate(cutoffs.acted_on(answers.probabilities)),
        "encoder_alone": rate(cutoffs.acted_on(answers.encoder)),
        "reviewed": rate(cutoffs.reviewed(answers.probabilities)),
    } | {head: rate(cutoffs.said(answers.probabilities, head)) for head in SHOWN}


def benign_rows(dev: Development) -> list[tuple[str, NDArray[np.int64]]]:
    """The pools of dev rows on which nothing should fire: name and rows."""
    innocent = (dev.labels[:, HEADS.index("hate")] == 0) & (dev.labels[:, HEADS.index("threat")] == 0)
    innocent &= np.nan_to_num(dev.labels[:, HEADS.index("harassment")]) == 0
    everyday = np.char.startswith(dev.functionalities, "everyday_") & dev.own
    return [
        (
            POOL,
            np.flatnonzero((dev.sources == "goemotions_reddit") & innocent),
        ),
        (
            "jigsaw_binary_test12k (not toxic)",
            np.flatnonzero((dev.sources == "jigsaw_binary_test12k") & innocent),
        ),
        ("own everyday comments", np.flatnonzero(everyday & innocent)),
    ]


def by_cutoff(dev: Development, answers: Answers, cutoffs: Cutoffs) -> list[Record]:
    """What other cut-offs would give, one for all heads that are acted on: own sentences, a benign pool, adversarial hate."""
    own = np.flatnonzero(dev.own)
    wanted, silent = cutoffs.meant(dev.labels[own])
    own, wanted = own[~silent], wanted[~silent]
    known = ~np.isnan(dev.labels[own])
    pool = dict(benign_rows(dev))[POOL]
    hate = dev.rows_of("dynahate")
    truth: Bools = np.greater_equal(dev.labels[hate, HEADS.index("hate")], 0.5)
    found = []
    for cut in CUTS:
        tried = msgspec.structs.replace(cutoffs, act=dict.fromkeys(HEADS, cut))
        acted = tried.acted_on(answers.probabilities[own], known)
        alarms = tried.acted_on(answers.probabilities[pool])
        told = figures(confusion(tried.said(answers.probabilities[hate], "hate"), truth), _rng())
        found.append(
            {
                "cutoff": f"{cut:.1f}",
                "n": len(own),
                "acted_on": share(int((acted & wanted).sum()), int(wanted.sum()), NO_ROWS),
                "left_up": share(int((~acted & ~wanted).sum()), int((~wanted).sum()), NO_ROWS),
                "accuracy": share(int((acted == wanted).sum()), len(own), NO_ROWS),
                "false_alarms": share(int(alarms.sum()), len(pool), NO_ROWS),
                "dynahate": told["macro_f1"],
            }
        )
    return found


def _slices(dev: Development) -> Iterator[tuple[str, str, NDArray[np.int64], Bools]]:
    """Head, source, the rows where it is known, and which of them are positive."""
    parts: list[tuple[str, Callable[[], NDArray[np.int64]]]] = [
        (CORPORA, lambda: np.flatnonzero(~dev.own)),
        (OWN, lambda: np.flatnonzero(dev.own)),
    ]
    parts += [(source, lambda source=source: dev.rows_of(source)) for source in _corpora(dev)]  # type: ignore[misc]
    for at, head in enumerate(HEADS):
        for source, rows_of in parts:
            rows = rows_of()
            rows = rows[~np.isnan(dev.labels[rows, at])]
            truth: Bools = np.greater_equal(dev.labels[rows, at], 0.5)
            if FEWEST <= truth.sum() <= len(truth) - FEWEST:
                yield head, source, rows, truth


def _corpora(dev: Development) -> list[str]:
    return sorted(set(dev.sources.tolist()) - {OWN})


def _rng() -> np.random.Generator:
    # Anew each time: no figure depends on what else is evaluated beside it.
    return np.random.default_rng(SEED)
