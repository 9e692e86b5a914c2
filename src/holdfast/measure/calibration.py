"""Calibration: labelled rows through the classifier, and the lines and cut-offs that they give.

    rows ─▶ classifier ─▶ probability ─┬─ half of the rows: the line, the precise cut-offs
    label ─────────────────────────────┴─ the other half: figures before and after, conformal cut-offs and sets
    former score ──────────────────────── all rows: former thresholds and what is equal to them

A former score is beside a head's probability, or beside an attribute of Perspective's, which several heads make up.

Memory: some twenty bytes a row and head; no texts.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches

import msgspec
import numpy as np

from holdfast.engine import Engine
from holdfast.measure.attributes import Attribute, AttributeRows, WantedAttribute
from holdfast.measure.columns import Cell
from holdfast.measure.conformal import Bands, bands
from holdfast.measure.cut_offs import CutOff, Rows, Target, cut_off, is_share, lower_first
from holdfast.measure.evaluation import Chunk, unreadable
from holdfast.measure.figures import SEED, Figure, Floats
from holdfast.measure.labels import Labels
from holdfast.measure.migration import Migration, migration
from holdfast.measure.quality import Quality, losses, mean, quality
from holdfast.measure.refit import InvalidSample, Truths, check_sample, fit_line, parted, shifted
from holdfast.measure.score import Score
from holdfast.perspective import ATTRIBUTES
from holdfast.signals.classifier import DIGITS, Classifier
from holdfast.signals.recalibration import Line, Recalibration

_UNLABELLED = -1


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for one head: labels and where they are read, a former score, or both. `prevalence` is the share
    of positive rows that the platform really has; `thresholds` are of the former score."""

    head: str
    labels: Labels | None = None
    label: Cell | None = None
    former: Score | None = None
    prevalence: float | None = None
    thresholds: tuple[float, ...] = ()


class Aims(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator wants of the cut-offs."""

    act: Target = Target(aim="precision", bound=0.9)
    review: Target = Target(aim="recall", bound=0.9)
    coverage: float = 0.9


class Refit(msgspec.Struct, frozen=True, kw_only=True):
    """What the labels gave for a head.

    `fitted` and `kept` count the rows of either part; `before`, `after` and `gain` (what log loss fell by) are on the
    kept ones, at the sample's own share of positives. `fitted_line` is the line before `prevalence` moved it.
    """

    label: str
    line: Line
    fitted_line: Line
    fitted: int
    kept: int
    positives: int
    prevalence: float | None
    before: Quality
    after: Quality
    gain: Figure
    act: CutOff
    review: CutOff
    bands: Bands
    left_out: dict[str, int]

    @property
    def n(self) -> int:
        return self.fitted + self.kept


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What was found for one head. `unknown` counts rows that it says nothing about."""

    head: str
    unknown: int
    refit: Refit | None
    migration: Migration | None


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found. `left_out` are attributes in the file that Holdfast does not score; `in_force` is the
    version of the recalibration that what was told without labels came from."""

    rows: int
    rejected: int
    rejected_kinds: dict[str, int]
    classifier: str
    version: str
    heads: tuple[Head, ...]
    seed: int
    attributes: tuple[Attribute, ...] = ()
    left_out: tuple[str, ...] = ()
    in_force: str | None = None

    @property
    def recalibration(self) -> Recalibration | None:
        """What the classifier is to apply; None where nothing was fitted."""
        lines = {one.head: one.refit.line for one in self.heads if one.refit is not None}
        return Recalibration.of(self.classifier, lines) if lines else None


def check_head(name: str, classifier: Classifier, option: str) -> None:
    """Raise `InvalidSample` unless the classifier has such a head."""
    heads = classifier.model.manifest.heads
    if name in heads:
        return
    close = get_close_matches(name, heads, n=1)
    raise InvalidSample(
        "is not a head of the classifier",
        where=f"{option} {name}",
        expected=f"one of {', '.join(heads)}",
        next_step=f"did you mean {close[0]}?" if close else None,
    )


class Calibrator:
    """Takes chunks in, gives a `Calibration` out. `engine` measures with `classifier`, among others or alone.

    A former score without labels is mapped to probabilities as they are told now: as the recalibration `in_force`
    bends them.
    """

    def __init__(
        self,
        engine: Engine,
        classifier: Classifier,
        wanted: Sequence[Wanted],
        aims: Aims | None = None,
        in_force: Recalibration | None = None,
        seed: int = SEED,
        *,
        attributes: Sequence[WantedAttribute] = (),
        left_out: Sequence[str] = (),
    ) -> None:
        self._engine, self._classifier, self._in_force = engine, classifier, in_force
        self._columns = [_Columns(one) for one in wanted]
        self._attributes = [AttributeRows(one) for one in attributes]
        self._left_out = tuple(left_out)
        heads = [one.head for one in wanted]
        heads += [head for one in attributes for head in ATTRIBUTES[one.attribute]]
        self._heads = {head: array("d") for head in heads}
        self._aims = aims or Aims()
        self._seed = seed
        self._rows = self._rejected = 0
        self._kinds: Counter[str] = Counter()

    def add(self, chunk: Chunk) -> None:
        """Measure a chunk and keep its numbers. Raises `InvalidScore` at a former score that is no number."""
        self._rows += len(chunk.items) + len(chunk.rejected)
        self._rejected += len(chunk.rejected)
        self._kinds.update(one.kind for one in chunk.rejected)
        if not chunk.items:
            return
        measured = self._engine.measure(chunk.items)
        for head, here in self._heads.items():
            here.extend(
                float("nan") if value is None else value  # type: ignore[misc]
                for value in measured.signals[head]
            )
        for attribute in self._attributes:
            attribute.add(measured, chunk.rows)
        for columns in self._columns:
            wanted = columns.wanted
            labels, cell = wanted.labels, wanted.label
            if labels is not None and cell is not None:
                said = (labels.read(cell(item)) for item in chunk.items)
                columns.labels.extend(_UNLABELLED if one is None else int(one) for one in said)
            if wanted.former is not None:
                scores = wanted.former.column(measured, chunk.rows)
                columns.former.extend(float("nan") if one is None else one for one in scores)

    def finish(self, where: str = "input") -> Calibration:
        """What all that was added gives. Raises `InvalidLabels` and `InvalidSample`."""
        if self._rows and self._rejected == self._rows:
            raise unreadable(self._kinds, where)
        if not self._rows:
            raise InvalidSample("holds no rows", where=where, expected="rows with a text after the header")
        probabilities = {head: np.frombuffer(here, np.float64) for head, here in self._heads.items()}
        heads = tuple(
            self._head(columns, probabilities[columns.wanted.head], where) for columns in self._columns
        )
        lines = {} if self._in_force is None else dict(self._in_force.heads)
        lines |= {one.head: one.refit.line for one in heads if one.refit is not None}
        told = {head: _bent(here, lines.get(head)) for head, here in probabilities.items()}
        attributes = tuple(one.finish(told, self._seed, where) for one in self._attributes)
        if attributes and not heads and all(one.migration is None for one in attributes):
            raise InvalidSample(
                "has no attribute whose scores can be compared",
                where=where,
                value="; ".join(f"{one.attribute}: {one.why}" for one in attributes),
                next_step="check that the right columns are read (--text-column, --score); for scores in other units than 0 "
                "to 1 name the thresholds: --threshold 40 70",
            )
        return Calibration(
            rows=self._rows,
            rejected=self._rejected,
            rejected_kinds=dict(self._kinds.most_common(20)),
            classifier=self._classifier.answering,
            version=self._classifier.version,
            heads=heads,
            seed=self._seed,
            attributes=attributes,
            left_out=self._left_out,
            in_force=None if self._in_force is None else self._in_force.version,
        )

    def _head(self, columns: _Columns, here: Floats, where: str) -> Head:
        wanted = columns.wanted
        known = ~np.isnan(here)
        if not known.any():
            raise InvalidSample(
                f"has no row of which the classifier says how probable {wanted.head} is",
                where=where,
                expected="texts in a language that it covers (English)",
                next_step="check that the right column holds the texts: --text-column COLUMN",
            )
        # Anew for each head: none depends on what else is asked for.
        rng = np.random.default_rng(self._seed)
        refit = None
        labels = None
        if wanted.labels is not None:
            labels = np.frombuffer(columns.labels, np.int8)
            refit = self._refit(wanted, wanted.labels, here, labels, known, where, rng)
        moved = None
        if wanted.former is not None:
            line = None if self._in_force is None else self._in_force.heads.get(wanted.head)
            line = line if refit is None else refit.line
            moved = self._migration(wanted, wanted.former, columns, here, labels, line, where, rng)
        return Head(head=wanted.head, unknown=int((~known).sum()), refit=refit, migration=moved)

    def _refit(
        self,
        wanted: Wanted,
        labels: Labels,
        here: Floats,
        labelled: np.typing.NDArray[np.int8],
        known: Truths,
        where: str,
        rng: np.random.Generator,
    ) -> Refit:
        if (labelled == _UNLABELLED).all():
            raise labels.refuse(where, self._rows)
        if labels.positive and not (labelled == 1).any():
            raise labels.refuse_unseen(where)
        place = f"{where}, column {labels.column}"
        taken = known & (labelled != _UNLABELLED)
        before, positive = here[taken], labelled[taken] == 1
        check_sample(positive, before, place, taken.size - positive.size)
        chosen = parted(positive, rng)
        for part in (before[chosen], before[~chosen]):
            if part.min() == part.max():
                check_sample(positive, part, place)
        fitted_line = fit_line(before[chosen], positive[chosen], place)
        line = fitted_line
        if wanted.prevalence is not None:
            line = shifted(line, float(positive.mean()), wanted.prevalence)
        # At the sample's own share of positives: another one cannot be seen in its labels.
        refitted = fitted_line(before)
        kept = positive[~chosen]
        old, new = before[~chosen], refitted[~chosen]
        was, now = quality(old, kept, rng), quality(new, kept, rng)
        gain = mean(losses(old, kept) - losses(new, kept), rng)
        scores = np.round(line(before), DIGITS)
        parts = Rows(scores[chosen], positive[chosen]), Rows(scores[~chosen], kept)
        act = cut_off(self._aims.act, *parts, wanted.prevalence, rng)
        review = cut_off(self._aims.review, *parts, wanted.prevalence, rng)
        return Refit(
            label=labels.column,
            line=line,
            fitted_line=fitted_line,
            fitted=int(chosen.sum()),
            kept=kept.size,
            positives=int(positive.sum()),
            prevalence=wanted.prevalence,
            before=was,
            after=now,
            gain=gain,
            act=act,
            review=lower_first(act, review, parts[1], wanted.prevalence, rng),
            bands=bands(
                parts[1].scores,
                kept,
                parts[0].scores,
                parts[0].positive,
                self._aims.coverage,
                wanted.prevalence,
                rng,
            ),
            left_out=labels.values,
        )

    def _migration(
        self,
        wanted: Wanted,
        score: Score,
        columns: _Columns,
        here: Floats,
        labelled: np.typing.NDArray[np.int8] | None,
        line: Line | None,
        where: str,
        rng: np.random.Generator,
    ) -> Migration:
        former = np.frombuffer(columns.former, np.float64)
        scored = ~np.isnan(former)
        if not scored.any():
            raise score.refuse(where)
        taken = scored & ~np.isnan(here)
        positive = None
        if labelled is not None:
            taken &= labelled != _UNLABELLED
            positive = labelled[taken] == 1
        if not taken.any() or (positive is not None and (positive.all() or not positive.any())):
            raise InvalidSample(
                f"has too few rows with a score of {score.name}, a probability"
                f"{'' if positive is None else ' and a label of either kind'}",
                where=where,
                value=f"{int(taken.sum()):,} rows",
                next_step="name another column with --score",
            )
        return migration(
            score.name,
            former[taken],
            _bent(here[taken], line),
            positive,
            wanted.thresholds,
            wanted.prevalence,
            rng,
            f"{where}, {score.name}",
        )


class _Columns:
    """What is kept of every row, for one head, beside its probabilities."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.former, self.labels = array("d"), array("b")


def _bent(probabilities: Floats, line: Line | None) -> Floats:
    """Probabilities as they are told under `line`."""
    found: Floats = probabilities if line is None else np.round(line(probabilities), DIGITS)
    return found


def calibrate(
    calibrator: Calibrator,
    chunks: Iterable[Chunk],
    *,
    where: str = "input",
    progress: Callable[[Chunk], None] | None = None,
) -> Calibration:
    """Every chunk through `calibrator`, then its result."""
    for chunk in chunks:
        calibrator.add(chunk)
        if progress is not None:
            progress(chunk)
    return calibrator.finish(where)


def prevalences(given: Mapping[str, str]) -> dict[str, float]:
    """Shares of positives by head, from text. Raises `InvalidSample`."""
    found = {}
    for head, text in given.items():
        try:
            share = float(text)
        except ValueError:
            share = float("nan")
        if not is_share(share):
            raise InvalidSample(
                "is not a share",
                where=f"--prevalence for {head}",
                value=text[:40],
                expected="a number between 0 and 1, such as 0.02",
            )
        found[head] = share
    return found
