"""Evaluation: labelled rows through the engine, and what that says about the decisions.

    rows ─▶ engine ─▶ policy ─▶ predicted or not ─┐
                 └──▶ keyword baseline, score ────┼─▶ figures, by slice, with intervals
    label ────────────────────────────────────────┘

Memory: a few bytes a row (label, predictions, score, slices); texts only of the examples that are kept.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.bulk.rows import InvalidInput, Rejected
from holdfast.content import Item, item_column
from holdfast.decision import SEVERITY, Action
from holdfast.engine import Engine, Measured
from holdfast.measure.columns import Cell
from holdfast.measure.examples import Examples, Mistake
from holdfast.measure.figures import SEED, Confusion, Figure, constant, figures
from holdfast.measure.gaps import RATES, SMALL, Gap, gap
from holdfast.measure.labels import Labels
from holdfast.measure.score import Score
from holdfast.measure.scores import ScoreFigures, score_figures
from holdfast.measure.slices import NO_GROUP, Slices
from holdfast.policy.counters import Counters
from holdfast.policy.policy import Policy
from holdfast.schema import Value

Kind = Literal["policy", "score", "keyword", "always positive", "always negative"]
_SLICE_CELLS, _SLICE_RESAMPLES = 128, 500
_LEXICON = "lexicon."


class Chunk(NamedTuple):
    """A few rows of the input; `rows` are the items' row numbers, from 1."""

    items: list[Item]
    rows: list[int]
    rejected: list[Rejected]


class Predictor(msgspec.Struct, frozen=True, kw_only=True):
    """Something that says yes or no to rows: its counts and figures over `n` of them."""

    kind: Kind
    name: str
    confusion: Confusion
    figures: dict[str, Figure]

    @property
    def n(self) -> int:
        return self.confusion.n


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The rows with one value. `small` warns of fewer than 30."""

    name: str
    n: int
    positives: int
    small: bool
    predictors: tuple[Predictor, ...]
    score: ScoreFigures | None = None


class SlicedBy(msgspec.Struct, frozen=True, kw_only=True):
    """All slices of one column, and for each predictor (by kind) the gap of each rate between them."""

    by: str
    slices: tuple[Slice, ...]
    gaps: dict[Kind, dict[str, Gap]]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found. `left_out` counts rows whose label did not say, by value; `without_score`
    rows that only the score's figures leave out."""

    n: int
    positives: int
    rows: int
    rejected: int
    rejected_kinds: dict[str, int]
    left_out: dict[str, int]
    label: str
    positive_values: tuple[str, ...]
    negative_values: tuple[str, ...]
    policy: str
    acts_from: Action
    versions: dict[str, str]
    primary: Kind
    predictors: tuple[Predictor, ...]
    by: tuple[SlicedBy, ...]
    score_name: str | None = None
    score: ScoreFigures | None = None
    threshold: float | None = None
    threshold_given: bool = False
    without_score: int = 0
    false_positives: tuple[Mistake, ...] = ()
    false_negatives: tuple[Mistake, ...] = ()

    @property
    def main(self) -> Predictor:
        """The predictor that the slices and examples are about."""
        return next(one for one in self.predictors if one.kind == self.primary)


class By(NamedTuple):
    """What to slice by: a column of the file, or a field of items and signals."""

    name: str
    cell: Cell | None
    """From an item to the column's value; `None` for a field."""


class Evaluator:
    """Takes chunks in, gives an `Evaluation` out.

    A row counts as predicted positive when the policy's action is at least `acts_from`, or it is escalated.
    With a `score` and a `threshold`, the score is what slices and examples are about, otherwise
    the policy. Counters count over the file, in its order.
    """

    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        labels: Labels,
        label: Cell,
        now: datetime,
        *,
        by: Sequence[By] = (),
        separator: str | None = None,
        score: Score | None = None,
        threshold: float | None = None,
        acts_from: Action = "label",
        keep_texts: bool = False,
        seed: int = SEED,
    ) -> None:
        self._engine, self._policy, self._now = engine, policy, now
        self._counters = Counters(policy.counters)
        self._labels, self._label = labels, label
        self._by = [(one, Slices(one.name, separator)) for one in by]
        self._score, self._threshold, self._acts_from = score, threshold, acts_from
        self._examples = Examples(keep_texts)
        self._seed = seed
        self._rows = self._rejected = 0
        self._kinds: Counter[str] = Counter()
        self._positive, self._acted, self._keyword = array("b"), array("b"), array("b")
        self._scores = array("d")

    def add(self, chunk: Chunk) -> None:
        """Judge a chunk and count it. Raises `InvalidScore` at a score that is no number."""
        self._rows += len(chunk.items) + len(chunk.rejected)
        self._rejected += len(chunk.rejected)
        self._kinds.update(one.kind for one in chunk.rejected)
        if not chunk.items:
            return
        measured = self._engine.measure(chunk.items)
        decisions = self._engine.judge(measured, self._policy, self._counters, self._now)
        keyword = _keyword_hits(measured)
        scores = None if self._score is None else self._score.column(measured, chunk.rows)
        columns = [self._column(one, measured) for one, _ in self._by]
        for place, (item, decision) in enumerate(zip(chunk.items, decisions, strict=True)):
            positive = self._labels.read(self._label(item))
            if positive is None:
                continue
            row = len(self._positive)
            acted = decision.escalate or SEVERITY[decision.action] >= SEVERITY[self._acts_from]
            self._positive.append(positive)
            self._acted.append(acted)
            self._keyword.append(keyword[place])
            for (_, slices), column in zip(self._by, columns, strict=True):
                slices.add(row, column[place])
            score = None if scores is None else scores[place]
            if scores is not None:
                self._scores.append(float("nan") if score is None else score)
            said = self._said(acted, score)
            if said is not None and said != positive:
                self._examples.add(item, decision, chunk.rows[place], predicted=said, score=score)

    def finish(self, where: str = "input") -> Evaluation:
        """The figures over all that was added. Raises `InvalidLabels` when no label was understood."""
        if self._rows and self._rejected == self._rows:
            raise unreadable(self._kinds, where)
        if not self._positive:
            raise self._labels.refuse(where, self._rows)
        if self._labels.positive and not any(self._positive):
            raise self._labels.refuse_unseen(where)
        positive = np.frombuffer(self._positive, np.bool_)
        acted, keyword = np.frombuffer(self._acted, np.bool_), np.frombuffer(self._keyword, np.bool_)
        scores = np.frombuffer(self._scores, np.float64) if self._scores else None
        scored, threshold = None, None
        if scores is not None and self._score is not None:
            known = ~np.isnan(scores)
            if not known.any():
                raise self._score.refuse(where)
            scored = score_figures(positive[known], scores[known], np.random.default_rng(self._seed))
            threshold = self._threshold
            if threshold is None and scored.best_f1 is not None:
                threshold = scored.best_f1.threshold
        judge = _Judge(self._seed, positive, acted, keyword, scores, threshold, self._names(threshold))
        everything = np.arange(positive.size, dtype=np.uint32)
        return Evaluation(
            n=positive.size,
            positives=int(positive.sum()),
            rows=self._rows,
            rejected=self._rejected,
            rejected_kinds=dict(self._kinds.most_common(20)),
            left_out=self._labels.values,
            label=self._labels.column,
            positive_values=self._labels.positive,
            negative_values=self._labels.negative,
            policy=self._policy.id,
            acts_from=self._acts_from,
            versions=self._engine.versions,
            primary=self._primary,
            predictors=judge.predictors(everything),
            by=tuple(judge.sliced(slices) for _, slices in self._by),
            score_name=None if self._score is None else self._score.name,
            score=scored,
            threshold=threshold,
            threshold_given=self._threshold is not None,
            without_score=0 if scores is None else int(np.isnan(scores).sum()),
            false_positives=self._examples.false_positives,
            false_negatives=self._examples.false_negatives,
        )

    @property
    def _primary(self) -> Kind:
        return "score" if self._score is not None and self._threshold is not None else "policy"

    def _said(self, acted: bool, score: float | None) -> bool | None:
        if self._primary == "policy":
            return acted
        assert self._threshold is not None
        return None if score is None else score >= self._threshold

    def _column(self, by: By, measured: Measured) -> Sequence[Value]:
        if by.cell is not None:
            return [by.cell(item) for item in measured.items]
        if by.name in measured.signals:
            return measured.signals[by.name]
        column = item_column(by.name, measured.items, self._now)
        assert column is not None
        return column

    def _names(self, threshold: float | None) -> dict[Kind, str]:
        names: dict[Kind, str] = {
            "policy": f"policy {self._policy.name}",
            "keyword": "any listed word",
            "always positive": "always positive",
            "always negative": "always negative",
        }
        if self._score is not None and threshold is not None:
            chosen = "" if self._threshold is not None else " (best F1 here)"
            names["score"] = f"{self._score.name} ≥ {threshold:.4g}{chosen}"
        return names


class _Judge:
    """Figures of every predictor over any of the rows."""

    def __init__(
        self,
        seed: int,
        positive: NDArray[np.bool_],
        acted: NDArray[np.bool_],
        keyword: NDArray[np.bool_],
        scores: NDArray[np.float64] | None,
        threshold: float | None,
        names: Mapping[Kind, str],
    ) -> None:
        self._seed, self._positive = seed, positive
        self._acted, self._keyword = acted, keyword
        self._scores, self._threshold, self._names = scores, threshold, names

    def predictors(self, rows: NDArray[np.uint32]) -> tuple[Predictor, ...]:
        positive = self._positive[rows]
        found = [self._predictor("policy", confusion(self._acted[rows], positive))]
        if self._scores is not None and self._threshold is not None:
            scores = self._scores[rows]
            known = ~np.isnan(scores)
            counts = confusion(scores[known] >= self._threshold, positive[known])
            found.append(self._predictor("score", counts))
        found.append(self._predictor("keyword", confusion(self._keyword[rows], positive)))
        n, positives = positive.size, int(positive.sum())
        for kind, says in (("always positive", True), ("always negative", False)):
            counts = constant(positives, n - positives, says=says)
            found.append(self._predictor(kind, counts, says))  # type: ignore[arg-type]
        return tuple(found)

    def sliced(self, slices: Slices) -> SlicedBy:
        found = []
        for name, rows in slices:
            positive = self._positive[rows]
            scored = None
            if self._scores is not None:
                known = ~np.isnan(self._scores[rows])
                scored = score_figures(
                    positive[known],
                    self._scores[rows][known],
                    self._rng(),
                    cells=_SLICE_CELLS,
                    resamples=_SLICE_RESAMPLES,
                )
                # The points of every slice's curve would be most of the results, and are read by nobody.
                scored = msgspec.structs.replace(scored, reliability=(), curve=())
            found.append(
                Slice(
                    name=name,
                    n=rows.size,
                    positives=int(positive.sum()),
                    small=rows.size < SMALL,
                    predictors=self.predictors(rows),
                    score=scored,
                )
            )
        gaps: dict[Kind, dict[str, Gap]] = {}
        for kind in (kind for kind in self._names if not kind.startswith("always")):
            counts = {
                one.name: predictor.confusion
                for one in found
                for predictor in one.predictors
                if predictor.kind == kind
            }
            gaps[kind] = {rate: gap(rate, counts, self._rng(), no_group=NO_GROUP) for rate in RATES}
        return SlicedBy(by=slices.name, slices=tuple(found), gaps=gaps)

    def _rng(self) -> np.random.Generator:
        # Anew each time: no figure depends on what else is evaluated beside it.
        return np.random.default_rng(self._seed)

    def _predictor(self, kind: Kind, counts: Confusion, says: bool | None = None) -> Predictor:
        found = figures(counts, self._rng(), constant=says)
        return Predictor(kind=kind, name=self._names[kind], confusion=counts, figures=found)


def confusion(predicted: NDArray[np.bool_], positive: NDArray[np.bool_]) -> Confusion:
    """The four counts of predictions beside labels."""
    hits = int((predicted & positive).sum())
    said, are = int(predicted.sum()), int(positive.sum())
    return Confusion(
        true_positives=hits,
        false_positives=said - hits,
        false_negatives=are - hits,
        true_negatives=int(positive.size) - said - are + hits,
    )


def evaluate(
    evaluator: Evaluator,
    chunks: Iterable[Chunk],
    *,
    where: str = "input",
    progress: Callable[[Chunk], None] | None = None,
) -> Evaluation:
    """Every chunk through `evaluator`, then its result."""
    for chunk in chunks:
        evaluator.add(chunk)
        if progress is not None:
            progress(chunk)
    return evaluator.finish(where)


def unreadable(kinds: Counter[str], where: str) -> InvalidInput:
    """The error for a file none of whose rows could be taken."""
    kind, count = kinds.most_common(1)[0]
    return InvalidInput(
        "has no row that could be read",
        where=where,
        value=f"{kind} ({count:,} row{'' if count == 1 else 's'})",
        next_step="holdfast decide FILE --rejected rejected.jsonl --no-record lists each with the reason",
    )


def _keyword_hits(measured: Measured) -> list[bool]:
    """Whether any lexicon category found something: what a word list alone would do."""
    lists = [column for name, column in measured.signals.items() if name.startswith(_LEXICON)]
    if not lists:
        return [False] * len(measured.items)
    return [any(values) for values in zip(*lists, strict=True)]
