"""Migration: the thresholds that were used on a former API's score, and the cut-offs here that are equal to them.

Equal in the share of rows that is acted on, which needs no label; and, where there are labels, in precision.
"""

from __future__ import annotations

from math import atanh, sqrt, tanh

import msgspec
import numpy as np

from holdfast.measure.conformal import mixed
from holdfast.measure.cut_offs import Rows, precision_at
from holdfast.measure.figures import Figure, Floats, share
from holdfast.measure.joint import Joint, joint
from holdfast.measure.refit import InvalidSample, Truths
from holdfast.measure.scores import rank
from holdfast.statistics import paired_difference_interval

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the former score, where none are named."""
_Z = 1.959963984540054


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two scores gives from a cut-off on. Without labels only `acted_on` is known."""

    at: float | None
    acted_on: Figure
    precision: Figure | None = None
    recall: Figure | None = None


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """A former threshold, and what is equal to it here.

    `unchanged` is what the same number gives here, `change` how much more or less that acts on (a difference of
    shares); both are None where the former score does not lie between 0 and 1. `same_share` acts on the share of rows
    that comes nearest; `low` and `high` bound the cut-off that is equal on all that is to come (95 %). `same_precision`
    is the lowest cut-off with at least the former precision (None without labels, or where none has). `agreement` is
    the share of rows on which the former threshold and `same_share` agree, `again` the share of the rows acted on before
    on which `same_share` acts too.
    """

    former: Side
    unchanged: Side | None
    change: Figure | None
    same_share: Side
    low: float
    high: float
    same_precision: Side | None
    agreement: Figure
    again: Figure
    only_former: int
    only_here: int


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """The former score called `score` beside one of ours. `correlation` is Spearman's, of ranks; `joint` is for a plot
    of both (None where the former score does not lie between 0 and 1)."""

    score: str
    n: int
    labelled: bool
    correlation: Figure
    thresholds: tuple[Mapped, ...]
    joint: Joint | None = None


def migration(
    name: str,
    former: Floats,
    here: Floats,
    positive: Truths | None,
    thresholds: tuple[float, ...],
    prevalence: float | None,
    rng: np.random.Generator,
    where: str,
) -> Migration:
    """The mapping from rows with both scores; `positive` are their labels, if there are any."""
    chosen = thresholds or THRESHOLDS
    alike = bool(former.min() >= 0 and former.max() <= 1)
    if not thresholds and not alike:
        raise InvalidSample(
            "has scores that are not between 0 and 1",
            where=where,
            value=f"{former.min():.4g} to {former.max():.4g}",
            next_step="say which thresholds you used on it: --threshold 40 70",
        )
    for scores, whose in ((former, "the former score"), (here, "the score here")):
        if scores.min() == scores.max():
            raise InvalidSample(
                f"{whose} is the same in every row",
                where=where,
                value=f"{scores[0]:.4g}",
                expected="scores that differ",
            )
    pair = _Pair(former, here, positive, prevalence, rng, alike=alike)
    return Migration(
        score=name,
        n=former.size,
        labelled=positive is not None,
        correlation=spearman(former, here),
        thresholds=tuple(pair.mapped(threshold) for threshold in sorted(set(chosen))),
        joint=joint(former, here) if alike else None,
    )


class _Pair:
    """Both scores of the same rows, sorted once."""

    def __init__(
        self,
        former: Floats,
        here: Floats,
        positive: Truths | None,
        prevalence: float | None,
        rng: np.random.Generator,
        *,
        alike: bool,
    ) -> None:
        self._former, self._here, self._positive = former, here, positive
        self._alike = alike
        self._prevalence, self._rng = prevalence, rng
        self._classes = np.ones(former.size, np.bool_) if positive is None else positive
        self._ranked = rank(self._classes, here)
        # What each row counts for, by its class.
        positives = int(self._classes.sum())
        self._weights = (1 / former.size, 1 / former.size)
        if prevalence is not None:
            self._weights = (prevalence / positives, (1 - prevalence) / (former.size - positives))
        of_positive, of_negative = self._weights
        self._shares = np.cumsum(self._ranked.positives) * of_positive
        self._shares += np.cumsum(self._ranked.negatives) * of_negative

    def mapped(self, threshold: float) -> Mapped:
        before = self._former >= threshold
        wanted = self._share(before)
        same = self._cut(wanted)
        after = self._beyond(same)
        # The rows on which the two differ are what either share could be off by (McNemar 1947).
        either = before ^ after
        off = _Z * sqrt(
            sum(
                weight**2 * (int((either & side).sum()) + 0.5)
                for weight, side in zip(self._weights, (self._classes, ~self._classes), strict=True)
            )
        )
        low, high = self._cut(min(1.0, wanted + off)), self._cut(max(0.0, wanted - off))
        was = self._side(threshold, before)
        kept = self._here >= threshold
        return Mapped(
            former=was,
            unchanged=self._side(threshold, kept) if self._alike else None,
            change=self._change(before, kept) if self._alike else None,
            same_share=self._side(same, after),
            low=1.0 if low is None else low,
            high=1.0 if high is None else high,
            same_precision=self._same_precision(was),
            agreement=mixed(before == after, self._classes, self._prevalence, self._rng),
            again=self._again(before, after),
            only_former=int((before & ~after).sum()),
            only_here=int((after & ~before).sum()),
        )

    def _change(self, before: Truths, after: Truths) -> Figure:
        """How much larger the share `after` is than `before`: each class's by Agresti and Min (2005), and those put
        together as Zou and Donner (2008) do."""
        value = below = above = 0.0
        for weight, side in zip(self._weights, (self._classes, ~self._classes), strict=True):
            n = int(side.sum())
            if n:
                gained, lost = int((after & ~before & side).sum()), int((before & ~after & side).sum())
                found = paired_difference_interval(gained, lost, n)
                share_of_all = weight * n
                value += share_of_all * found.estimate
                below += (share_of_all * (found.estimate - found.low)) ** 2
                above += (share_of_all * (found.high - found.estimate)) ** 2
        return Figure(value=value, low=max(-1.0, value - sqrt(below)), high=min(1.0, value + sqrt(above)))

    def _again(self, before: Truths, after: Truths) -> Figure:
        """Of the rows in `before` those in `after`; classes count as they are in the sample."""
        return share(int((before & after).sum()), int(before.sum()), "no row reached the former threshold")

    def _beyond(self, at: float | None) -> Truths:
        return np.zeros(self._here.size, np.bool_) if at is None else self._here >= at

    def _share(self, beyond: Truths) -> float:
        of_positive, of_negative = self._weights
        found = of_positive * int((beyond & self._classes).sum())
        return found + of_negative * int((beyond & ~self._classes).sum())

    def _cut(self, wanted: float) -> float | None:
        """The cut-off with the share `wanted`, of two equally near the higher; None for nobody."""
        distances = np.abs(np.concatenate(([0.0], self._shares)) - wanted)
        at = int(np.argmin(distances))
        return None if at == 0 else float(self._ranked.scores[at - 1])

    def _same_precision(self, was: Side) -> Side | None:
        if was.precision is None or was.precision.value is None:
            return None
        of_positive, of_negative = self._weights
        hits = np.cumsum(self._ranked.positives) * of_positive
        precision = hits / (hits + np.cumsum(self._ranked.negatives) * of_negative)
        reached = np.flatnonzero(precision >= was.precision.value - 1e-12)
        if not reached.size:
            return None
        at = float(self._ranked.scores[reached[-1]])
        return self._side(at, self._beyond(at))

    def _side(self, at: float | None, beyond: Truths) -> Side:
        acted_on = mixed(beyond, self._classes, self._prevalence, self._rng)
        if self._positive is None:
            return Side(at=at, acted_on=acted_on)
        hits, false = int((beyond & self._positive).sum()), int((beyond & ~self._positive).sum())
        rows = Rows(self._here, self._positive)
        return Side(
            at=at,
            acted_on=acted_on,
            precision=precision_at(hits, false, rows, self._prevalence),
            recall=share(hits, int(self._positive.sum()), "no row is positive"),
        )


def spearman(one: Floats, other: Floats) -> Figure:
    """Correlation of ranks, ties sharing theirs, with the interval of Bonett and Wright (2000)."""
    n = one.size
    if n < 4:
        return Figure(value=None, why="there are fewer than four rows")
    found = float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])
    if abs(found) >= 1 - 1e-12:
        return Figure(value=round(found), low=round(found), high=round(found))
    half = _Z * sqrt((1 + found**2 / 2) / (n - 3))
    return Figure(value=found, low=tanh(atanh(found) - half), high=tanh(atanh(found) + half))


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Floats = ends - (counts - 1) / 2
    return middle[place]
